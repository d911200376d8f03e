"""Reads a data set with a folder for each class."""

from __future__ import annotations

import os
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from dse.core.errors import RequestError
from dse.core.wording import format_count
from dse.tasks.image_classification.data._entries import (
    CLASSES,
    VAL_MAP,
    ImageEntry,
    Listing,
    quote,
    quote_some,
)
from dse.tasks.image_classification.data._image_formats import SUFFIXES

IGNORED_FOLDERS = frozenset(
    {
        *("@eadir", "@tmp", "#recycle", "#snapshot", "@recycle", "@recently-snapshot"),
        *("__macosx", "network trash folder", "temporary items"),
        *("$recycle.bin", "system volume information", "lost+found", "__pycache__"),
    }
)
"""Lower-case names of folders that storage devices, systems and archivers create. Neither they nor
hidden folders are classes."""
IGNORED_FILES = frozenset({"thumbs.db", "desktop.ini"})
"""Lower-case names of files that systems create."""
MIN_ALIKE_SHARE = 0.9
"""Smallest share of names of one shape that makes the other names odd."""
MAX_SUFFIXES = 5
_WNID = re.compile("n[0-9]{8}")
_NUMBERED = "folders named by their labels"
_SORTED = f"{CLASSES:,} folders in sorted order"
_WRITE_MAP = f"write {VAL_MAP} there, with one line `file label` for each image, labels 0..999"


@dataclass(slots=True)
class _LeftOut:
    """What is left out of the data set.

    Attributes:
        folders: folders that are not classes.
        inner: folders inside class folders.
        files: number of files by suffix.
    """

    folders: list[str] = field(default_factory=list)
    inner: list[str] = field(default_factory=list)
    files: Counter[str] = field(default_factory=Counter)

    def notes(self) -> list[str]:
        """Notes for the user about what is left out."""
        told = []
        if self.folders:
            told.append(f"folders that are not classes are left out: {quote_some(self.folders)}")
        if self.inner:
            told.append(f"folders inside class folders are left out: {quote_some(self.inner)}")
        if self.files:
            told.append(
                f"files that are not images here are left out: {_count_suffixes(self.files)}"
            )
        return told


def from_class_folders(folder: Path) -> Listing:
    """Lists the images in folders named by their labels, or in ImageNet's 1000 folders.

    Raises:
        RequestError: the folder has no images, or their labels are in doubt.
        OSError: a folder can't be read.
    """
    left = _LeftOut()
    children = _children(folder)
    folders = [child.name for child in children if child.is_dir()]
    left.folders = sorted(name for name in folders if _is_ignored(name))
    names = sorted(name for name in folders if not _is_ignored(name))
    loose = [child for child in children if not child.is_dir()]
    if not names:
        problem = "images without labels" if any(map(_is_image, loose)) else "no images"
        raise RequestError(problem, file=folder, remedy=_WRITE_MAP)
    labels, origin = _class_labels(folder, names)
    entries: list[ImageEntry] = []
    for label, name in sorted(labels.items()):
        entries += _list_class(folder, name, label, left)
    images = [child.name for child in loose if _is_image(child)]
    beside = (
        [f"images beside the class folders are left out: {quote_some(images)}"] if images else []
    )
    places = (
        [_note_on_order(names)]
        if origin == _SORTED and not all(map(_WNID.fullmatch, names))
        else []
    )
    return Listing(tuple(entries), origin, (*places, *left.notes(), *beside))


def _class_labels(folder: Path, names: list[str]) -> tuple[dict[int, str], str]:
    """Folder name by label, and the origin of the labels.

    Names that are not numbers give labels only if all classes are present and no name is odd: only
    then the position in the sorted list is the number of the class in ImageNet.
    """
    if all(map(_is_number, names)):
        return _labels_from_numbers(folder, names), _NUMBERED
    odd = _find_odd(names)
    if len(names) == CLASSES and not odd:
        return dict(enumerate(names)), _SORTED
    remedy = f"{_WRITE_MAP}, or name the class folders 0..999"
    folders = format_count(len(names), "folder")
    problem = f"the names of {folders} are not labels"
    if odd:
        problem = f"{folders}, of which {len(odd)} unlike the others: {quote_some(odd)}"
        remedy = f"move {'it' if len(odd) == 1 else 'them'} elsewhere; or {remedy}"
    elif all(map(_WNID.fullmatch, names)):
        problem = f"{folders} named like ImageNet's {CLASSES:,} classes"
        empty = [name for name in names if not any(map(_is_image, _children(folder / name)))]
        if empty:
            problem = f"{problem}, of which {len(empty)} without images: {quote_some(empty)}"
    raise RequestError(problem, file=folder, remedy=remedy)


def _labels_from_numbers(folder: Path, names: list[str]) -> dict[int, str]:
    folders: dict[int, str] = {}
    for name in names:
        if len(name.lstrip("0")) > 3:
            raise RequestError(
                f"the class folder {quote(name)} is outside 0..999",
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


def _list_class(folder: Path, name: str, label: int, left: _LeftOut) -> list[ImageEntry]:
    """The images of a class, sorted by name."""
    children = sorted(_children(folder / name), key=lambda child: child.name)
    found, others = [], Counter[str]()
    for child in children:
        if _is_image(child):
            status = child.stat()
            found.append(
                ImageEntry(f"{name}/{child.name}", label, status.st_size, status.st_mtime_ns)
            )
        elif child.is_dir():
            left.inner.append(f"{name}/{child.name}")
        elif not child.name.startswith(".") and child.name.lower() not in IGNORED_FILES:
            others[_suffix(child.name)] += 1
    if not found:
        instead = f", but {_count_suffixes(others)}" if others else ""
        raise RequestError(
            f"no images in this class folder{instead}",
            file=folder / name,
            remedy="put its images there, or remove the folder",
        )
    left.files += others
    return found


def _find_odd(names: list[str]) -> list[str]:
    """The names that differ in shape from nearly all others."""
    shapes = [_shape(name) for name in names]
    ((usual, count),) = Counter(shapes).most_common(1)
    if count < MIN_ALIKE_SHARE * len(names):
        return []
    return [name for name, shape in zip(names, shapes, strict=True) if shape != usual]


def _shape(name: str) -> str:
    """The name with every number replaced by 0; all WordNet ids have a shape of their own."""
    return "WordNet" if _WNID.fullmatch(name) else re.sub("[0-9]+", "0", name)


def _note_on_order(names: list[str]) -> str:
    """A note that labels are positions in a list, whose order need not be ImageNet's."""
    first, last = quote(names[0]), quote(names[-1])
    return f"labels are the places of the folders' sorted names, {first} 0 to {last} {CLASSES - 1}"


def _children(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as found:
        return list(found)


def _is_ignored(name: str) -> bool:
    return name.startswith(".") or name.lower() in IGNORED_FOLDERS


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdigit()


def _is_image(entry: os.DirEntry[str]) -> bool:
    hidden = entry.name.startswith(".")
    return not hidden and _suffix(entry.name) in SUFFIXES and entry.is_file()


def _suffix(name: str) -> str:
    """The suffix in lower case; empty if there is none."""
    return PurePosixPath(name).suffix.lower()


def _count_suffixes(counts: Counter[str]) -> str:
    shown = [
        f"{count:,} {quote(ending) if ending else 'without ending'}"
        for ending, count in counts.most_common(MAX_SUFFIXES)
    ]
    return ", ".join(shown) + (" and others" if len(counts) > MAX_SUFFIXES else "")
