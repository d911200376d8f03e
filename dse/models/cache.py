"""The folder of files that can be made again, and how several processes share it.

A cached file carries the SHA-256 of its bytes in its name. So a file that was cut short or changed
is found out, and two processes that write the same file can't harm each other.
"""

from __future__ import annotations

import glob
import hashlib
import logging
from typing import TYPE_CHECKING

from dse.core.checksums import sha256_of
from dse.core.paths import atomic_write, exclusive

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LOG = logging.getLogger(__name__)


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
        DseError: the folder can't be written to.
    """
    checksum = hashlib.sha256(data).hexdigest()
    path = folder / f"{stem}.{checksum}{suffix}"
    with atomic_write(path) as file:
        file.write(data)
    return path, checksum


def build(folder: Path, stem: str, suffix: str, make: Callable[[], bytes]) -> tuple[Path, str]:
    """Finds a file in the cache, or makes it.

    For what takes long, or may come out with other bytes each time: of several processes one makes
    it, and the others wait for it and take its file.

    Args:
        folder: where it is stored.
        stem: its name without the checksum; holds all that its content depends on.
        suffix: with the dot.
        make: gives its content.

    Returns:
        Its path and SHA-256.

    Raises:
        DseError: the folder can't be written to.
    """
    if found := find(folder, stem, suffix):
        return found
    with exclusive(folder / f"{stem}{suffix}.lock"):
        if found := find(folder, stem, suffix):
            return found
        LOG.info("making %s%s", stem, suffix)
        stored = store(folder, stem, suffix, make())
    # On a file system without locks another one may be there as well; all take the same then.
    return find(folder, stem, suffix) or stored
