"""Files taken out of a compressed tar archive that nobody vouches for.

The archive is read as one stream from its begin to its end, so that gzip's checksum covers it, and
no name in it ever becomes a path. One odd member is enough to refuse the whole.
"""

from __future__ import annotations

import gzip
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath
from typing import IO, TYPE_CHECKING, cast

from dse.core.errors import DseError

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

_CHUNK_BYTES = 1 << 16
_HEADERS_BYTES = 1 << 20  # between two members: their headers, long names, padding
_UNSUSPICIOUS_BYTES = 16 << 20  # so much may come out of any archive, however small
MAX_SHOWN = 80


class ArchiveError(DseError):
    """One published archive can't be had or is not what it should be; others may be."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What an archive may hold; the published ones stay far below.

    Attributes:
        members: how many files and folders.
        member_bytes: of each, unpacked.
        wanted_bytes: of each file that is taken out; it is held in memory.
        total_bytes: of the whole, unpacked.
        ratio: of unpacked to packed bytes.
    """

    members: int = 1000
    member_bytes: int = 512 << 20
    wanted_bytes: int = 128 << 20
    total_bytes: int = 1 << 30
    ratio: int = 100


BOUNDS = Bounds()


def extract(path: Path, names: Collection[str], bounds: Bounds = BOUNDS) -> dict[str, bytes]:
    """The content of files in a ``.tar.gz``, by name.

    Args:
        path: the archive.
        names: of the files, without folders; each must be there exactly once.
        bounds: what else the archive may hold.

    Raises:
        ArchiveError: a file is not there or there twice; or the archive is damaged, too large, or
            holds something else than files and folders below its own.
        OSError: the archive can't be read.
    """
    with path.open("rb") as packed:
        stream = _Stream(packed, bounds)
        try:
            with tarfile.open(fileobj=stream, mode="r|") as archive:  # type: ignore[call-overload]  # reads only
                found = _members(archive, stream, names, bounds)
            stream.drain()
        except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, ValueError) as error:
            raise ArchiveError(f"the archive is damaged: {shown(str(error))}") from error
    missing = sorted(set(names) - set(found))
    if missing:
        others = ", ".join(stream.seen) or "none"
        raise ArchiveError(f"the archive has no file {missing[0]}; its model files: {others}")
    return found


def _members(
    archive: tarfile.TarFile, stream: _Stream, names: Collection[str], bounds: Bounds
) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for count, member in enumerate(archive, start=1):
        _check(member, count, bounds)
        stream.expect(member.offset_data + member.size)
        name = PurePosixPath(member.name).name
        if name.endswith(".tflite") and len(stream.seen) < bounds.members:
            stream.seen.append(shown(name))
        if name not in names or member.isdir():
            continue
        if name in found:
            raise ArchiveError(f"the archive has more than one file {name}")
        if member.size > bounds.wanted_bytes:
            raise ArchiveError(f"{name} is larger than {bounds.wanted_bytes >> 20} MiB")
        with cast("IO[bytes]", archive.extractfile(member)) as file:  # None is for folders
            found[name] = file.read()
    return found


def _check(member: tarfile.TarInfo, count: int, bounds: Bounds) -> None:
    name = shown(member.name)
    windows = PureWindowsPath(member.name)  # knows both separators, and drives
    if count > bounds.members:
        raise ArchiveError(f"the archive has more than {bounds.members} members")
    if windows.anchor or ".." in windows.parts:
        raise ArchiveError(f"the archive has a member outside its folder: {name}")
    plain = member.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and not member.issparse()
    if not plain and not member.isdir():
        raise ArchiveError(f"the archive has a member that is not a regular file: {name}")
    if member.size > bounds.member_bytes:
        raise ArchiveError(f"{name} is larger than {bounds.member_bytes >> 20} MiB")


class _Stream:
    """The unpacked bytes, counted; what tarfile reads from.

    Attributes:
        seen: names of the model files.
    """

    def __init__(self, packed: IO[bytes], bounds: Bounds) -> None:
        self._packed, self._bounds = packed, bounds
        self._unpacked = gzip.GzipFile(fileobj=packed)
        self._total = 0
        self._expected = _HEADERS_BYTES
        self.seen: list[str] = []

    def expect(self, end: int) -> None:
        """Allows reading up to the end of a member, and what may stand before the next one.

        Else a header that claims a name of a gigabyte would be read into memory.
        """
        self._expected = end + _HEADERS_BYTES

    def read(self, size: int) -> bytes:
        """At most so many bytes.

        Raises:
            ArchiveError: more came out of the archive than is sound.
        """
        data = self._unpacked.read(min(size, _CHUNK_BYTES))
        self._total += len(data)
        packed = self._packed.tell()
        if self._total > self._bounds.total_bytes:
            raise ArchiveError(f"the archive unpacks to over {self._bounds.total_bytes >> 20} MiB")
        if self._total > _UNSUSPICIOUS_BYTES + packed * self._bounds.ratio:
            raise ArchiveError(f"the archive unpacks to over {self._bounds.ratio} times its size")
        if self._total > self._expected + _CHUNK_BYTES:
            raise ArchiveError("the archive has headers of more than a mebibyte")
        return data

    def drain(self) -> None:
        """Reads what follows the last member: padding, and gzip's checksum."""
        self._expected = self._total + _HEADERS_BYTES
        while self.read(_CHUNK_BYTES):
            pass


def shown(text: str) -> str:
    """Somebody else's text as it may stand in a line on a terminal."""
    line = "".join(c if c.isprintable() else "?" for c in text)
    return line if len(line) <= MAX_SHOWN else f"{line[: MAX_SHOWN - 3]}..."
