"""Counts what the layers of a TFLite file take. Field numbers are those of schema.fbs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dse.formats._tally import MAX_RANK, CountError, Tally
from dse.formats._tflite_flow import operator_codes
from dse.formats._tflite_interface import type_name
from dse.formats.flatbuffer import Table, root

if TYPE_CHECKING:
    from dse.core.inference_cost import ModelCounts
    from dse.formats._tally import Shape
    from dse.formats.flatbuffer import Data

_SUBGRAPHS, _BUFFERS = 2, 4  # of Model
_TENSORS, _INPUTS, _OPERATORS = 0, 1, 3  # of SubGraph
_SHAPE, _BUFFER, _SIGNATURE = 0, 2, 7  # of Tensor
_CODE, _READS, _WRITES = 0, 1, 2  # of Operator
_ADD, _AVERAGE_POOL, _CONV, _DEPTHWISE, _DENSE = 0, 1, 3, 4, 9
_MAX_POOL, _MUL, _MEAN, _TRANSPOSED_CONV, _MATMUL = 17, 18, 40, 67, 126
_NOT_COUNTED = (16, 24, 27, 35, 44, 46, 52, 118, 119, 132)
"""Recurrent layers, branches, loops and three-dimensional convolutions."""
_BITS = {
    **dict.fromkeys(("float32", "int32"), 32),
    **dict.fromkeys(("float16", "bfloat16", "int16"), 16),
    **dict.fromkeys(("int8", "uint8"), 8),
    "int4": 4,
    "float64": 64,
}
"""Bits of an element, by the types that parameters have."""
_LOOKED_AT = {"float32": 4, "float16": 2, "bfloat16": 2, "int8": 1}
"""Bytes of an element, by the types among whose values zeros are looked for."""
_WEIGHTS = {_CONV: 1, _DEPTHWISE: 1, _DENSE: 1, _TRANSPOSED_CONV: 1, _MATMUL: 1}
"""Position of the weights, by operator."""
MAX_PARTS, MAX_READS = 20_000, 1000
"""Most operators, tensors and buffers, each, and most inputs of an operator: a file may list one
of these any number of times."""


@dataclass(frozen=True, slots=True)
class _Tensor:
    """A tensor: its shape, and where its values lie if it is constant."""

    shape: Shape
    dtype: str
    begin: int = 0
    bytes: int = 0

    @property
    def constant(self) -> bool:
        return self.bytes > 0


def tflite_counts(data: Data) -> ModelCounts:
    """Counts the layers of the first subgraph.

    Raises:
        FlatbufferError: this is not a TFLite file.
        CountError: a size that is needed is left open.
    """
    model = root(data)
    subgraph = model.element(_SUBGRAPHS, 0)
    listed = (subgraph.vector(_TENSORS, 4), subgraph.vector(_OPERATORS, 4))
    if max(count for _, count in (*listed, model.vector(_BUFFERS, 4))) > MAX_PARTS:
        raise CountError("a graph is out of bounds")
    buffers = [buffer.vector(0, 1) for buffer in model.tables(_BUFFERS)]
    tensors = [_read(one, buffers) for one in subgraph.tables(_TENSORS)]
    tally = Tally()
    for one in tensors:
        if one.constant and one.dtype in _BITS:
            tally.constant(one.shape, _BITS[one.dtype])
    codes = operator_codes(model)
    seen: set[int] = set()
    for operator in subgraph.tables(_OPERATORS):
        number = operator.number(_CODE)
        code = codes[number] if number < len(codes) else -1
        reads, writes = (
            [i for i in _integers(operator, field, MAX_READS) if 0 <= i < len(tensors)]
            for field in (_READS, _WRITES)
        )
        if not reads or not writes:
            continue
        _count(tally, code, [tensors[i] for i in reads], tensors[writes[0]].shape)
        place = _WEIGHTS.get(code, len(reads))
        if place < len(reads) and reads[place] not in seen:
            seen.add(reads[place])
            _look(tally, data, tensors[reads[place]])
    numbers = _integers(subgraph, _INPUTS, MAX_READS)
    inputs = [subgraph.element(_TENSORS, number) for number in numbers]
    # Such a size is 1 in all shapes, whatever it will be.
    if any(size < 0 for one in inputs for size in _integers(one, _SIGNATURE, MAX_RANK)[1:]):
        raise CountError("a size is left open")
    return tally.result(tensors[number].shape for number in numbers)


def _integers(table: Table, field: int, most: int) -> tuple[int, ...]:
    if table.vector(field, 4)[1] > most:
        raise CountError("a list of numbers is out of bounds")
    return table.integers(field)


def _read(tensor: Table, buffers: list[tuple[int, int]]) -> _Tensor:
    number = tensor.number(_BUFFER)
    begin, size = buffers[number] if number < len(buffers) else (0, 0)
    return _Tensor(_integers(tensor, _SHAPE, MAX_RANK), type_name(tensor), begin, size)


def _count(tally: Tally, code: int, reads: list[_Tensor], output: Shape) -> None:
    computed = [one.shape for one in reads if not one.constant]
    if code in (_AVERAGE_POOL, _MAX_POOL) or (code == _MEAN and len(reads[0].shape) == 4):
        tally.pool(output)
    elif code in (_ADD, _MUL) and len(computed) == 2:
        (tally.sum if code == _ADD else tally.gate)(output, *computed)
    elif code in _NOT_COUNTED:
        raise CountError("a layer is of a kind that is not counted")
    elif code in _WEIGHTS and len(reads) > 1:
        _count_product(tally, code, reads, output)


def _count_product(tally: Tally, code: int, reads: list[_Tensor], output: Shape) -> None:
    first, second = reads[0].shape, reads[1].shape
    if code == _DENSE and len(second) == 2:
        tally.product(output, second[1], weights=reads[1].constant)
    elif code == _MATMUL and first:
        constant = reads[0].constant or reads[1].constant
        inner = _inner_size(first, second, output)
        tally.product(output, inner, weights=constant)
    elif code == _CONV and len(second) == len(first) == 4:
        depth = second[3]
        groups = first[3] // depth if depth > 0 else 1
        tally.convolution(output, second[1:3], depth, groups)
    elif code == _DEPTHWISE and len(second) == 4:
        tally.convolution(output, second[1:3], 1, second[3])
    elif code == _TRANSPOSED_CONV and len(second) == 4 and len(reads) > 2:
        # Each value that is read is multiplied by a filter for each channel that is written.
        tally.convolution(reads[2].shape, second[1:3], second[0], 1)
    else:
        raise CountError("a layer has weights of an unknown shape")


def _inner_size(first: Shape, second: Shape, output: Shape) -> int:
    """The inner size of a product of matrices, either of which may be transposed."""
    rows = output[-2] if len(output) > 1 else 1
    sizes = [*first[-2:]]
    if rows in sizes:
        sizes.remove(rows)
    return sizes[-1] if sizes else second[-1] if second else 1


def _look(tally: Tally, data: Data, weights: _Tensor) -> None:
    if weights.constant and weights.dtype in _LOOKED_AT:
        begin = weights.begin
        tally.weights(data, begin, begin + weights.bytes, _LOOKED_AT[weights.dtype])
