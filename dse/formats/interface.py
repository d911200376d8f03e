"""The inputs and outputs that a model file declares, read past its weights, without a runtime."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from dse.core.paths import mapped
from dse.formats import flatbuffer, protobuf

if TYPE_CHECKING:
    from pathlib import Path

    from dse.core.configuration import ModelFormat


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """An input or an output as the file declares it.

    Attributes:
        name: as the file has it.
        dtype: numpy's name, or ``type <number>`` for one that is not known.
        shape: None for a dimension that may have any size; None where the file tells no shape.
        quantisation: scale and zero point of an integer tensor as a whole; None where the file
            does not tell.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...] | None
    quantisation: tuple[float, int] | None = None

    @property
    def words(self) -> str:
        """Type and shape."""
        if self.shape is None:
            return f"{self.dtype} of any shape"
        sizes = "x".join("?" if size is None else str(size) for size in self.shape)
        return f"{self.dtype} {sizes or 'single number'}"


@dataclass(frozen=True, slots=True)
class Interface:
    """What goes into a model and what comes out, in the order of the file."""

    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]


def read_interface(path: Path, model_format: ModelFormat) -> Interface | None:
    """What a file declares; read once while it stays as it is.

    Returns:
        None for a damaged file: what is wrong with it is the runtime's to say.

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
