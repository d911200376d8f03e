"""Reads a data set with a list of images and labels, ``val_map.txt``."""

from __future__ import annotations

import codecs
import stat
import unicodedata
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from dse.core.errors import RequestError
from dse.tasks.image_classification.data._entries import VAL_MAP, ImageEntry, Listing, quote
from dse.tasks.image_classification.data._image_formats import SUFFIXES

if TYPE_CHECKING:
    from pathlib import Path

_FORM = "write one line `file label` for each image, with labels 0..999"
_UTF8 = "save it as UTF-8"
_NULS = 0.2
"""Share of NUL bytes above which a text is UTF-16: ASCII names have a half, and names in other
scripts at least those around labels and separators."""


def from_val_map(folder: Path) -> Listing:
    """Lists the images of the list, in its order.

    Raises:
        RequestError: a line is wrong, a file is missing, or the list is empty.
        OSError: the list or the folder can't be read.
    """
    path = folder / VAL_MAP
    entries: list[ImageEntry] = []
    seen: dict[str, int] = {}
    for number, line in enumerate(_read_lines(path), start=1):
        name, label = _parse_line(line, path, number)
        entry = _locate(folder, name, label)
        if entry is None:
            raise _missing_error(folder, name, number)
        if entry.name in seen:
            raise RequestError(
                f"{quote(entry.name)} is already listed in line {seen[entry.name]}",
                file=path,
                line=number,
                remedy="list each image once",
            )
        seen[entry.name] = number
        entries.append(entry)
    if not entries:
        raise RequestError("lists no images", file=path, remedy=_FORM)
    return Listing(tuple(entries), VAL_MAP)


def _read_lines(path: Path) -> list[str]:
    if not stat.S_ISREG(path.stat().st_mode):
        raise RequestError("not a file", file=path, remedy=_FORM)
    raw = path.read_bytes().removeprefix(codecs.BOM_UTF8)
    marked = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if marked or raw.count(0) > _NULS * len(raw):
        raise RequestError("is UTF-16, not UTF-8", file=path, remedy=_UTF8)
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise RequestError("not UTF-8", file=path, line=line, remedy=_UTF8) from error
    # Blank lines are removed only at the end: the line number is the index in MLPerf's logs.
    return text.rstrip().split("\n") if text.strip() else []


def _parse_line(line: str, path: Path, number: int) -> tuple[str, int]:
    def wrong(problem: str, remedy: str) -> RequestError:
        return RequestError(problem, file=path, line=number, remedy=remedy)

    fields = line.split()
    if len(fields) != 2:
        raise wrong(f"not of the form `file label`: {quote(line.strip())}", _FORM)
    name, label = fields
    if not (label.isascii() and label.isdigit()):
        raise wrong(f"the label {quote(label)} is not a number", "use whole numbers 0..999")
    if len(label.lstrip("0")) > 3:
        raise wrong(f"the label {quote(label)} is outside 0..999", "count the classes from 0")
    parts = PurePosixPath(name).parts
    if name.startswith("/") or ".." in parts or "\0" in name or not parts:
        raise wrong(
            f"{quote(name)} leads out of the data set's folder",
            "list paths relative to the folder, without `..`",
        )
    return name, int(label)


def _locate(folder: Path, name: str, label: int) -> ImageEntry | None:
    """Finds a listed file in the folder or its ``images/``.

    Symbolic links may lead anywhere: several data sets may share images in one place.
    """
    for relative in (PurePosixPath(name), PurePosixPath("images", name)):
        try:
            status = (folder / relative).stat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        # Anything else, such as a pipe, could block its reader forever.
        if stat.S_ISREG(status.st_mode):
            return ImageEntry(str(relative), label, status.st_size, status.st_mtime_ns)
    return None


def _missing_error(folder: Path, name: str, number: int) -> RequestError:
    """The error for a missing file, which names the file that was most likely meant."""
    remedy = "put the image into the folder or its images/ subfolder, or drop the line"
    for base in (folder, folder / "images"):
        twin = _find_twin(base, PurePosixPath(name))
        if twin is None:
            continue
        if unicodedata.normalize("NFC", twin) == unicodedata.normalize("NFC", name):
            # They look the same: only escapes show the difference.
            form = "NFD" if unicodedata.is_normalized("NFD", twin) else "NFC"
            remedy = f"the folder has it as {twin!a}, in Unicode's {form}: write it so"
        else:
            remedy = f"did you mean {quote(twin)}?"
        break
    return RequestError(
        f"no such file: {quote(name)}", file=folder / VAL_MAP, line=number, remedy=remedy
    )


def _find_twin(base: Path, name: PurePosixPath) -> str | None:
    """Finds the file whose path differs only in case, Unicode normalisation or suffix."""
    found = PurePosixPath()
    try:
        for part in name.parts:
            names = sorted(child.name for child in (base / found).iterdir())
            like = [each for each in names if _fold(each) == _fold(part)]
            like = [part] if part in names else like
            if not like and part == name.name:
                like = [each for each in names if _stem(each) == _stem(part)]
            if not like:
                return None
            found /= like[0]
        return str(found) if (base / found).is_file() else None
    except OSError:
        return None  # there is nothing to propose


def _fold(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _stem(name: str) -> str:
    """The name of an image without its suffix; any other name unchanged."""
    path = PurePosixPath(_fold(name))
    return path.stem if path.suffix in SUFFIXES else path.name
