"""What a runtime's own converter makes of an ONNX file: once in a process, and gone with it.

Converters are native programs that end in a crash over what they do not know, so each runs in a
process of its own.
"""

from __future__ import annotations

import mmap
import os
import re
import shutil
import signal
import subprocess
import tempfile
import weakref
from collections.abc import Hashable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from dse.core.backend import LoadError, UnsupportedError
from dse.core.errors import RequestError
from dse.formats.data_files import find_data_files
from dse.formats.onnx_interface import declares_opset, onnx_interface

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dse.core.backend import LoadRequest
    from dse.formats.interface import Interface

KEPT = 8
"""Converted files that a process keeps; a worker needs one for each shape of its samples."""
_DESCRIPTORS = Path("/proc/self/fd")
"""Where Linux lists the open files of a process, those without a name too."""
_TELLING = re.compile(
    r"not support|unsupport|error|fail|invalid|unknown|what\(\)|can't|cannot|not found",
    re.IGNORECASE,
)
_PLACE = re.compile(r"^\[[\d:]+\] \S*:\d+: ")
"""Time and source line before a message of MNN."""


class Converter(Hashable, Protocol):
    """A tool that reads ONNX files; equal ones make the same of a file."""

    name: ClassVar[str]

    def command(self, model: Path, folder: Path) -> Sequence[str]:
        """The program and its arguments, to be run in that folder."""
        ...

    def results(self) -> Sequence[str]:
        """Names of the files that it leaves in the folder."""
        ...


class Converted:
    """Files that a converter has made, as long as this object is there.

    Where the system allows it they have no name: a process that is killed leaves nothing behind.

    Args:
        folder: where they are; it is removed.
        names: of the files.

    Attributes:
        paths: by which they can be opened any number of times.
    """

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        if not _DESCRIPTORS.is_dir():
            self.paths = [str(folder / name) for name in names]
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
            return
        numbers = [os.open(folder / name, os.O_RDONLY | os.O_CLOEXEC) for name in names]
        for number in numbers:
            weakref.finalize(self, os.close, number)
        self.paths = [str(_DESCRIPTORS / str(number)) for number in numbers]
        shutil.rmtree(folder, ignore_errors=True)


def read_declared(request: LoadRequest) -> Interface:
    """What the model file declares.

    Raises:
        LoadError: it can't be read, or is no ONNX file.
        UnsupportedError: it has several inputs, and nobody tells how they are fed.
    """
    if request.model_file is None:
        raise LoadError("no model file")
    try:
        with (
            request.model_file.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
        ):
            found = onnx_interface(data)
            if not declares_opset(data):
                raise LoadError("the ONNX model is cut short: it names no opset")
    except (OSError, ValueError) as error:
        raise LoadError(f"the content is not an ONNX model: {error}") from error
    if request.signature is None and len(found.inputs) != 1:
        raise UnsupportedError(f"the model has {len(found.inputs)} inputs, not one")
    return found


def convert(converter: Converter, model: Path) -> Converted:
    """Has a file converted, or takes what was made of it before, if it is unchanged.

    Raises:
        LoadError: it can't be read.
        UnsupportedError: the converter does not take it.
        OSError: the temporary folder can't be written to.
    """
    try:
        stamps = [_stamp(file) for file in (model, *find_data_files(model, "onnx"))]
    except (OSError, RequestError) as error:
        raise LoadError(str(error)) from error
    return _convert(converter, model.absolute(), tuple(stamps))


def _stamp(file: Path) -> tuple[int, int, int]:
    found = file.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


@lru_cache(maxsize=KEPT)
def _convert(converter: Converter, model: Path, _stamps: tuple[Any, ...]) -> Converted:
    folder = Path(tempfile.mkdtemp(prefix="dse-"))
    try:
        _run(converter, model, folder)
        return Converted(folder, converter.results())
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _run(converter: Converter, model: Path, folder: Path) -> None:
    ended = subprocess.run(
        converter.command(model, folder),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    made = all(_is_filled(folder / name) for name in converter.results())
    if ended.returncode or not made:
        why = _why(ended.stdout, ended.returncode)
        raise UnsupportedError(f"{converter.name} can't convert the file: {why}")


def _is_filled(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def _why(output: str, code: int) -> str:
    """What a converter said before it failed, and how it ended."""
    lines = [_PLACE.sub("", line.strip()) for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if _TELLING.search(line)]
    said = (telling or lines or ["no word of why"])[-1]
    if code < 0:
        return f"{said} (ended by {signal.Signals(-code).name})"
    return f"{said} (ended with code {code})"
