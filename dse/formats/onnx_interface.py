"""Reads the inputs and outputs of an ONNX file. Field numbers are those of onnx.proto."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from dse.formats._protobuf import ProtobufError, iter_fields, iter_integers
from dse.formats.interface import Interface, TensorInfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dse.formats._protobuf import Data

    Span = tuple[int, int]

_GRAPH, _OPSET = 7, 8  # of ModelProto
_NODE, _CONSTANT, _INPUT, _OUTPUT = 1, 5, 11, 12  # of GraphProto
_READS, _OPERATOR = 1, 4  # of NodeProto
_VALUE_NAME, _VALUE_TYPE = 1, 2  # of ValueInfoProto
_TENSOR = 1  # of TypeProto
_ELEMENT, _SHAPE = 1, 2  # of TypeProto.Tensor
_DIM, _DIM_VALUE = 1, 1  # of TensorShapeProto and of its Dimension
_FLOATS, _INTS, _NAME, _RAW = 4, 5, 8, 9  # of TensorProto
_NAMES = (
    *("float32", "uint8", "int8", "uint16", "int16", "int32", "int64", "string", "bool"),
    *("float16", "float64", "uint32", "uint64", "complex64", "complex128", "bfloat16"),
)
_TYPES = dict(enumerate(_NAMES, 1))
_QUANTISED = {"uint8": "B", "int8": "b"}
"""Format character of `struct` by type of a quantised tensor."""


def onnx_interface(data: Data) -> Interface:
    """Reads what the graph of a file declares; inputs with a constant value are left out.

    Raises:
        ProtobufError: this is not an ONNX file.
        UnicodeDecodeError: a name is not text.
    """
    graphs = list(_iter_spans(data, (0, len(data)), _GRAPH))
    if not graphs:
        raise ProtobufError("no graph")
    parts: dict[int, list[Span]] = {_NODE: [], _CONSTANT: [], _INPUT: [], _OUTPUT: []}
    for number, _, begin, end in iter_fields(data, *graphs[-1]):
        if number in parts:
            parts[number].append((begin, end))
    constants = {_first_text(data, span, _NAME): span for span in parts[_CONSTANT]}
    declared = [_tensor(data, span) for span in parts[_INPUT]]
    inputs = [one for one in declared if one.name not in constants]
    if any(one.dtype in _QUANTISED for one in inputs):
        inputs = [_with_quantisation(data, one, parts[_NODE], constants) for one in inputs]
    return Interface(tuple(inputs), tuple(_tensor(data, span) for span in parts[_OUTPUT]))


def declares_opset(data: Data) -> bool:
    """Whether a file says which version of the operators it means, as it must.

    A file that is cut short before that reads as whole otherwise, and converters take it.

    Raises:
        ProtobufError: this is not an ONNX file.
    """
    return any(True for _ in _iter_spans(data, (0, len(data)), _OPSET))


def _tensor(data: Data, span: Span) -> TensorInfo:
    name = _first_text(data, span, _VALUE_NAME)
    for kind in _iter_spans(data, span, _VALUE_TYPE):
        for tensor in _iter_spans(data, kind, _TENSOR):
            element = next(iter(_iter_values(data, tensor, _ELEMENT)), 0)
            shapes = list(_iter_spans(data, tensor, _SHAPE))
            dims = (
                [_dim(data, dim) for dim in _iter_spans(data, shapes[-1], _DIM)] if shapes else None
            )
            dtype = _TYPES.get(element, f"type {element}")
            return TensorInfo(name, dtype, None if dims is None else tuple(dims))
    return TensorInfo(name, "no tensor", None)


def _dim(data: Data, span: Span) -> int | None:
    size = next(iter(_iter_values(data, span, _DIM_VALUE)), 0)
    return size if 0 < size < 1 << 63 else None


def _with_quantisation(
    data: Data, one: TensorInfo, nodes: list[Span], constants: Mapping[str, Span]
) -> TensorInfo:
    """Adds the scale and zero point of the DequantizeLinear that reads an input."""
    for node in nodes:
        if _first_text(data, node, _OPERATOR) != "DequantizeLinear":
            continue
        reads = [_decode(data, span) for span in _iter_spans(data, node, _READS)]
        if len(reads) < 2 or reads[0] != one.name or not set(reads[1:]) <= set(constants):
            continue
        scale = _single_number(data, constants[reads[1]], "f")
        zero = _single_number(data, constants[reads[2]], _QUANTISED[one.dtype]) if reads[2:] else 0
        if scale is not None and zero is not None:
            return TensorInfo(one.name, one.dtype, one.shape, (float(scale), int(zero)))
    return one


def _single_number(data: Data, tensor: Span, kind: str) -> float | int | None:
    """The only number of a constant; None if it has several, or lies in another file."""
    for number, value, begin, end in iter_fields(data, *tensor):
        size = struct.calcsize(kind)
        if number == _RAW or (number == _FLOATS and kind == "f"):
            if end - begin != size:
                return None
            found: float | int = struct.unpack_from(f"<{kind}", data, begin)[0]
            return found
        if number == _INTS and kind != "f":
            listed = list(iter_integers(data, begin, end)) or [value]
            return _as_signed(listed[0]) if len(listed) == 1 else None
    return None


def _as_signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _iter_spans(data: Data, span: Span, wanted: int) -> Iterator[Span]:
    for number, _, begin, end in iter_fields(data, *span):
        if number == wanted:
            yield begin, end


def _iter_values(data: Data, span: Span, wanted: int) -> Iterator[int]:
    for number, value, _, _ in iter_fields(data, *span):
        if number == wanted:
            yield value


def _first_text(data: Data, span: Span, wanted: int) -> str:
    return next((_decode(data, part) for part in _iter_spans(data, span, wanted)), "")


def _decode(data: Data, span: Span) -> str:
    return bytes(data[slice(*span)]).decode()
