"""Reads the inputs and outputs that a model file declares, without its weights and any runtime."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from dse.core.paths import mapped
from dse.core.signature import shape_text
from dse.formats import flatbuffer, protobuf

if TYPE_CHECKING:
    from pathlib import Path

    from dse.core.configuration import ModelFormat


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """An input or an output as the file declares it.

    Attributes:
        name: its name in the file.
        dtype: numpy's name of the type, or ``type <number>`` if it is unknown.
        shape: size of each dimension, None for one of any size; None if the file gives no shape.
        quantisation: scale and zero point of an integer tensor as a whole; None if the file does
            not give them.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...] | None
    quantisation: tuple[float, int] | None = None

    @property
    def words(self) -> str:
        """Type and shape."""
        return f"{self.dtype} {shape_text(self.shape)}"


@dataclass(frozen=True, slots=True)
class Interface:
    """The inputs and outputs of a model, in the order of the file."""

    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]


def read_interface(path: Path, model_format: ModelFormat) -> Interface | None:
    """Reads what a file declares; an unchanged file is not read again.

    Returns:
        None for a damaged file: the runtime reports what is wrong with it.

    Raises:
        OSError: it can't be read.
    """
    found = path.stat()
    return _read_cached(path, model_format, found.st_ino, found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=256)
def _read_cached(
    path: Path, model_format: ModelFormat, _inode: int, _size: int, _mtime_ns: int
) -> Interface | None:
    from dse.formats.onnx_interface import onnx_interface
    from dse.formats.tflite_reader import tflite_interface

    read = tflite_interface if model_format == "tflite" else onnx_interface
    with mapped(path) as data:
        try:
            return read(data)
        except (flatbuffer.FlatbufferError, protobuf.ProtobufError, UnicodeDecodeError):
            return None
