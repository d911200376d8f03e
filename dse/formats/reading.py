"""Reads what a model file says of itself, past its weights and without any runtime."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from dse.core.errors import RequestError
from dse.core.paths import mapped
from dse.formats import _protobuf, file_kind, flatbuffer
from dse.formats._onnx_description import describe_onnx
from dse.formats._tflite_description import describe_tflite
from dse.formats._tflite_interface import tflite_interface
from dse.formats.onnx_interface import onnx_interface

if TYPE_CHECKING:
    from pathlib import Path

    from dse.core.configuration import ModelFormat
    from dse.formats.description import ModelDescription
    from dse.formats.flatbuffer import Data
    from dse.formats.interface import Interface

MAX_MODEL_BYTES = 2 << 30
"""Largest protocol buffer or flatbuffer; a larger model has its weights in other files."""


def describe(path: Path, signature: str | None = None) -> ModelDescription:
    """Describes a model file.

    Args:
        path: the file.
        signature: the TFLite signature to describe; None for the signature of the first subgraph,
            or, if that has none, the first signature.

    Raises:
        RequestError: the file is not a model, has inputs that can't be generated, or has no such
            signature.
        UnavailableError: the library that reads the format is not installed.
    """
    model_format = file_kind.FORMAT_BY_SUFFIX.get(path.suffix.lower())
    if model_format is None:
        known = " or ".join(file_kind.FORMAT_BY_SUFFIX)
        raise RequestError(
            "not known as a kind of model", file=path, remedy=f"give a file that ends in {known}"
        )
    try:
        problem = _why_not_a_file(path) or file_kind.why_mismatched(path, model_format)
        if problem is None and path.stat().st_size > MAX_MODEL_BYTES:
            problem = f"larger than {MAX_MODEL_BYTES >> 30} GiB"
    except OSError as error:
        problem = f"can't be read: {error.strerror or error}"
    if problem:
        raise RequestError(problem, file=path, remedy="give another file")
    found = _describe(path, model_format, signature)
    if not found.inputs:
        raise RequestError("the model has no input", file=path, remedy="give another file")
    return found


def _why_not_a_file(path: Path) -> str | None:
    if path.is_file():
        return None
    return "not a file" if path.exists() else "no such file"


def _describe(path: Path, model_format: ModelFormat, signature: str | None) -> ModelDescription:
    if model_format == "onnx":
        if signature is not None:
            raise RequestError(
                "an ONNX file has no signatures",
                file=path,
                field="--signature",
                remedy="leave it out",
            )
        return describe_onnx(path)
    return describe_tflite(path, signature)


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
    with mapped(path) as data:
        return parse_interface(data, model_format)


def parse_interface(data: Data, model_format: ModelFormat) -> Interface | None:
    """Reads what the content of a file declares.

    Returns:
        None for a damaged file, or one of another format.
    """
    read = tflite_interface if model_format == "tflite" else onnx_interface
    try:
        return read(data)
    except (flatbuffer.FlatbufferError, _protobuf.ProtobufError, UnicodeDecodeError):
        return None
