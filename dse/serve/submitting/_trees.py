"""Submission trees as they lie in the working folder: their files, and an archive of them."""

from __future__ import annotations

import gzip
import os
import stat
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from dse.core.errors import DseError, RequestError
from dse.study.folder import NAME
from dse.tasks.benchmark import DIVISIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

SUBMISSIONS = Path("submissions")
PREVIEW, ORIGINALS = "-preview", "-originals"
"""What the names of previews, and of the folders of whole accuracy logs, end with."""
MAX_FILES = 50_000
MAX_DEPTH = 50
"""Of folders within each other: a submission has eight."""
MAX_BYTES = 2 << 30
"""Of all files together: MLPerf takes none of more than 50 MB."""
CHUNK_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class WrittenTree:
    """A submission on disk.

    Attributes:
        name: of its folder in `SUBMISSIONS`.
        files: names and sizes in bytes, relative to it, in the order of an archive.
        left_out: names of what is no regular file, such as a link.
    """

    name: str
    files: tuple[tuple[str, int], ...]
    left_out: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """Its root."""
        return SUBMISSIONS / self.name

    @property
    def size_bytes(self) -> int:
        """Of all files."""
        return sum(size for _, size in self.files)

    @property
    def submitters(self) -> list[str]:
        """The organisations that it is of: one, unless somebody has put others there."""
        parts = (name.split("/") for name, _ in self.files)
        return sorted({words[1] for words in parts if len(words) > 2})


@dataclass(frozen=True, slots=True)
class _Entry:
    """What lies in a folder that is open.

    Attributes:
        name: relative to the tree.
        base: in its folder.
        folder: descriptor of that.
        status: of the entry itself, not of what it may lead to.
    """

    name: str
    base: str
    folder: int
    status: os.stat_result

    @property
    def plain(self) -> bool:
        """Whether it is a regular file."""
        return stat.S_ISREG(self.status.st_mode)


def checked_name(name: str) -> str:
    """The name of a submission, which is that of a folder in `SUBMISSIONS`.

    Raises:
        RequestError: it can't be one.
    """
    if NAME.fullmatch(name) is None:
        problem = f"'{name}' can't be the name of a folder"
        remedy = "use letters, digits and ._@+- only, at most 100"
        raise RequestError(problem, field="name", remedy=remedy)
    if name.endswith((PREVIEW, ORIGINALS)):
        problem = f"the name '{name}' ends like that of a preview or of whole logs"
        raise RequestError(problem, field="name", remedy="choose another one")
    return name


def find_trees(submission: str) -> list[WrittenTree]:
    """What was written under the name of a submission: itself, and its preview.

    Raises:
        RequestError: a tree is too large to be shown.
    """
    found = (find_tree(name) for name in (submission, f"{submission}{PREVIEW}"))
    return [tree for tree in found if tree is not None]


def find_tree(name: str) -> WrittenTree | None:
    """The tree in a folder of `SUBMISSIONS`; None where there is none.

    Raises:
        RequestError: it is too large to be shown, or can't be read.
    """
    root = SUBMISSIONS / name
    if NAME.fullmatch(name) is None or not _is_folder(root):
        return None
    try:
        return _found(name, root)
    except OSError as error:
        raise RequestError(f"can't be read: {error.strerror or error}", file=root) from error


def _found(name: str, root: Path) -> WrittenTree | None:
    files, left_out = [], []
    for entry in _entries(root):
        if entry.plain:
            files.append((entry.name, entry.status.st_size))
        else:
            left_out.append(entry.name)
        if len(files) + len(left_out) > MAX_FILES:
            raise RequestError(f"holds more than {MAX_FILES:,} files", file=root)
    return WrittenTree(name, tuple(files), tuple(left_out)) if files or left_out else None


def pack(tree: WrittenTree) -> BinaryIO:
    """An archive of a tree, ``.tar.gz``: the same for the same files, whenever it is made.

    Returns:
        A temporary file, open at its start, that is gone once it is closed.

    Raises:
        RequestError: the tree is too large.
        DseError: a file can't be read, or has changed meanwhile.
    """
    if tree.size_bytes > MAX_BYTES:
        size = f"{MAX_BYTES >> 30} GiB"
        raise RequestError(f"is larger than {size}", file=tree.folder, remedy="take it from there")
    archive = tempfile.TemporaryFile()  # noqa: SIM115  # whoever asked for it closes it
    try:
        _pack(tree, archive)
    except OSError as error:
        archive.close()
        told = error.strerror or error
        raise DseError(f"{tree.folder}: can't be packed: {told}") from error
    archive.seek(0)
    return archive


def _pack(tree: WrittenTree, archive: BinaryIO) -> None:
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=archive, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as packed,
    ):
        found = []
        for entry in _entries(tree.folder):
            if not entry.plain:
                continue
            with open(entry.base, "rb", opener=_Opener(entry.folder)) as file:
                status = os.fstat(file.fileno())
                if not stat.S_ISREG(status.st_mode):
                    raise OSError(f"{entry.name} has changed meanwhile")
                packed.addfile(_about(entry.name, status.st_size), file)
                found.append((entry.name, status.st_size))
                if archive.tell() > MAX_BYTES:
                    raise OSError("it has grown meanwhile")
        if tuple(found) != tree.files:  # an export writes it anew
            raise OSError("it has changed meanwhile; try again")


def _about(name: str, size: int) -> tarfile.TarInfo:
    """What an archive says of a file: nothing of when, where and by whom it was made."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o644
    return info


def chunks(archive: BinaryIO) -> Iterator[bytes]:
    """The content of a file, which is closed afterwards."""
    with archive:
        while chunk := archive.read(CHUNK_BYTES):
            yield chunk


def _entries(root: Path) -> Iterator[_Entry]:
    """What lies in the divisions of a tree, folders apart; no link is followed.

    What goes away meanwhile is left out: an export may write the tree anew.

    Raises:
        RequestError: folders lie too deep within each other.
        OSError: it can't be read.
    """
    for division in DIVISIONS:
        top = root / division
        if not _is_folder(top):
            continue
        for path, folders, files, descriptor in os.fwalk(top, follow_symlinks=False):
            folders.sort()
            inner = Path(path).relative_to(root)
            if len(inner.parts) > MAX_DEPTH:
                problem = f"has more than {MAX_DEPTH} folders within each other"
                raise RequestError(problem, file=root)
            for base in sorted([*files, *folders]):
                try:
                    status = os.stat(base, dir_fd=descriptor, follow_symlinks=False)
                except FileNotFoundError:
                    continue
                if not stat.S_ISDIR(status.st_mode):
                    yield _Entry(str(inner / base), base, descriptor, status)


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


@dataclass(frozen=True, slots=True)
class _Opener:
    """Opens files of a folder: no links, and nothing is waited for."""

    folder: int

    def __call__(self, name: str, flags: int) -> int:
        further = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        return os.open(name, flags | further, dir_fd=self.folder)
