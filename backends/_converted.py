"""What a runtime's own converter makes of an ONNX file, once.

Converters are native programs that end in a crash over what they do not know, so each runs in a
process of its own. What they make is kept in the user's cache; where that can't be written, it is
gone with the process.
"""

from __future__ import annotations

import mmap
import os
import re
import signal
import subprocess
import weakref
from collections.abc import Hashable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol

from dse.core.backend import LoadError, UnsupportedError
from dse.core.errors import RequestError
from dse.formats.data_files import find_data_files
from dse.formats.onnx_interface import declares_opset, onnx_interface

from ._conversions import Stamp, conversion_folder, find_kept, keep, stamp
from ._scratch import Scratch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dse.core.backend import LoadRequest
    from dse.formats.interface import Interface

KEPT = 8
"""Conversions that a process keeps; a worker needs one for each shape of its samples."""
_DESCRIPTORS = Path("/proc/self/fd")
"""Where Linux lists the open files of a process, those without a name too."""
_TELLING = re.compile(
    r"not support|unsupport|error|fail|invalid|unknown|what\(\)|can't|cannot|not found",
    re.IGNORECASE,
)
_PLACE = re.compile(r"^\[[\d:]+\] \S*:\d+: ")
"""Time and source line before a message of MNN."""
_COLOURS = re.compile(r"\x1b\[[\d;]*m")
_ASIDE = ("[W:onnxruntime", "Converted Failed!")
"""Warnings of the ONNX Runtime that pnnx has, such as of a CPU that it does not know; what MNN's
converter says after the reason."""


class Converter(Hashable, Protocol):
    """A tool that reads ONNX files; equal ones make the same of a file."""

    failure: ClassVar[str]
    """What is said before the reason where it fails."""

    def maker(self) -> str:
        """Name and version of the tool, as the name of a folder."""
        ...

    def options(self) -> str:
        """All that decides what is made of a file, besides the file and the tool."""
        ...

    def command(self, model: Path, folder: Path) -> Sequence[str]:
        """The program and its arguments, to be run in that folder."""
        ...

    def results(self) -> Sequence[str]:
        """Names of the files that it leaves in the folder."""
        ...


class Converted:
    """Files that a converter has made.

    Args:
        paths: by which they can be opened any number of times.
        scratch: the folder that they lie in, if it is to go with this object.
    """

    def __init__(self, paths: Sequence[str], scratch: Scratch | None = None) -> None:
        self.paths = list(paths)
        self._scratch = scratch

    @classmethod
    def nameless(cls, scratch: Scratch, names: Sequence[str]) -> Converted:
        """Files that are there as long as this object; the folder is removed.

        Where the system allows it they have no name: a process that is killed leaves nothing.
        """
        files = [scratch.path / name for name in names]
        if not _DESCRIPTORS.is_dir():
            return cls([str(file) for file in files], scratch)
        numbers = [os.open(file, os.O_RDONLY | os.O_CLOEXEC) for file in files]
        made = cls([str(_DESCRIPTORS / str(number)) for number in numbers])
        for number in numbers:
            weakref.finalize(made, os.close, number)
        scratch.remove()
        return made


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
    if not found.outputs:
        raise LoadError("the model has no outputs")
    if request.signature is None and len(found.inputs) != 1:
        raise UnsupportedError(f"the model has {len(found.inputs)} inputs, not one")
    return found


def convert(converter: Converter, model: Path) -> Converted:
    """Has a file converted, or takes what was made of its content before.

    Raises:
        LoadError: it can't be read.
        UnsupportedError: the converter does not take it.
        OSError: the temporary folder can't be written to.
    """
    try:
        path = model.absolute()
        stamps = tuple(stamp(file) for file in (path, *find_data_files(path, "onnx")))
        conversion = conversion_folder(stamps, converter.maker(), converter.options())
    except (OSError, RequestError) as error:
        raise LoadError(str(error)) from error
    if conversion is not None and (kept := find_kept(conversion, converter.results())):
        return Converted(kept)
    made = _convert(converter, path, stamps, conversion)
    if not _lasts(made, conversion):
        _convert.cache_clear()
        made = _convert(converter, path, stamps, conversion)
    return made


@lru_cache(maxsize=KEPT)
def _convert(
    converter: Converter, model: Path, stamps: tuple[Stamp, ...], conversion: Path | None
) -> Converted:
    scratch = Scratch()
    folder = scratch.path
    names = converter.results()
    try:
        _run(converter, model, folder)
        if _have_changed(stamps):
            conversion = None
        if conversion is not None and (kept := keep(folder, names, conversion)):
            scratch.remove()
            return Converted(kept)
        return Converted.nameless(scratch, names)
    except BaseException:
        scratch.remove()
        raise


def _lasts(made: Converted, conversion: Path | None) -> bool:
    """Whether what this process has made is there: others may have dropped or damaged it since."""
    paths = [Path(each) for each in made.paths]
    if conversion is not None and paths[0].parent == conversion:
        return find_kept(conversion, [path.name for path in paths]) is not None
    return all(path.exists() for path in paths)


def _have_changed(stamps: Sequence[Stamp]) -> bool:
    """Whether a file was replaced since: nothing may be kept under what it was."""
    try:
        return any(stamp(each[0]) != each for each in stamps)
    except OSError:
        return True


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
    missing = [name for name in converter.results() if not _is_filled(folder / name)]
    if ended.returncode or missing:
        why = _why(ended.stdout, ended.returncode, missing)
        raise UnsupportedError(f"{converter.failure}: {why}")


def _is_filled(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def _why(output: str, code: int, missing: Sequence[str]) -> str:
    """What a converter said before it failed, and how it ended.

    Args:
        output: of the converter.
        code: with which it ended.
        missing: names of the files that it should have left.
    """
    stripped = (_COLOURS.sub("", line).strip() for line in output.splitlines())
    lines = [
        _PLACE.sub("", line)
        for line in stripped
        if line and not any(aside in line for aside in _ASIDE)
    ]
    telling = [line for line in lines if _TELLING.search(line)]
    silent = lines if code else [f"it left no {missing[0]}"]
    said = (telling or silent or ["no word of why"])[-1]
    if code < 0:
        return f"{said} (ended by {signal.Signals(-code).name})"
    return f"{said} (ended with code {code})"
