"""Models, data sets and search spaces on their way to the nodes: files by their content."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Self

from dse.core.checksums import digest, sha256_of
from dse.core.errors import DseError, RequestError
from dse.core.paths import writing_errors
from dse.fleet._message import Message

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dse.fleet.place import Place

CHUNK = 8 << 20
"""The most bytes of one message."""
HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a manifest.

    Attributes:
        path: from the folder on, with slashes.
        size: in bytes.
        sha256: of its content.
    """

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest(Message):
    """The files of a folder, or one file.

    Attributes:
        name: of the folder, or of the file.
        entries: the files in the order of their paths; the path of a single file is its name.
        single: whether it is one file, and not a folder.
    """

    name: str
    entries: tuple[Entry, ...]
    single: bool = False

    @property
    def digest(self) -> str:
        """Names its content."""
        return digest([self.name, self.single, [[e.path, e.sha256] for e in self.entries]])

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Reads what `to_json` wrote, and checks that nothing of it leads elsewhere.

        Raises:
            RequestError: it is something else.
        """
        found = super(Manifest, cls).from_json(text)
        _check_part(found.name)
        for entry in found.entries:
            _check(entry)
        return found


def manifest_of(path: Path, only: Iterable[str] | None = None) -> Manifest:
    """The manifest of a folder or of a file.

    Args:
        path: the folder or the file.
        only: the paths of the files in it that count, with slashes; None for all.

    Raises:
        RequestError: something of it can't be read.
    """
    try:
        if path.is_file():
            return Manifest(path.name, (_entry(path, path.name),), single=True)
        names = sorted(only if only is not None else _names(path))
        return Manifest(path.resolve().name, tuple(_entry(path / name, name) for name in names))
    except OSError as error:
        file = Path(error.filename or path)
        raise RequestError(f"can't be read: {error.strerror}", file=file) from error


def _names(folder: Path) -> Iterator[str]:
    """The files below a folder; links to folders are followed, as who reads models does."""
    for place, _, names in os.walk(folder, followlinks=True, onerror=_raise):
        for name in names:
            if (path := Path(place, name)).is_file():
                yield path.relative_to(folder).as_posix()


def _raise(error: OSError) -> None:
    raise error


def _entry(file: Path, name: str) -> Entry:
    return Entry(name, file.stat().st_size, sha256_of(file))


def chunks(file: Path) -> Iterator[tuple[int, bytes]]:
    """The content of a file in parts, each with its offset; an empty file has one empty part.

    Raises:
        RequestError: it can't be read.
    """
    try:
        with file.open("rb") as stream:
            offset = 0
            while (part := stream.read(CHUNK)) or not offset:
                yield offset, part
                offset += len(part)
                if len(part) < CHUNK:
                    return
    except OSError as error:
        raise RequestError(f"can't be read: {error.strerror}", file=file) from error


def stored(place: Place, sha256: str) -> Path:
    """Where a node keeps the file of a checksum.

    Raises:
        RequestError: that is no checksum.
    """
    if len(sha256) != 64 or not HEX.issuperset(sha256):
        raise RequestError(f"'{sha256}' is no SHA-256")
    return place.files / sha256[:2] / sha256


def lacking(place: Place, manifest: Manifest) -> list[str]:
    """The checksums of the files that a node does not have, each once."""
    if path_of(place, manifest).exists():
        return []
    wanted = dict.fromkeys(entry.sha256 for entry in manifest.entries)
    return [sha256 for sha256 in wanted if not stored(place, sha256).is_file()]


def use_own(place: Place, manifest: Manifest, folders: Iterable[Path]) -> None:
    """Looks for the files of a manifest in folders of the node, which need not be sent then.

    They are not copied: they have to stay as they are.

    Raises:
        RequestError: a folder can't be read.
        DseError: the node's folder can't be written.
    """
    wanted = set(lacking(place, manifest))
    sizes = {entry.size for entry in manifest.entries if entry.sha256 in wanted}
    for path in (folder / name for folder in folders for name in _read_names(folder)):
        if path.stat().st_size not in sizes or (sha256 := sha256_of(path)) not in wanted:
            continue
        wanted.discard(sha256)
        file = stored(place, sha256)
        with writing_errors(file):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.unlink(missing_ok=True)  # a link to what is gone
            file.symlink_to(path.absolute())


def _read_names(folder: Path) -> list[str]:
    try:
        return list(_names(folder))
    except OSError as error:
        raise RequestError(f"can't be read: {error.strerror}", file=folder) from error


def take(place: Place, sha256: str, offset: int, part: bytes, size: int) -> None:
    """Writes a part of a file; with the last one the file is checked and gets its name.

    Args:
        place: of the node.
        sha256: of the whole file.
        offset: of the part, in bytes.
        part: the content.
        size: of the whole file, in bytes.

    Raises:
        DseError: it can't be written, or what came is not what the checksum says.
    """
    file = stored(place, sha256)
    unfinished = file.with_suffix(".part")
    with writing_errors(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        with unfinished.open("r+b" if offset else "wb") as stream:
            stream.seek(offset)
            stream.write(part)
            if offset + len(part) < size:
                return
            stream.truncate(size)
            stream.flush()
            os.fsync(stream.fileno())
        with unfinished.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        if found == sha256:
            unfinished.replace(file)
            return
        unfinished.unlink()
    raise DseError(f"a file came with the SHA-256 {found[:12]} instead of {sha256[:12]}")


def path_of(place: Place, manifest: Manifest) -> Path:
    """Where a node has what a manifest lists, once it is assembled."""
    return place.inputs / manifest.digest / manifest.name


def assemble(place: Place, manifest: Manifest) -> Path:
    """Makes the folder or file of a manifest from files that the node has.

    Returns:
        Its path.

    Raises:
        DseError: a file is missing, or it can't be written.
    """
    path = path_of(place, manifest)
    if path.exists():
        return path
    made = path.parent.with_suffix(".part")
    shutil.rmtree(made, ignore_errors=True)
    for entry in manifest.entries:
        source = stored(place, entry.sha256)
        inner = PurePosixPath(entry.path)
        target = made / manifest.name if manifest.single else made / manifest.name / inner
        with writing_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            _link(source, target)
    with writing_errors(path):
        (made / manifest.name).parent.mkdir(parents=True, exist_ok=True)
        made.replace(path.parent)
    return path


def find(place: Place, digest: str) -> Path:
    """The path of what was assembled under a digest.

    Raises:
        DseError: nothing was.
    """
    folder = place.inputs / digest
    inside = [*folder.iterdir()] if HEX.issuperset(digest) and folder.is_dir() else []
    if len(inside) != 1:
        raise DseError(f"node {place.path}: the files {digest} have not come")
    return inside[0]


def _link(source: Path, target: Path) -> None:
    """Gives a file another name; the node's own files elsewhere stay where they are."""
    if source.is_symlink():
        target.symlink_to(source.readlink())
        return
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:  # the file system has no such links
        shutil.copyfile(source, target)


def _check(entry: Entry) -> None:
    if entry.size < 0:
        raise RequestError(f"a file of {entry.size} bytes", field="size")
    for part in entry.path.split("/"):
        _check_part(part)
    if len(entry.sha256) != 64 or not HEX.issuperset(entry.sha256):
        raise RequestError(f"'{entry.sha256}' is no SHA-256")


def _check_part(part: str) -> None:
    """Refuses what would lead out of a folder."""
    if part in ("", ".", "..") or "/" in part or "\0" in part:
        raise RequestError(f"{part!r} is no name of a file in a manifest")
