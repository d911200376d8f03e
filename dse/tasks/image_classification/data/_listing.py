"""Lists the images and labels of a data set, from ``val_map.txt`` or class folders.

The files are not trusted: a wrong label would give a wrong accuracy without any error. So whatever
is in doubt is refused, and whatever is left out is reported.
"""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from dse.core.errors import RequestError
from dse.tasks.image_classification.data._class_folders import from_class_folders
from dse.tasks.image_classification.data._entries import VAL_MAP
from dse.tasks.image_classification.data._val_map import from_val_map

if TYPE_CHECKING:
    from pathlib import Path

    from dse.tasks.image_classification.data._entries import Listing


def list_images(folder: Path) -> Listing:
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
