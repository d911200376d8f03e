"""The folder of files that can be made again, and how several processes share it.

A cached file carries the SHA-256 of its bytes in its name. So a file that was cut short or changed
is found out, and two processes that write the same file can't harm each other.
"""

from __future__ import annotations

import glob
import hashlib
import os
import secrets
from functools import lru_cache
from pathlib import Path

from dse.errors import RequestError

VARIABLE = "DSE_CACHE_DIR"


def cache_dir() -> Path:
    """The cache's folder, absolute: ``$DSE_CACHE_DIR``, or the user's cache folder."""
    given = os.environ.get(VARIABLE)
    if given:
        return Path(given).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_cache_dir("mlperf-dse", appauthor=False)).absolute()


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, 64 hex digits; not read again while the file stays as it is.

    Raises:
        OSError: the file can't be read.
    """
    found = path.stat()
    return _sha256(path, found.st_ino, found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=1024)
def _sha256(path: Path, _inode: int, _size: int, _mtime_ns: int) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def find(folder: Path, stem: str, suffix: str) -> tuple[Path, str] | None:
    """A cached file that is still what was stored: its path and SHA-256, or None.

    Args:
        folder: where it was stored.
        stem: its name without the checksum.
        suffix: with the dot.
    """
    for path in sorted(folder.glob(f"{glob.escape(stem)}.*{suffix}")):
        expected = path.name.removeprefix(f"{stem}.").removesuffix(suffix)
        try:
            if sha256_of(path) == expected:
                return path, expected
        except OSError:
            continue  # gone, or not readable: to be made again
    return None


def store(folder: Path, stem: str, suffix: str, data: bytes) -> tuple[Path, str]:
    """Puts a file into the cache in one step, over a damaged one if there is one.

    Returns:
        Its path and SHA-256.

    Raises:
        RequestError: the folder can't be written to.
    """
    checksum = hashlib.sha256(data).hexdigest()
    path = folder / f"{stem}.{checksum}{suffix}"
    # A name that `find` does not match, of this process alone.
    partial = folder / f".{stem}.{os.getpid()}-{secrets.token_hex(4)}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            partial.write_bytes(data)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise RequestError(
            f"can't write to the cache: {error.strerror or error}",
            file=folder,
            remedy=f"set {VARIABLE} to a folder that can be written to",
        ) from error
    return path, checksum
