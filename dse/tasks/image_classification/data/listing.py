"""Which images a data set holds, and with which labels: ``val_map.txt`` or class folders.

What the files say is not trusted: a wrong label is not an error later but a wrong accuracy, so
whatever is not plainly right is refused, and what is left out is told.
"""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from dse.core.errors import RequestError
from dse.tasks.image_classification.data.class_folders import from_class_folders
from dse.tasks.image_classification.data.entries import VAL_MAP
from dse.tasks.image_classification.data.val_map import from_val_map

if TYPE_CHECKING:
    from pathlib import Path

    from dse.tasks.image_classification.data.entries import Listing


def list_images(folder: Path) -> Listing:
    """The images of a data set in its order: that of ``val_map.txt``, else by label and name.

    Raises:
        RequestError: the folder is no data set; names the file and line and says what to do.
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
    """Whether there is such a name. Unlike `Path.exists`, a hidden one is an error, not a no."""
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    return True
