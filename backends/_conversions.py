"""What converters have made of model files, kept in the user's cache for the workers that follow.

Each measurement has a worker of its own, and a conversion takes seconds, half a minute of a large
model. A conversion is a folder whose name is a digest of what it was made of and by what; the name
comes last, so that no reader finds half of it. The checksums of its files lie beside them: one that
was damaged since is made anew, and never counts as a fault of the model.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from ._runtime_cache import cache_folder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

KIND = "conversions"
MOST_BYTES = 4 << 30
"""Of all conversions that are kept; the ones that were used last stay."""
CHECKSUMS = "checksums.json"
"""The file of a conversion with the SHA-256 of each of its files, by name."""

Stamp = tuple[Path, int, int]
"""A file, its size, and when it was changed last, in nanoseconds."""


def stamp(file: Path) -> Stamp:
    """How a file lies there now.

    Raises:
        OSError: it can't be found.
    """
    status = file.stat()
    return file, status.st_size, status.st_mtime_ns


def conversion_folder(files: Sequence[Stamp], maker: str, options: str) -> Path | None:
    """Where a conversion is kept; None where nothing can be.

    Args:
        files: the model file, and those with its weights.
        maker: name and version of what converts them.
        options: what else decides what is made of them.

    Raises:
        OSError: a file can't be read.
    """
    folder = cache_folder(KIND, maker)
    return None if folder is None else folder / _digest(files, options)


@lru_cache(maxsize=64)
def _digest(files: Sequence[Stamp], options: str) -> str:
    digest = hashlib.sha256(f"{options}\n".encode())
    for number, (file, size, _) in enumerate(files):
        digest.update(f"{file.name if number else ''} {size}\n".encode())
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()[:32]


def find_kept(conversion: Path, names: Sequence[str]) -> list[str] | None:
    """The paths of a conversion's files, which have been used now; None if one is not as it was."""
    paths = [conversion / name for name in names]
    try:
        checksums = _read_checksums(conversion)
        if any(_checksum(stamp(path)) != checksums.get(path.name) for path in paths):
            return None
        os.utime(conversion)
    except (OSError, ValueError):
        return None
    return [str(path) for path in paths]


def _read_checksums(conversion: Path) -> Mapping[str, str]:
    """What the files of a conversion were, by name.

    Raises:
        OSError, ValueError: it does not say.
    """
    found = json.loads((conversion / CHECKSUMS).read_bytes())
    if not isinstance(found, dict):
        raise ValueError(f"{CHECKSUMS} holds no fields")  # noqa: TRY004  # as of other damage
    return found


@lru_cache(maxsize=64)
def _checksum(file: Stamp) -> str:
    """The SHA-256 of a file; one that lies there as before is not read again."""
    with file[0].open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def keep(folder: Path, names: Sequence[str], conversion: Path) -> list[str] | None:
    """Keeps what was made in a folder as a conversion; None if that is not possible."""
    part = conversion.with_name(f"{conversion.name}.{secrets.token_hex(4)}.tmp")
    try:
        part.mkdir(mode=0o700)
        checksums = {}
        for name in names:
            checksums[name] = _checksum(stamp(folder / name))
            with (folder / name).open("rb") as source, (part / name).open("wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
                target.flush()
                os.fsync(target.fileno())
        (part / CHECKSUMS).write_text(json.dumps(checksums))
        with suppress(FileExistsError):
            _rename(part, names, conversion)
    except OSError:  # the disk is full, say: what was made is of use all the same
        return None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    drop_oldest(conversion.parent.parent)
    return find_kept(conversion, names)


def _rename(part: Path, names: Sequence[str], conversion: Path) -> None:
    """Gives a conversion its name; one with a file that is missing or damaged gives way.

    Raises:
        FileExistsError: another process was faster.
        OSError: it is not possible.
    """
    try:
        part.rename(conversion)
    except OSError:
        if not conversion.is_dir():
            raise
        if find_kept(conversion, names) is not None:
            raise FileExistsError(str(conversion)) from None
        shutil.rmtree(conversion)
        part.rename(conversion)


def drop_oldest(folder: Path) -> None:
    """Removes what was used longest ago, of other versions too, until the rest is small enough."""
    found = []
    for conversion in folder.glob("*/*"):
        with suppress(OSError):  # another process drops them, too
            size = sum(file.stat().st_size for file in conversion.iterdir())
            found.append((conversion.stat().st_mtime_ns, size, conversion))
    left = sum(size for _, size, _ in found)
    for _, size, conversion in sorted(found)[:-1]:
        if left <= MOST_BYTES:
            break
        shutil.rmtree(conversion, ignore_errors=True)
        left -= size
