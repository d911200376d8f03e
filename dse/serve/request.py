"""What to serve, to whom, and where."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dse.core.errors import RequestError
from dse.serve.web.hosts import Host

if TYPE_CHECKING:
    from pathlib import Path

PORT = 8765


@dataclass(frozen=True, slots=True)
class ServeRequest:
    """What to serve, to whom, and where.

    The studies, spaces and submissions are those of the working folder.

    Attributes:
        host: the address to listen at.
        port: the port to listen at; 0 for any that is free.
        socket: a Unix socket to listen at in place of an address; None for an address.
        certificate: a file with the certificates of TLS; None for none.
        key: the file with its private key.
        models: the folders of model files that may be chosen in the browser.
        datasets: the folders of data sets that may be chosen in the browser.
        checker: a clone of ``mlcommons/inference``, whose checkers look at exported trees; None for
            none.
        read_only: whether nothing can be started or changed.
        browser: whether to open a browser.
        allow_host: further names, with or without a port, under which the server is reached.

    Raises:
        RequestError: other machines would be served without TLS, or options contradict each other.
    """

    host: str = "127.0.0.1"
    port: int = PORT
    socket: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    models: tuple[Path, ...] = ()
    datasets: tuple[Path, ...] = ()
    checker: Path | None = None
    read_only: bool = False
    browser: bool = True
    allow_host: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            problem = "a certificate and its key belong together"
            raise RequestError(problem, field="--certificate", remedy="give --key as well")
        if self.socket is not None and self.secure:
            problem = "a Unix socket needs no TLS"
            raise RequestError(problem, field="--socket", remedy="leave --certificate out")
        for text in self.allow_host:
            if Host.parse(text) is None:
                problem = f"'{text}' is not the name of a host"
                remedy = "write NAME or NAME:PORT, as in the browser's address"
                raise RequestError(problem, field="--allow-host", remedy=remedy)
        if self.socket is None and not self.secure and not is_loopback(self.host):
            raise RequestError(
                f"{self.host} can be reached from other machines, and there is no TLS",
                field="--host",
                remedy="give --certificate and --key, or leave --host out and use `ssh -L`",
            )

    @property
    def secure(self) -> bool:
        """Whether connections are encrypted."""
        return self.certificate is not None


def is_loopback(host: str) -> bool:
    """Whether an address is of this machine alone: a name may be resolved to anything."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
