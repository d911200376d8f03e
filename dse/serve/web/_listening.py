"""Where a server listens: a port of this machine, or a Unix socket of the user alone."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import ssl
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from dse.core.errors import DseError, RequestError
from dse.core.paths import exclusive
from dse.serve.request import is_loopback
from dse.serve.web.hosts import LOOPBACK, Host, Hosts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dse.serve.request import ServeRequest

BACKLOG = 128
PRIVATE_UMASK = 0o177


@contextmanager
def listening(request: ServeRequest) -> Iterator[socket.socket]:
    """A socket that listens for the block; its file is removed at the end.

    Raises:
        RequestError: there is no such address, or the file is something else.
        DseError: the port or the socket is in use, or not allowed.
    """
    if request.socket is None:
        with _at_address(request) as opened:
            yield opened
        return
    opened = _at_file(request.socket)
    status = request.socket.lstat()
    try:
        with opened:
            yield opened
    finally:
        with suppress(OSError):  # it may have been replaced, or be gone with its folder
            if os.path.samestat(request.socket.lstat(), status):
                request.socket.unlink()


def check_certificate(request: ServeRequest) -> None:
    """Reads the files of TLS.

    Raises:
        RequestError: they can't be read, or don't fit each other.
    """
    if request.certificate is None or request.key is None:
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # The empty password keeps OpenSSL from asking for one on the terminal.
        context.load_cert_chain(request.certificate, request.key, password="")
    except OSError as error:  # that of ssl is one of them
        words = error.strerror if not isinstance(error, ssl.SSLError) else error.reason
        raise RequestError(
            f"TLS can't use it with the key {request.key}: {words or error}",
            file=request.certificate,
            field="--certificate",
            remedy="give a certificate and its own key, in PEM and without a password",
        ) from error


def served_hosts(request: ServeRequest, port: int) -> Hosts:
    """The names under which a server answers.

    Args:
        request: what was asked for.
        port: at which it listens.
    """
    allowed = {host for text in request.allow_host if (host := Host.parse(text)) is not None}
    if request.socket is not None:  # `ssh -L` leads to it from any port of another machine
        return Hosts(frozenset({*map(Host, LOOPBACK), *allowed}))
    names = {_bracketed(request.host).lower()}
    everywhere = _is_any(request.host)
    if everywhere or is_loopback(request.host):
        names |= LOOPBACK
    if everywhere:
        names |= {socket.gethostname().lower(), socket.getfqdn().lower()}
    known = {Host(name, port) for name in names}
    return Hosts(frozenset(known | allowed), numbers_at=port if everywhere else None)


def address(request: ServeRequest, port: int) -> str:
    """The address that a browser opens, without a path.

    Args:
        request: what was asked for.
        port: at which the server listens; that of a socket is at the other end of ``ssh -L``.
    """
    if request.socket is not None:
        return f"http://localhost:{port}"
    scheme = "https" if request.secure else "http"
    name = socket.getfqdn() if _is_any(request.host) else _bracketed(request.host)
    return f"{scheme}://{name}:{port}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _is_any(host: str) -> bool:
    """Whether a host stands for all addresses of this machine."""
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def _at_address(request: ServeRequest) -> socket.socket:
    host, port = request.host, request.port
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError) as error:
        words = error.strerror if isinstance(error, OSError) else "not a name"
        raise RequestError(
            f"'{host}' has no address: {words}",
            field="--host",
            remedy="leave it out, or give an address of this machine",
        ) from error
    family, _, _, _, place = found[0]
    if not request.secure and not ipaddress.ip_address(place[0]).is_loopback:
        raise RequestError(
            f"'{host}' is {place[0]} here, which other machines can reach, and there is no TLS",
            field="--host",
            remedy="give --certificate and --key, or leave --host out and use `ssh -L`",
        )
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(place)
        opened.listen(BACKLOG)
    except OSError as error:
        opened.close()
        raise _explain(error, host, port) from error
    return opened


def _explain(error: OSError, host: str, port: int) -> DseError:
    if error.errno == errno.EADDRINUSE:
        return DseError(
            f"port {port} of {host} is in use; choose another one with --port, 0 for any that is "
            "free"
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return RequestError(
            f"'{host}' is no address of this machine", field="--host", remedy="leave it out"
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return DseError(f"port {port} is not allowed; choose one from 1024 on with --port")
    return DseError(f"can't listen at {host}, port {port}: {error.strerror}")


def _at_file(path: Path) -> socket.socket:
    """A socket with a file that its user alone can use, from its first moment.

    A file that a dead server has left is replaced. The lock keeps two that start together from
    replacing each other's.
    """
    if not path.parent.is_dir():
        problem = f"{path.parent} is not a folder"
        raise RequestError(problem, field="--socket", remedy="choose a place that is there")
    lock = path.with_name(f"{path.name}.lock")
    with exclusive(lock):
        try:
            _remove_stale(path)
            opened = _bound(path)
        finally:
            lock.unlink(missing_ok=True)
    return opened


def _bound(path: Path) -> socket.socket:
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(PRIVATE_UMASK)
    try:
        opened.bind(str(path))
        opened.listen(BACKLOG)
    except OSError as error:
        opened.close()
        long = error.errno is None  # Python's own error: the system allows about 100 bytes
        words = "its path is too long" if long else error.strerror
        raise RequestError(
            f"{path}: {words}", field="--socket", remedy="choose another place"
        ) from error
    finally:
        os.umask(before)
    return opened


def _remove_stale(path: Path) -> None:
    """Removes the file of a server that has ended.

    Raises:
        RequestError: it is no socket.
        DseError: a server listens there.
    """
    try:
        status = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(status.st_mode):
        problem = f"{path} is there, and no socket"
        raise RequestError(problem, field="--socket", remedy="choose another place")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)
            return
        except OSError as error:
            raise DseError(f"{path}: can't be taken over: {error.strerror or error}") from error
    raise DseError(f"{path} is in use by another server; choose another place with --socket")
