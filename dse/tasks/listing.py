"""Which images a data set holds, and with which labels: ``val_map.txt`` or class folders.

What the files say is not trusted: a wrong label is not an error later but a wrong accuracy, so
whatever is not plainly right is refused here.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from dse.errors import RequestError

VAL_MAP = "val_map.txt"
CLASSES = 1000
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm"})
"""Endings by which an image in a class folder is known. In ``val_map.txt`` any name is good."""

_FORM = "write one line `file label` for each image, with labels 0..999"
_WRITE_MAP = f"write {VAL_MAP} there, with one line `file label` for each image, labels 0..999"


@dataclass(frozen=True, slots=True)
class Entry:
    """One image of a data set.

    Attributes:
        name: the path relative to the data set's folder, with forward slashes.
        label: the class, 0..999.
        size: bytes.
        mtime_ns: time of the last change, in nanoseconds.
    """

    name: str
    label: int
    size: int
    mtime_ns: int


def list_images(folder: Path) -> list[Entry]:
    """The images of a data set in its order: that of ``val_map.txt``, else by label and name.

    Raises:
        RequestError: the folder is no data set; names the file and line and says what to do.
    """
    try:
        if not _is_folder(folder):
            raise RequestError("not a folder", file=folder, remedy="name the folder of the images")
        if _is_there(folder / VAL_MAP):
            return _from_val_map(folder)
        return _from_class_folders(folder)
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        raise RequestError(
            f"can't be read: {error.strerror or error}",
            file=error.filename or folder,
            remedy="put it there" if missing else "give this user the right to read it",
        ) from error


def _is_folder(folder: Path) -> bool:
    try:
        return stat.S_ISDIR(folder.stat().st_mode)
    except FileNotFoundError as error:
        raise RequestError(
            "no such folder", file=folder, remedy="name the folder of the images"
        ) from error


def _is_there(path: Path) -> bool:
    """Whether there is such a name. Unlike `Path.exists`, a hidden one is an error, not a no."""
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    return True


def _from_val_map(folder: Path) -> list[Entry]:
    path = folder / VAL_MAP
    entries: list[Entry] = []
    seen: dict[str, int] = {}
    for number, line in enumerate(_lines(path), start=1):
        name, label = _parse_line(line, path, number)
        entry = _locate(folder, name, label)
        if entry is None:
            raise RequestError(
                f"no such file: {_quote(name)}",
                file=path,
                line=number,
                remedy="put the image into the folder or its images/ subfolder, or drop the line",
            )
        if entry.name in seen:
            raise RequestError(
                f"{_quote(entry.name)} is listed before, in line {seen[entry.name]}",
                file=path,
                line=number,
                remedy="list each image once",
            )
        seen[entry.name] = number
        entries.append(entry)
    if not entries:
        raise RequestError("lists no images", file=path, remedy=_FORM)
    return entries


def _lines(path: Path) -> list[str]:
    if not stat.S_ISREG(path.stat().st_mode):
        raise RequestError("not a file", file=path, remedy=_FORM)
    raw = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise RequestError("not UTF-8", file=path, line=line, remedy="save it as UTF-8") from error
    # Blank lines are cut at the end only: a line's number is its image's index in MLPerf's logs.
    return text.rstrip().split("\n") if text.strip() else []


def _parse_line(line: str, path: Path, number: int) -> tuple[str, int]:
    def wrong(problem: str, remedy: str) -> RequestError:
        return RequestError(problem, file=path, line=number, remedy=remedy)

    fields = line.split()
    if len(fields) != 2:
        raise wrong(f"not of the form `file label`: {_quote(line.strip())}", _FORM)
    name, label = fields
    if not (label.isascii() and label.isdigit()):
        raise wrong(f"the label {_quote(label)} is not a number", "use whole numbers 0..999")
    if len(label.lstrip("0")) > 3:
        raise wrong(f"the label {_quote(label)} is outside 0..999", "count the classes from 0")
    parts = PurePosixPath(name).parts
    if name.startswith("/") or ".." in parts or "\0" in name or not parts:
        raise wrong(
            f"{_quote(name)} leads out of the data set's folder",
            "list paths relative to the folder, without `..`",
        )
    return name, int(label)


def _locate(folder: Path, name: str, label: int) -> Entry | None:
    """The listed file in the folder or its ``images/``, if it is there.

    Symbolic links are followed wherever they lead: they are the owner's way to keep the images
    of several data sets in one place.
    """
    for relative in (PurePosixPath(name), PurePosixPath("images", name)):
        try:
            status = (folder / relative).stat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        # Anything but a file, such as a pipe, could keep its reader waiting for ever.
        if stat.S_ISREG(status.st_mode):
            return Entry(str(relative), label, status.st_size, status.st_mtime_ns)
    return None


def _from_class_folders(folder: Path) -> list[Entry]:
    children = _children(folder)
    names = sorted(child.name for child in children if child.is_dir())
    if not names:
        loose = any(_is_image(child) for child in children)
        raise RequestError(
            "images without labels" if loose else "no images", file=folder, remedy=_WRITE_MAP
        )
    entries: list[Entry] = []
    for label, name in sorted(_class_labels(folder, names).items()):
        images = sorted((c for c in _children(folder / name) if _is_image(c)), key=_name)
        if not images:
            raise RequestError(
                "no images in this class folder",
                file=folder / name,
                remedy="put its images there, or remove the folder",
            )
        for image in images:
            status = image.stat()
            entries.append(Entry(f"{name}/{image.name}", label, status.st_size, status.st_mtime_ns))
    return entries


def _class_labels(folder: Path, names: list[str]) -> dict[int, str]:
    """Folder name by label.

    Names that are not numbers give labels only where all classes are there: only then is a
    class's place in the sorted list its number in ImageNet.
    """
    if not all(name.isascii() and name.isdigit() for name in names):
        if len(names) == CLASSES:
            return dict(enumerate(names))
        raise RequestError(
            f"{len(names)} folders whose names are no labels",
            file=folder,
            remedy=f"{_WRITE_MAP}, or name the class folders 0..999",
        )
    folders: dict[int, str] = {}
    for name in names:
        if len(name.lstrip("0")) > 3:
            raise RequestError(
                f"the class folder {_quote(name)} is outside 0..999",
                file=folder,
                remedy="count the classes from 0",
            )
        label = int(name)
        if label in folders:
            raise RequestError(
                f"the class folders {folders[label]} and {name} mean the same label",
                file=folder,
                remedy="keep one folder for each label",
            )
        folders[label] = name
    return folders


def _children(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as found:
        return [child for child in found if not child.name.startswith(".")]


def _name(entry: os.DirEntry[str]) -> str:
    return entry.name


def _is_image(entry: os.DirEntry[str]) -> bool:
    return PurePosixPath(entry.name).suffix.lower() in SUFFIXES and entry.is_file()


def _quote(text: str) -> str:
    """The text as it may be shown: short, on one line, without control characters."""
    return repr(text if len(text) <= 80 else f"{text[:77]}...")
