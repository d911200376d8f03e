"""Files taken out of a compressed tar archive of unknown origin.

The archive is read as one stream from its begin to its end, so that gzip's checksum covers it, and
no name in it ever becomes a path. A member that is not a regular file or a folder makes the whole
archive unfit.
"""

from __future__ import annotations

import gzip
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING, cast

from dse.core.errors import DseError
from dse.core.printable import to_printable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

_CHUNK_BYTES = 1 << 16
_MAX_HEADER_BYTES = 1 << 20
"""The size of everything between two members: headers, long names, padding."""
MAX_SHOWN = 80
"""The number of characters that are shown of somebody else's text."""


class ArchiveError(DseError):
    """One published archive can't be had or is not what it should be; others may be."""


@dataclass(frozen=True, slots=True)
class ArchiveBounds:
    """What an archive may hold; the published ones stay far below.

    Attributes:
        members: how many files and folders.
        file_bytes: of each file that is taken out; it is held in memory.
        total_bytes: of the whole, unpacked.
    """

    members: int = 1000
    file_bytes: int = 128 << 20
    total_bytes: int = 1 << 30


ARCHIVE_BOUNDS = ArchiveBounds()


def extract(
    path: Path, names: Collection[str], bounds: ArchiveBounds = ARCHIVE_BOUNDS
) -> dict[str, bytes]:
    """The content of files in a ``.tar.gz``, by name.

    Args:
        path: the archive.
        names: of the files, without folders; each must be there exactly once.
        bounds: what else the archive may hold.

    Raises:
        ArchiveError: a file is not there or there twice; or the archive is damaged, too large, or
            holds something else than files and folders.
        OSError: the archive can't be read.
    """
    found: dict[str, bytes] = {}
    models: list[str] = []
    with path.open("rb") as packed:
        stream = _Stream(packed, bounds.total_bytes)
        try:
            with tarfile.open(fileobj=stream, mode="r|") as archive:  # type: ignore[call-overload]  # reads only
                for name, member in _iter_files(archive, stream, bounds):
                    if name.endswith(".tflite"):
                        models.append(to_line(name))
                    if name in found:
                        raise ArchiveError(f"the archive has more than one file {name}")
                    if name in names:
                        found[name] = _read_member(archive, member, bounds)
            stream.drain()
        except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, ValueError) as error:
            raise ArchiveError(f"the archive is damaged: {to_line(str(error))}") from error
    if missing := sorted(set(names) - set(found)):
        others = ", ".join(models) or "none"
        raise ArchiveError(f"the archive has no file {missing[0]}; its model files: {others}")
    return found


def _iter_files(
    archive: tarfile.TarFile, stream: _Stream, bounds: ArchiveBounds
) -> Iterator[tuple[str, tarfile.TarInfo]]:
    """The regular files, each with its name without folders."""
    for count, member in enumerate(archive, start=1):
        stream.expect(member.offset_data + member.size)
        if count > bounds.members:
            raise ArchiveError(f"the archive has more than {bounds.members} members")
        if member.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and not member.issparse():
            yield PurePosixPath(member.name).name, member
        elif not member.isdir():
            told = to_line(member.name)
            raise ArchiveError(f"the archive has a member that is not a regular file: {told}")


def _read_member(archive: tarfile.TarFile, member: tarfile.TarInfo, bounds: ArchiveBounds) -> bytes:
    if member.size > bounds.file_bytes:
        told = to_line(PurePosixPath(member.name).name)
        raise ArchiveError(f"{told} is larger than {bounds.file_bytes >> 20} MiB")
    with cast("IO[bytes]", archive.extractfile(member)) as file:  # None is for folders
        return file.read()


class _Stream:
    """The unpacked bytes, counted; what tarfile reads from."""

    def __init__(self, packed: IO[bytes], max_bytes: int) -> None:
        self._unpacked = gzip.GzipFile(fileobj=packed)
        self._max_bytes = max_bytes
        self._total = 0
        self._expected = _MAX_HEADER_BYTES

    def expect(self, end: int) -> None:
        """Allows reading up to the end of a member, and what may stand before the next one.

        Else a header that claims a name of a gigabyte would be read into memory.
        """
        self._expected = end + _MAX_HEADER_BYTES

    def read(self, size: int) -> bytes:
        """At most `size` bytes.

        Raises:
            ArchiveError: more came out of the archive than is sound.
        """
        data = self._unpacked.read(min(size, _CHUNK_BYTES))
        self._total += len(data)
        if self._total > self._max_bytes:
            raise ArchiveError(f"the archive unpacks to over {self._max_bytes >> 20} MiB")
        if self._total > self._expected + _CHUNK_BYTES:
            raise ArchiveError("the archive has headers of more than a mebibyte")
        return data

    def drain(self) -> None:
        """Reads what follows the last member: padding, and gzip's checksum."""
        self.expect(self._total)
        while self.read(_CHUNK_BYTES):
            pass


def to_line(text: str) -> str:
    """Somebody else's text as it may stand in a line on a terminal."""
    line = to_printable(text)
    return line if len(line) <= MAX_SHOWN else f"{line[: MAX_SHOWN - 3]}..."
