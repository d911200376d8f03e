"""A data set of labelled images, identified by its content.

Its files are not trusted: a wrong label would give a wrong accuracy without any error. So whatever
is in doubt is refused, and whatever is left out is reported.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dse.core.errors import DseError, RequestError
from dse.core.paths import atomic_write, cache_dir
from dse.core.wording import format_count
from dse.tasks.image_classification.data._class_folders import from_class_folders
from dse.tasks.image_classification.data._entries import VAL_MAP
from dse.tasks.image_classification.data._thread_pool import Progress, parallel
from dse.tasks.image_classification.data._val_map import from_val_map

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dse.tasks.image_classification.data._entries import ImageEntry, Listing

_SETTLED_NS = 2_000_000_000
"""Age from which a file's modification time identifies its content: FAT has a resolution of 2 s."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """Images and their labels, in the order of LoadGen's sample indices.

    Attributes:
        folder: absolute path of the folder.
        files: absolute paths of the images.
        labels: class of each image, 0..999.
        fingerprint: 64 hex digits, a hash of the order, names, labels and contents.
        origin: origin of the labels, in words.
        notes: short notes about what was left out or assumed.
    """

    folder: Path
    files: tuple[Path, ...]
    labels: tuple[int, ...]
    fingerprint: str
    origin: str = ""
    notes: tuple[str, ...] = ()

    @property
    def description(self) -> str:
        """What it holds, in words."""
        count, labels = len(self), len(set(self.labels))
        return f"{format_count(count, 'image')} of {format_count(labels, 'label')}"

    def __len__(self) -> int:
        return len(self.files)


def open_dataset(folder: Path, progress: Progress | None = None) -> Dataset:
    """Opens a folder of images as a data set.

    The folder contains ``val_map.txt`` (a line ``file label`` for each image, as in MLPerf; the
    files lie in the folder or in its ``images/``), or a folder for each class named by its label
    0..999, or ImageNet's 1000 class folders in sorted order. Folders that systems create are not
    classes (`class_folders.IGNORED_FOLDERS`).

    Args:
        folder: the folder.
        progress: called with (done, total) while the images are read; never called if the
            fingerprint is remembered by the files' names, sizes and modification times.

    Raises:
        RequestError: the folder is not such a data set, or an image can't be read.
    """
    folder = Path(folder).absolute()
    listing = _list_images(folder)
    entries = listing.entries
    return Dataset(
        folder=folder,
        files=tuple(folder / entry.name for entry in entries),
        labels=tuple(entry.label for entry in entries),
        fingerprint=_find_fingerprint(folder, entries, progress),
        origin=listing.origin,
        notes=listing.notes,
    )


def _list_images(folder: Path) -> Listing:
    """Lists the images of a data set in the order of ``val_map.txt``, else by label and name.

    Raises:
        RequestError: the folder is not a data set; the error has file, line and remedy.
    """
    try:
        if not _is_folder(folder):
            raise RequestError("not a folder", file=folder, remedy="name the folder of the images")
        if _exists(folder / VAL_MAP):
            return from_val_map(folder)
        return from_class_folders(folder)
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


def _exists(path: Path) -> bool:
    """Whether the name exists. Unlike `Path.exists`, it fails in an unreadable folder."""
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    return True


def _find_fingerprint(
    folder: Path, entries: Sequence[ImageEntry], progress: Progress | None
) -> str:
    memory = cache_dir() / "datasets" / "fingerprints" / _listing_key(folder, entries)
    try:
        known = memory.read_text("ascii")
    except (OSError, UnicodeDecodeError):
        known = ""
    if re.fullmatch("[0-9a-f]{64}", known):
        return known
    # A file that has just changed may change again within one tick of its file system's clock.
    settled = max(entry.mtime_ns for entry in entries) < time.time_ns() - _SETTLED_NS
    fingerprint = _compute_fingerprint(folder, entries, progress)
    if settled:
        _remember(memory, fingerprint)
    return fingerprint


def _remember(memory: Path, fingerprint: str) -> None:
    try:
        with atomic_write(memory) as file:
            file.write(fingerprint.encode())
    except DseError:
        return  # this only saves time; other users of the cache report what is wrong with it


def _listing_key(folder: Path, entries: Sequence[ImageEntry]) -> str:
    key = hashlib.sha256(os.fsencode(folder))
    for entry in entries:
        key.update(b"\0" + os.fsencode(entry.name))
        key.update(f"\0{entry.label}\0{entry.size}\0{entry.mtime_ns}".encode())
    return key.hexdigest()


def _compute_fingerprint(
    folder: Path, entries: Sequence[ImageEntry], progress: Progress | None
) -> str:
    contents = parallel(_content_hash, [folder / entry.name for entry in entries], progress)
    whole = hashlib.sha256()
    for entry, content in zip(entries, contents, strict=True):
        whole.update(os.fsencode(entry.name) + f"\0{entry.label}\0".encode() + content)
    return whole.hexdigest()


def _content_hash(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        raise RequestError(
            f"can't be read: {error.strerror or error}",
            file=path,
            remedy="give this user the right to read it, or take it out of the data set",
        ) from error
