"""Checks that a file has the format that its name says, from a few bytes and without any runtime.

This catches downloads that are web pages, Git LFS pointers, or cut short. The rest is checked by
the runtime.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from dse.core.configuration import ModelFormat

FORMAT_BY_SUFFIX: dict[str, ModelFormat] = {".onnx": "onnx", ".tflite": "tflite"}
"""File format by file name extension in lower case."""

# Field numbers of ModelProto in onnx.proto.
_IR_VERSION, _GRAPH = 1, 7
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MAX_FIELDS = 10_000
_MAX_VARINT = 10


def why_mismatched(path: Path, model_format: ModelFormat) -> str | None:
    """Why a file can't have a format; None if nothing speaks against it.

    Args:
        path: the file; only a few bytes are read, however large it is.
        model_format: the format that it should have.

    Raises:
        OSError: the file can't be read.
    """
    size = path.stat().st_size
    if size == 0:
        return "the file is empty"
    with path.open("rb") as stream:
        return _why_not_tflite(stream) if model_format == "tflite" else _why_not_onnx(stream, size)


def _why_not_tflite(stream: IO[bytes]) -> str | None:
    # A flatbuffer has its file identifier after the offset of the root table.
    return None if stream.read(8)[4:] == b"TFL3" else "the content is not a TFLite model"


def _why_not_onnx(stream: IO[bytes], size: int) -> str | None:
    """Skips through the outermost fields of the protobuf message."""
    fields: set[int] = set()
    try:
        for _ in range(_MAX_FIELDS):
            if stream.tell() == size:
                break
            fields.add(_skip_field(stream, size))
    except EOFError:
        if _GRAPH in fields or _IR_VERSION in fields:
            return "the file is cut short or damaged"
        return "the content is not an ONNX model"
    except ValueError:
        return "the content is not an ONNX model"
    return None if {_IR_VERSION, _GRAPH} <= fields else "the content is not an ONNX model"


def _skip_field(stream: IO[bytes], size: int) -> int:
    """Skips one field and returns its number.

    Raises:
        EOFError: the file ends within the field.
        ValueError: the bytes are not a field of a model.
    """
    number, wire = divmod(_read_varint(stream), 8)
    if number == 0 or (number == _IR_VERSION and wire != _VARINT):
        raise ValueError(number)
    if wire == _VARINT:
        _read_varint(stream)
        return number
    if wire == _BYTES:
        length = _read_varint(stream)
    elif wire in (_FIXED64, _FIXED32):
        length = 8 if wire == _FIXED64 else 4
    else:
        raise ValueError(wire)
    end = stream.tell() + length
    if end > size:
        raise EOFError
    stream.seek(end)
    return number


def _read_varint(stream: IO[bytes]) -> int:
    value = 0
    for position in range(_MAX_VARINT):
        byte = stream.read(1)
        if not byte:
            raise EOFError
        value |= (byte[0] & 0x7F) << (7 * position)
        if byte[0] < 0x80:
            return value
    raise ValueError(value)
