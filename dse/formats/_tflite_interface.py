"""Reads the inputs and outputs of a TFLite file without any runtime.

So a folder of models can be described without an installed TFLite runtime. Field numbers are those
of TensorFlow Lite's schema.fbs.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from dse.formats.flatbuffer import FlatbufferError, Table, root
from dse.formats.interface import Interface, TensorInfo

if TYPE_CHECKING:
    from dse.formats.flatbuffer import Data

IDENTIFIER = b"TFL3"

_SUBGRAPHS = 2  # of Model
_TENSORS, _INPUTS, _OUTPUTS = 0, 1, 2  # of SubGraph
_SHAPE, _TYPE, _NAME, _QUANTISATION, _SIGNATURE = 0, 1, 3, 4, 7  # of Tensor
_SCALE, _ZERO_POINT = 2, 3  # of QuantizationParameters
_TYPES = (
    *("float32", "float16", "int32", "uint8", "int64", "string", "bool", "int16", "complex64"),
    *("int8", "float64", "complex128", "uint64", "resource", "variant", "uint32", "uint16"),
    *("int4", "bfloat16"),
)
_QUANTISED = ("uint8", "int8")
_MAX_RANK = 8


def type_name(tensor: Table) -> str:
    """The type of a tensor: numpy's name, or ``type <number>`` if it is unknown."""
    kind = tensor.byte(_TYPE)
    return _TYPES[kind] if kind < len(_TYPES) else f"type {kind}"


def shape_with_open_sizes(tensor: Table) -> tuple[int, ...]:
    """The shape of a tensor, with a negative number for a dimension of any size.

    Raises:
        FlatbufferError: it has too many dimensions.
    """
    shape, signature = _shape(tensor), tensor.integers(_SIGNATURE)
    # The shape itself has a 1 where the signature leaves a size open.
    return signature if len(signature) == len(shape) else shape


def _shape(tensor: Table) -> tuple[int, ...]:
    shape = tensor.integers(_SHAPE)
    if len(shape) > _MAX_RANK:
        raise FlatbufferError(f"a tensor has {len(shape)} dimensions")
    return shape


def tflite_interface(data: Data) -> Interface:
    """Reads what a file's first subgraph declares.

    Raises:
        FlatbufferError: this is not a TFLite file.
    """
    if data[4:8] != IDENTIFIER:
        raise FlatbufferError("not a TFLite model")
    subgraph = root(data).element(_SUBGRAPHS, 0)
    ways = (
        tuple(_describe(subgraph.element(_TENSORS, index)) for index in subgraph.integers(way))
        for way in (_INPUTS, _OUTPUTS)
    )
    return Interface(*ways)


def _describe(tensor: Table) -> TensorInfo:
    dtype = type_name(tensor)
    shape = tuple(size if size > 0 else None for size in shape_with_open_sizes(tensor))
    quantised = _quantisation(tensor) if dtype in _QUANTISED else None
    return TensorInfo(tensor.text(_NAME), dtype, shape, quantised)


def _quantisation(tensor: Table) -> tuple[float, int] | None:
    """Scale and zero point, if there is one of each."""
    parameters = tensor.table(_QUANTISATION)
    if parameters is None:
        return None
    (scale_at, scales), (zero_at, zeros) = (
        parameters.vector(_SCALE, 4),
        parameters.vector(_ZERO_POINT, 8),
    )
    if scales != 1 or zeros > 1:
        return None
    (scale,) = struct.unpack_from("<f", tensor.data, scale_at)
    (zero,) = struct.unpack_from("<q", tensor.data, zero_at) if zeros else (0,)
    return float(scale), int(zero)
