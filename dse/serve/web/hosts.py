"""The names under which a server answers: a page of elsewhere can't pretend to be this one."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

PORTS = {"http": 80, "https": 443}
"""The ports that a browser leaves out."""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
"""What a browser calls its own machine."""
_HOST = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9][a-z0-9._-]{0,252})(?::([0-9]{1,5}))?")


@dataclass(frozen=True, slots=True)
class Host:
    """The name and port that a browser has in its address bar.

    Attributes:
        name: in small letters; an IPv6 number in brackets.
        port: the port; None where none is said.
    """

    name: str
    port: int | None = None

    @classmethod
    def parse(cls, text: str) -> Host | None:
        """Reads a ``Host`` header or the like; None for what is none."""
        match = _HOST.fullmatch(text.lower())
        if match is None or int(match[2] or 0) > 65535:
            return None
        return cls(match[1], int(match[2]) if match[2] else None)

    @property
    def is_number(self) -> bool:
        """Whether the name is an IP address: no name server can point it elsewhere."""
        try:
            ipaddress.ip_address(self.name.strip("[]"))
        except ValueError:
            return False
        return True

    def __str__(self) -> str:
        return self.name if self.port is None else f"{self.name}:{self.port}"


@dataclass(frozen=True, slots=True)
class Hosts:
    """The names under which a server answers.

    A page of another site can make its own name point to this machine; then a browser takes both
    for one site, and only the name tells them apart.

    Attributes:
        known: those names; a port of None stands for any.
        numbers_at: the port at which any IP address is right; None for no port.
    """

    known: frozenset[Host]
    numbers_at: int | None = None

    def serve(self, host: Host, scheme: str) -> bool:
        """Whether the server answers under a name.

        Args:
            host: what the ``Host`` header says.
            scheme: ``http`` or ``https``.
        """
        port = PORTS[scheme] if host.port is None else host.port
        if self.numbers_at == port and host.is_number:
            return True
        return not self.known.isdisjoint({Host(host.name), Host(host.name, port)})
