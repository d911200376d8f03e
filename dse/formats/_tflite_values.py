"""Finds the values of inputs that the shapes in a TFLite file imply, as that of a RESHAPE is.

Field numbers and kinds of operators are those of TensorFlow Lite's schema.fbs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.formats._tflite_flow import KINDS, operator_codes
from dse.formats._tflite_interface import shape_with_open_sizes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from dse.formats.flatbuffer import Table

    Shape = tuple[int, ...]
    Rule = Callable[[Shape, Shape], Shape]
    """Takes the shapes of the data and of the output; gives none where none follow."""

_OPERATORS = 3  # of SubGraph
_CODE, _READS, _WRITES = 0, 1, 2  # of Operator


def values_by_tensor(
    model: Table, subgraph: Table, tensors: Sequence[Table]
) -> dict[int, tuple[int, ...]]:
    """The values that operators ask of tensors, by number of the tensor.

    Those of which two operators ask different values are left out.

    Raises:
        FlatbufferError: the file is damaged.
    """
    found: dict[int, set[Shape]] = {}
    for tensor, values in _asked(model, subgraph, [shape_with_open_sizes(one) for one in tensors]):
        found.setdefault(tensor, set()).add(values)
    return {tensor: values.pop() for tensor, values in found.items() if len(values) == 1}


def _asked(model: Table, subgraph: Table, shapes: Sequence[Shape]) -> Iterator[tuple[int, Shape]]:
    codes = operator_codes(model)
    for operator in subgraph.tables(_OPERATORS):
        number = operator.number(_CODE)
        kind = KINDS.get(codes[number] if number < len(codes) else -1, "")
        reads, writes = operator.integers(_READS), operator.integers(_WRITES)
        for place, (data, rule) in _RULES.get(kind, {}).items():
            if place < len(reads) and reads[place] >= 0:
                values = rule(_shape(shapes, reads, data), _shape(shapes, writes, 0))
                if values and (min(values) >= 0 or kind == "SLICE"):  # there -1 is all the rest
                    yield reads[place], values


def _shape(shapes: Sequence[Shape], tensors: Sequence[int], place: int) -> Shape:
    """The shape of an operator's input or output; none where it is left out."""
    number = tensors[place] if place < len(tensors) else -1
    return shapes[number] if 0 <= number < len(shapes) else ()


def _of_output(_: Shape, output: Shape) -> Shape:
    return output


def _of_sides(_: Shape, output: Shape) -> Shape:
    """The two sizes between the batch and the channels."""
    return output[1:3] if len(output) == 4 else ()


def _of_tile(data: Shape, output: Shape) -> Shape:
    """How often the input fits into the output."""
    if len(data) != len(output) or min(data, default=0) <= 0:
        return ()
    return tuple(large // small for small, large in zip(data, output, strict=True))


_RULES: Mapping[str, Mapping[int, tuple[int, Rule]]] = {
    **{name: {1: (0, _of_output)} for name in ("RESHAPE", "BROADCAST_TO", "SPARSE_TO_DENSE")},
    **{name: {1: (0, _of_sides)} for name in ("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR")},
    **{name: {0: (0, _of_output)} for name in ("FILL", "TRANSPOSE_CONV", "RANDOM")},
    "SCATTER_ND": {2: (0, _of_output)},
    "SLICE": {1: (0, lambda data, _: (0,) * len(data)), 2: (0, _of_output)},
    "TILE": {1: (0, _of_tile)},
    "TOPK": {1: (0, lambda _, output: output[-1:])},
}
"""Position of the input whose values follow, with that of the data, by kind of operator."""
