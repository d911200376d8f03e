"""Reads the operators and constants of an ONNX file without the onnx package and without weights.

Field numbers are those of onnx.proto.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from dse.formats._protobuf import ProtobufError, iter_fields, iter_integers
from dse.formats._tally import MAX_RANK, CountError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dse.formats._protobuf import Data
    from dse.formats._tally import Shape

    Span = tuple[int, int]

_GRAPH = 7  # of ModelProto
_NODE, _CONSTANT, _INPUT, _VALUE_INFO = 1, 5, 11, 13  # of GraphProto
_READS, _WRITES, _OPERATOR, _ATTRIBUTE = 1, 2, 4, 5  # of NodeProto
_ATTRIBUTE_NAME, _INTEGER, _TEXT, _TENSOR, _INTEGERS = 1, 3, 4, 5, 8  # of AttributeProto
_DIMS, _TYPE, _FLOATS, _INTS, _LONGS, _NAME, _RAW = 1, 2, 4, 5, 7, 8, 9  # of TensorProto
_VALUE_NAME, _VALUE_TYPE, _TENSOR_TYPE, _SHAPE, _DIM = 1, 2, 1, 2, 1  # of ValueInfoProto, inwards
MAX_PARTS = 100_000
"""Most operators, constants, inputs and stated shapes, each."""
MAX_VALUES = 256
"""Most numbers of a constant that shapes are computed from."""
INT32, INT64 = 6, 7
"""Numbers of these types."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A constant.

    Attributes:
        shape: its sizes.
        kind: number of the type of its elements.
        data: where its bytes lie; empty if they lie elsewhere.
        values: its numbers, if they are few integers.
    """

    shape: Shape
    kind: int
    data: Span = (0, 0)
    values: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """An operator.

    Attributes:
        operator: what it does.
        reads: names of what it reads, empty for what is left out.
        writes: names of what it writes.
        numbers: its attributes that are integers, each as a tuple.
        texts: its attributes that are texts.
        constant: its attribute that is a constant, if there is one.
    """

    operator: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    numbers: Mapping[str, tuple[int, ...]]
    texts: Mapping[str, str]
    constant: Constant | None = None

    def number(self, name: str, default: int) -> int:
        """An attribute that is one integer."""
        found = self.numbers.get(name, ())
        return found[0] if found else default


@dataclass(slots=True)
class OnnxNodes:
    """A graph.

    Attributes:
        nodes: in the order of the file, which is one of computing.
        constants: by name.
        inputs: shapes of the inputs by name; None for an open size.
        stated: shapes of computed values that the file states in full.
    """

    nodes: list[Node] = field(default_factory=list)
    constants: dict[str, Constant] = field(default_factory=dict)
    inputs: dict[str, tuple[int | None, ...]] = field(default_factory=dict)
    stated: dict[str, Shape] = field(default_factory=dict)


def read_nodes(data: Data) -> OnnxNodes:
    """Reads the outermost graph of a file.

    Raises:
        ProtobufError: this is not an ONNX file.
        UnicodeDecodeError: a name is not text.
        CountError: something is out of bounds.
    """
    graphs = [span for number, span in _spans(data, (0, len(data))) if number == _GRAPH]
    if not graphs:
        raise ProtobufError("no graph")
    found = OnnxNodes()
    for number, span in _spans(data, graphs[-1]):
        if number == _NODE:
            found.nodes.append(_node(data, span))
        elif number == _CONSTANT:
            name, constant = _constant(data, span)
            found.constants[name] = constant
        elif number in (_INPUT, _VALUE_INFO):
            name, shape = _value_info(data, span)
            if shape is not None and number == _INPUT:
                found.inputs[name] = shape
            elif shape is not None and None not in shape:
                found.stated[name] = tuple(size or 0 for size in shape)
        if max(map(len, (found.nodes, found.constants, found.inputs, found.stated))) > MAX_PARTS:
            raise CountError("a graph is out of bounds")
    found.inputs = {name: s for name, s in found.inputs.items() if name not in found.constants}
    return found


def _spans(data: Data, span: Span) -> Iterator[tuple[int, Span]]:
    for number, _, begin, end in iter_fields(data, *span):
        yield number, (begin, end)


def _text(data: Data, span: Span) -> str:
    return bytes(data[slice(*span)]).decode()


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _node(data: Data, span: Span) -> Node:
    reads, writes, operator = [], [], ""
    numbers: dict[str, tuple[int, ...]] = {}
    texts: dict[str, str] = {}
    constant = None
    for number, inner in _spans(data, span):
        if number == _READS:
            reads.append(_text(data, inner))
        elif number == _WRITES:
            writes.append(_text(data, inner))
        elif number == _OPERATOR:
            operator = _text(data, inner)
        elif number == _ATTRIBUTE:
            found = _attribute(data, inner, numbers, texts)
            constant = found or constant
    return Node(operator, tuple(reads), tuple(writes), numbers, texts, constant)


def _attribute(
    data: Data, span: Span, numbers: dict[str, tuple[int, ...]], texts: dict[str, str]
) -> Constant | None:
    """Notes an attribute under its name; returns it if it is a constant."""
    name, text, constant = "", None, None
    integers: list[int] = []
    for number, value, begin, end in iter_fields(data, *span):
        if number == _ATTRIBUTE_NAME:
            name = _text(data, (begin, end))
        elif number in (_INTEGER, _INTEGERS):
            if len(integers) <= MAX_VALUES:
                integers += _integers(data, value, begin, end)
        elif number == _TEXT:
            text = bytes(data[begin:end]).decode("utf-8", "replace")
        elif number == _TENSOR:
            _, constant = _constant(data, (begin, end))
    if integers:
        numbers[name] = tuple(integers)
    if text is not None:
        texts[name] = text
    return constant


def _integers(data: Data, value: int, begin: int, end: int) -> list[int]:
    """Integers of a field, which are packed or one by one; of very many the first."""
    found = iter_integers(data, begin, end) if begin < end else (value,)
    return [_signed(one) for one in islice(found, MAX_VALUES + 1)]


def _constant(data: Data, span: Span) -> tuple[str, Constant]:
    name, kind = "", 0
    dims: list[int] = []
    integers: list[int] = []
    raw: Span = (0, 0)
    for number, value, begin, end in iter_fields(data, *span):
        if number == _DIMS:
            dims += _integers(data, value, begin, end)
            if len(dims) > MAX_RANK:
                raise CountError("a constant has too many dimensions")
        elif number == _TYPE:
            kind = value
        elif number == _NAME:
            name = _text(data, (begin, end))
        elif number in (_RAW, _FLOATS):
            raw = (begin, end)
        elif number in (_INTS, _LONGS) and len(integers) <= MAX_VALUES:
            integers += _integers(data, value, begin, end)
    values = _few_values(data, kind, raw, integers)
    return name, Constant(tuple(dims), kind, raw, values)


def _few_values(data: Data, kind: int, raw: Span, integers: list[int]) -> tuple[int, ...] | None:
    size = {INT32: 4, INT64: 8}.get(kind)
    if size is None:
        return None
    if integers:
        return tuple(integers) if len(integers) <= MAX_VALUES else None
    count = (raw[1] - raw[0]) // size
    if count > MAX_VALUES:
        return None
    return struct.unpack_from(f"<{count}{'i' if size == 4 else 'q'}", data, raw[0])


def _value_info(data: Data, span: Span) -> tuple[str, tuple[int | None, ...] | None]:
    """Name and shape of a value; no shape if the file has none."""
    name = ""
    shape: tuple[int | None, ...] | None = None
    for number, inner in _spans(data, span):
        if number == _VALUE_NAME:
            name = _text(data, inner)
        elif number == _VALUE_TYPE:
            for tensor in _inside(data, inner, _TENSOR_TYPE):
                for dims in _inside(data, tensor, _SHAPE):
                    sizes = islice(_inside(data, dims, _DIM), MAX_RANK)
                    shape = tuple(_size(data, one) for one in sizes)
    return name, shape


def _inside(data: Data, span: Span, wanted: int) -> Iterator[Span]:
    return (inner for number, inner in _spans(data, span) if number == wanted)


def _size(data: Data, span: Span) -> int | None:
    """A size; None if it is open."""
    sizes = [value for number, value, _, _ in iter_fields(data, *span) if number == 1]
    return sizes[-1] if sizes and 0 < sizes[-1] < 1 << 48 else None
