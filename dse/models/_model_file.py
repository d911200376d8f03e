"""Checks a model file in a folder of models, without reading its weights."""

from __future__ import annotations

import stat
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING

from dse.core.errors import RequestError
from dse.formats import data_files, file_kind

if TYPE_CHECKING:
    from pathlib import Path

    from dse.core.configuration import ModelFormat

CORRECT = "correct the path, or put the file there"


def format_of(file: str) -> ModelFormat | None:
    """The format that the name of a file claims."""
    return file_kind.FORMAT_BY_SUFFIX.get(PurePosixPath(file).suffix.lower())


def check_file(folder: Path, file: str) -> ModelFormat:
    """Checks that a model is there, inside the folder, what its name says, and has its data files.

    Args:
        folder: of the models.
        file: path below it.

    Raises:
        RequestError: with the problem and the remedy.
    """
    model_format = format_of(file)
    _refuse_outside(file)
    if model_format is None:
        known = " or ".join(file_kind.FORMAT_BY_SUFFIX)
        raise RequestError("unknown kind of file", remedy=f"use {known}")
    path = find_file(folder, file)
    try:
        mismatch = file_kind.why_mismatched(path, model_format)
    except OSError as error:
        raise RequestError(f"can't be read: {error.strerror or error}", remedy=CORRECT) from error
    if mismatch:
        raise RequestError(mismatch, remedy="get it again")
    find_further(path, model_format)
    return model_format


def find_file(folder: Path, file: str) -> Path:
    """A regular file inside a folder.

    Args:
        folder: of the models.
        file: path below it.

    Raises:
        RequestError: with the problem and the remedy.
    """
    _refuse_outside(file)
    path = folder / file
    try:
        if not path.resolve().is_relative_to(folder.resolve()):
            raise RequestError("links to outside the folder", remedy="put the file itself there")
        if stat.S_ISREG(path.stat().st_mode):
            return path
        problem = "no regular file"
    except FileNotFoundError:
        problem = "no such file"
    except (OSError, RuntimeError, ValueError) as error:  # also links in a circle, odd characters
        problem = f"can't be read: {getattr(error, 'strerror', None) or error}"
    raise RequestError(problem, remedy=CORRECT)


def _refuse_outside(file: str) -> None:
    windows = PureWindowsPath(file)  # knows both separators, and drives
    if windows.anchor or ".." in windows.parts:
        raise RequestError("lies outside the folder", remedy="give a path below the folder")


def find_further(path: Path, model_format: ModelFormat) -> tuple[Path, ...]:
    """The further files that hold the weights of a model; see `dse.formats.data_files`.

    Raises:
        RequestError: with the problem and the remedy.
    """
    try:
        return data_files.find_data_files(path, model_format)
    except OSError as error:
        problem = f"can't be read: {error.strerror or error}"
        raise RequestError(problem, remedy="put the file back") from error
