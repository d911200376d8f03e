"""Why a file can't be read or written, whose it is, and what to do about it."""

from __future__ import annotations

import errno
import os
import pwd
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

DENIED = (errno.EACCES, errno.EPERM)
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def explain_denial(error: OSError, path: Path, mode: int = os.W_OK) -> str:
    """The system's words, and whose the file is if another user's.

    Args:
        error: what the system said.
        path: of the file, which need not exist.
        mode: what was tried: ``os.W_OK`` or ``os.R_OK``.
    """
    place = find_other_user(path, mode) if error.errno in DENIED else None
    words = error.strerror or str(error)
    return f"{words}, as {place} belongs to {_owner(place)}" if place else words


def choose_remedy(
    error: OSError, path: Path, *, cached: bool = False, whole: Path | None = None
) -> str:
    """What to do if a file can't be written.

    Args:
        error: what the system said.
        path: of the file.
        cached: whether it lies in the cache.
        whole: the folder that needs the same owner throughout; None for no more than the file.
    """
    if error.errno in FULL:
        elsewhere = ", or set DSE_CACHE_DIR to a folder elsewhere" if cached else ""
        return f"make room there{elsewhere}"
    if cached:
        return "set DSE_CACHE_DIR to a folder that you can write"
    place = find_other_user(path) if error.errno in DENIED else None
    if place is None:
        return "choose a place that you can write"
    owned = shlex.join(["sudo", "chown", "-R", str(os.geteuid()), str(whole or place)])
    return f"choose another place, or make it yours: {owned}"


def find_other_user(path: Path, mode: int = os.W_OK) -> Path | None:
    """The file or folder on the way to a path that belongs to another user and refuses access.

    Args:
        path: of a file, which need not exist.
        mode: see `explain_denial`.

    Returns:
        A folder rather than a file in it; None if no other user's refuses.
    """
    refusing = None
    for place in (path.absolute(), *path.absolute().parents):
        try:
            other, folder = place.stat().st_uid != os.geteuid(), place.is_dir()
        except OSError:
            continue
        if other and not os.access(place, mode | os.X_OK if folder else mode):
            refusing = place
        if folder:
            break
    return refusing


def _owner(place: Path) -> str:
    number = place.stat().st_uid
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"
