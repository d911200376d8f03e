"""The precision that most weights of a model file are stored in, read without them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from dse.core.errors import RequestError
from dse.core.paths import mapped
from dse.formats._onnx_constants import read_constants
from dse.formats._tflite_interface import type_name
from dse.formats.flatbuffer import FlatbufferError, root

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from dse.core.configuration import ModelFormat
    from dse.formats.flatbuffer import Table

_SUBGRAPHS, _BUFFERS = 2, 4  # of TFLite's Model, in schema.fbs
_TENSORS = 0  # of SubGraph
_BUFFER = 2  # of Tensor
_ONNX = {
    **dict.fromkeys((1, 11), "fp32"),
    10: "fp16",
    16: "bf16",
    **dict.fromkeys((2, 3, 17, 19), "int8"),  # 8-bit integers, kinds of float8
    **dict.fromkeys((21, 22, 23, 25, 26), "int4"),  # 4 and 2 bits
}
"""Precision by number of the type in onnx.proto."""
_TFLITE = {
    "float32": ("fp32", 32),
    "float64": ("fp32", 64),
    "float16": ("fp16", 16),
    "bfloat16": ("bf16", 16),
    "int8": ("int8", 8),
    "uint8": ("int8", 8),
    "int4": ("int4", 4),
}
"""Precision, and bits of an element, by type."""


def read_precision(path: Path, model_format: ModelFormat) -> str:
    """Reads the precision of most weights; of a TFLite file, those of the first subgraph.

    Returns:
        ``fp32``, ``fp16``, ``bf16``, ``int8``, or ``int4`` for 4 bits and fewer; ``fp32`` without
        weights.

    Raises:
        RequestError: the file is damaged.
        OSError: it can't be read.
    """
    if model_format == "onnx":
        return onnx_precision(read_constants(path).elements)
    with mapped(path) as data:
        try:
            model = root(data)
            return tflite_precision(model, model.element(_SUBGRAPHS, 0))
        except FlatbufferError as error:
            raise RequestError(
                f"the TFLite model is damaged: {error}", file=path, remedy="get it again"
            ) from error


def onnx_precision(elements: Mapping[int, int]) -> str:
    """The precision of most constants.

    Args:
        elements: number of elements by number of the type.
    """
    return _commonest((_ONNX[kind], count) for kind, count in elements.items() if kind in _ONNX)


def tflite_precision(model: Table, subgraph: Table) -> str:
    """The precision of most constants of a subgraph.

    Raises:
        FlatbufferError: a table leads out of the file.
    """
    sizes = [buffer.vector(0, 1)[1] for buffer in model.tables(_BUFFERS)]
    counts = []
    for tensor in subgraph.tables(_TENSORS):
        number, kind = tensor.number(_BUFFER), type_name(tensor)
        if kind in _TFLITE and number < len(sizes):
            precision, bits = _TFLITE[kind]
            counts.append((precision, sizes[number] * 8 // bits))
    return _commonest(counts)


def _commonest(counts: Iterable[tuple[str, int]]) -> str:
    total: Counter[str] = Counter()
    for precision, count in counts:
        total[precision] += count
    return max(total, key=total.__getitem__) if any(total.values()) else "fp32"
