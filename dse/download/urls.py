"""Addresses of files on servers and on their mirrors."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from dse.core.errors import RequestError

SCHEMES = ("http", "https")


def host(url: str) -> str:
    """The host that a URL names."""
    return urlsplit(url).netloc


def mirrored(url: str, mirror: str | None) -> str:
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
        RequestError: it is no plain http or https address.
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
    except ValueError:  # a port or an address in brackets that is none, or an odd host
        return None
    return parts if usable else None
