"""Brings the files of a model into one folder, where links keep them apart.

The cache of huggingface_hub holds links to files elsewhere. Runtimes refuse to read a model's
weights there.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from dse.core.checksums import sha256_of_model
from dse.core.errors import RequestError
from dse.core.paths import atomic_write, cache_dir

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def gather_files(path: Path, beside: tuple[Path, ...]) -> Path:
    """The model's own file, with those of its weights beside it and no link out of its folder.

    Args:
        path: the model's own file.
        beside: those of its weights, each below the folder of that file.

    Raises:
        RequestError: one of them can't be read.
        DseError: the cache can't be written to.
    """
    here = path.parent.resolve()
    if all(file.resolve().is_relative_to(here) for file in beside):
        return path
    files = {file.relative_to(path.parent).as_posix(): file for file in (path, *beside)}
    try:
        content = sha256_of_model([path, *beside])
    except OSError as error:
        raise RequestError(
            f"can't be read: {error.strerror or error}", file=error.filename or path
        ) from error
    # By content: under one name there may be another file tomorrow.
    return copy_files(files, cache_dir() / "models" / "gathered" / content)


def copy_files(files: Mapping[str, Path], folder: Path) -> Path:
    """Makes files with the content of others in a folder; the path of the first one.

    Args:
        files: by path below the folder.
        folder: holds no other content under these names, unless it was damaged.

    Raises:
        DseError: the folder can't be written to.
    """
    for name, path in files.items():
        _copy(path.resolve(), folder / name)
    return folder / next(iter(files))


def _copy(source: Path, target: Path) -> None:
    """Makes a file the same as another one, in one step and without a copy where that can be."""
    if target.is_file() and target.stat().st_size == source.stat().st_size:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        target.hardlink_to(source)
    except OSError:  # on another disk, or a file that was changed is in the way
        with source.open("rb") as file, atomic_write(target) as copy:
            shutil.copyfileobj(file, copy)
