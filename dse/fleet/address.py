"""Where a scheduler listens, and whether what goes there is encrypted."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from dse.core.errors import RequestError

DEFAULT_PORT = 8786
SCHEMES = ("tls", "tcp")
MAX_PORT = 65535
_FORM = re.compile(r"(?:(\w+)://)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a scheduler listens.

    Attributes:
        scheme: ``tls``, or ``tcp`` for what is not encrypted.
        host: a name or a number; one of IPv6 has no brackets.
        port: from 0, for any that is free, to 65535.
    """

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.scheme}://{self.bracketed}:{self.port}"

    @property
    def bracketed(self) -> str:
        """The host as it is written in front of a port."""
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def encrypted(self) -> bool:
        """Whether both sides have to show certificates."""
        return self.scheme == "tls"

    @property
    def loopback(self) -> bool:
        """Whether it can be reached from its own machine only."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def parse_address(text: str, *, certificates: bool, field: str = "--scheduler") -> Address:
    """Reads an address such as ``tls://head:8786``, ``head`` or ``127.0.0.1:8786``.

    Without a scheme it is ``tls`` where there are certificates or another machine can reach it.

    Args:
        text: the address.
        certificates: whether there are any.
        field: what gave it.

    Raises:
        RequestError: it is no address, or what goes there would not be safe: whoever reaches a
            scheduler without certificates runs programs on every node.
    """
    found = _FORM.fullmatch(text.strip())
    port = int(found[3] or DEFAULT_PORT) if found else 0
    if found is None or port > MAX_PORT or found[1] not in (None, *SCHEMES):
        problem = f"'{text}' is not the address of a scheduler"
        raise RequestError(problem, field=field, remedy="write tls://HOST:PORT")
    host = found[2].strip("[]")
    loopback = Address("tcp", host, port).loopback
    scheme = found[1] or ("tls" if certificates or not loopback else "tcp")
    address = Address(scheme, host, port)
    _refuse_unsafe(address, field, certificates=certificates)
    return address


def _refuse_unsafe(address: Address, field: str, *, certificates: bool) -> None:
    if not address.encrypted and not address.loopback:
        raise RequestError(
            f"{address} is not encrypted, and whoever reaches it could run programs on each node",
            field=field,
            remedy=f"write tls://{address.host}:{address.port} and give --certificates DIR",
        )
    if address.encrypted and not certificates:
        raise RequestError(
            f"{address} needs certificates",
            field="--certificates",
            remedy="make them once with `dse fleet certificates DIR`, and give --certificates DIR",
        )
    if not address.encrypted and certificates:
        raise RequestError(
            f"{address} is not encrypted, so that certificates have no effect",
            field=field,
            remedy=f"write tls://{address.host}:{address.port}",
        )
