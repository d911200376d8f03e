"""Requests over http and https, and what can go wrong with them, told in the project's errors."""

from __future__ import annotations

import ssl
from contextlib import contextmanager
from http.client import HTTPException
from typing import TYPE_CHECKING, Any
from urllib import request
from urllib.error import HTTPError, URLError
from urllib.parse import SplitResult, urlsplit

from dse import __version__
from dse.core.errors import DseError, RequestError
from dse.download.archive import ArchiveError, to_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from http.client import HTTPResponse

SCHEMES = ("http", "https")
_PASSING = {408, 425, 429}  # beside 5xx: statuses that another attempt may not meet
RANGE_NOT_SATISFIABLE = 416


class BrokenError(DseError):
    """A request failed in a way that another attempt may not; the message says how."""


class OutOfRangeError(BrokenError):
    """The server's file ends before the range that was asked for."""


@contextmanager
def open_response(url: str, headers: Mapping[str, str], silence_s: float) -> Iterator[HTTPResponse]:
    """The server's answer to a GET, open for the block; reading it may raise as `iter_bytes` tells.

    Args:
        url: http or https, and sound.
        headers: beside the usual ones.
        silence_s: longest wait for the connection, and for any byte after.

    Raises:
        BrokenError: no connection, no answer, or one that says to try again.
        ArchiveError: the server does not have the file, or sends elsewhere than it may.
        DseError: the server is not the one it says it is.
    """
    usual = {"User-Agent": f"mlperf-dse/{__version__}"}
    asked = request.Request(url, headers={**usual, **headers})  # noqa: S310  # the opener has no other schemes
    try:
        response = _opener().open(asked, timeout=silence_s)
    except HTTPError as error:
        error.close()
        raise _refusal(url, error) from error
    except (OSError, HTTPException) as error:
        raise _failure(url, error) from error
    with response:
        yield response


def iter_bytes(response: HTTPResponse, chunk_bytes: int) -> Iterator[bytes]:
    """The body, as it comes.

    Raises:
        BrokenError: the connection broke, or stayed silent too long.
    """
    while True:
        try:
            data = response.read1(chunk_bytes)
        except (OSError, HTTPException, ValueError) as error:
            raise BrokenError(f"the connection broke: {_reason(error)}") from error
        if not data:
            return
        yield data


class _Redirects(request.HTTPRedirectHandler):
    """Follows redirects that stay within a scheme or go from http to https."""

    max_redirections = 5

    def http_error_302(
        self, req: request.Request, fp: Any, code: int, msg: str, headers: Any
    ) -> Any:
        """See the base class, which fails on texts that are not addresses."""
        try:
            return super().http_error_302(req, fp, code, msg, headers)
        except ValueError as error:
            raise HTTPError(req.full_url, code, msg, headers, fp) from error

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302

    def redirect_request(
        self, req: request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> request.Request | None:
        """See the base class, which follows to ftp, too."""
        schemes = urlsplit(req.full_url).scheme, urlsplit(newurl).scheme
        if schemes[0] != schemes[1] and schemes != ("http", "https"):
            raise HTTPError(req.full_url, code, "redirects to another scheme", headers, fp)
        fp.close()  # else its body would be read, to whatever end
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> request.OpenerDirector:
    """Not `urllib.request.build_opener`, which also opens files and ftp."""
    opener = request.OpenerDirector()
    for handler in (
        request.ProxyHandler(),
        request.UnknownHandler(),
        request.HTTPHandler(),
        request.HTTPSHandler(),
        request.HTTPDefaultErrorHandler(),
        request.HTTPErrorProcessor(),
        _Redirects(),
    ):
        opener.add_handler(handler)
    return opener


def _refusal(url: str, error: HTTPError) -> Exception:
    """The error that a status other than success stands for."""
    status, server = error.code, host_of(url)
    if status == RANGE_NOT_SATISFIABLE:
        return OutOfRangeError(f"{server} has less of the file than before")
    if status >= 500 or status in _PASSING:
        return BrokenError(f"{server} answered {status}")
    if status in (404, 410):
        return ArchiveError(f"{server} has no such file ({status}): {url}")
    if 300 <= status < 400:
        target = to_line(str(error.headers.get("Location") or "nowhere"))
        return ArchiveError(f"{server} redirects to where no archive can be: {target}")
    return ArchiveError(f"{server} answered {status} {to_line(str(error.reason))}: {url}")


def _failure(url: str, error: Exception) -> Exception:
    """The error when there is no answer at all."""
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        return DseError(
            f"{host_of(url)} can't prove that it is that host: {to_line(reason.verify_message)}; "
            "check the date of this machine and the proxy, or give another --mirror"
        )
    return BrokenError(f"{host_of(url)} can't be reached: {_reason(reason)}")


def _reason(error: object) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    words = error.strerror if isinstance(error, OSError) and error.strerror else error
    return to_line(str(words)) or type(error).__name__


def host_of(url: str) -> str:
    """The host that a URL names."""
    return urlsplit(url).netloc


def on_mirror(url: str, mirror: str | None) -> str:
    """Where a mirror keeps a file: below its own address, by the host and path of the original.

    ``https://storage.googleapis.com/a/b.tgz`` is ``https://mirror/x/storage.googleapis.com/a/b.tgz``
    on the mirror ``https://mirror/x``.

    Args:
        url: the original.
        mirror: what `check_mirror` accepted, or None for the original itself.
    """
    if mirror is None:
        return url
    parts = urlsplit(url)
    return f"{mirror.rstrip('/')}/{parts.netloc}{parts.path}"


def check_mirror(url: str) -> str:
    """The address of a mirror, if it is one.

    Raises:
        RequestError: it is not a plain http or https address.
    """
    parts = _split(url)
    plain = url.isascii() and url.isprintable() and " " not in url
    if parts is None or not plain or parts.query or parts.fragment or parts.username is not None:
        raise RequestError(
            f"'{url}' is not the address of a mirror",
            field="--mirror",
            remedy="write one such as https://mirror.example/models",
        )
    return url


def _split(url: str) -> SplitResult | None:
    """The parts of a URL that can be connected to."""
    try:
        parts = urlsplit(url)
        (parts.hostname or "").encode("idna")
        usable = parts.scheme in SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a wrong port, a wrong address in brackets, or an odd host
        return None
    return parts if usable else None
