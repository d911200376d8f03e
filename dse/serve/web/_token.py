"""The secret of a server: made once for a working folder and a port, in a file of the user alone.

It stays the same when the server is started again, so that the pages that are open go on. Whoever
can read the file is the user, and could do all that the page can do anyway. What may get about is
the address: after 30 days it is worth nothing any more.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import secrets
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING

from dse.core.paths import config_dir

if TYPE_CHECKING:
    from dse.serve.request import ServeRequest

LOG = logging.getLogger(__name__)
KEPT_S = 30 * 86400
"""For how long a token is kept, in seconds."""
_BYTES = 32
_FORM = re.compile(r"[A-Za-z0-9_-]{43}")


def new_token() -> str:
    """A secret of 256 bits, as an address can hold it."""
    return secrets.token_urlsafe(_BYTES)


def token_file(request: ServeRequest) -> Path | None:
    """Where the token of a server is kept; None where it is not: the next port may be any."""
    folder = config_dir()
    if folder is None or (request.socket is None and request.port == 0):
        return None
    place = request.socket.absolute() if request.socket else request.port
    served = hashlib.sha256(f"{Path.cwd()}\0{place}".encode(errors="surrogateescape"))
    return folder / "serve" / f"{served.hexdigest()[:16]}.token"


def kept_token(file: Path | None) -> str:
    """The token in a file; a new one, which is kept there, if it is old or others can read it.

    Args:
        file: that holds it, or will; None for a token that is not kept.
    """
    if file is None:
        return new_token()
    token = _read(file)
    if token is None:
        token = new_token()
        try:
            _write(file, token)
        except OSError as error:
            LOG.info("the token is not kept: %s: %s", file, error.strerror)
    return token


def _read(file: Path) -> str | None:
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        descriptor = os.open(file, flags)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_mode & 0o077:
            return None
        if status.st_uid != os.geteuid() or time.time() - status.st_mtime > KEPT_S:
            return None
        token = stream.read(1 << 10).decode("ascii", "replace").strip()
    return token if _FORM.fullmatch(token) else None


def _write(file: Path, token: str) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = file.with_name(f"{file.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(f"{token}\n")
        new.replace(file)
    finally:
        new.unlink(missing_ok=True)
