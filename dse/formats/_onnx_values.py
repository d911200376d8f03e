"""Follows the few integers that shapes are computed from through an ONNX graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dse.formats._onnx_nodes import MAX_VALUES
from dse.formats._tally import elements_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from dse.formats._onnx_nodes import Node
    from dse.formats._onnx_shapes import Known

    Array = NDArray[np.int64]
    Arrays = Sequence[Array]
    Values = tuple[int, ...]

_LAST = (1 << 31) - 1
"""An end of a slice from here on means the last element."""


def bounded(end: int) -> int | None:
    """The end of a slice; None for the last element in its direction."""
    return None if abs(end) >= _LAST else end


def compute(known: Known, node: Node) -> Values | None:
    """The integers that an operator writes, as far as shapes are computed from them."""
    if node.operator == "Constant":
        listed = (node.numbers.get("value_ints"), node.numbers.get("value_int"))
        return node.constant.values if node.constant else next(filter(None, listed), None)
    if node.operator == "Shape" and node.reads and node.reads[0] in known.shapes:
        shape = known.shapes[node.reads[0]]
        return shape[node.number("start", 0) : node.number("end", len(shape))]
    if node.operator == "ConstantOfShape" and node.writes:
        count = elements_of(known.shapes[node.writes[0]])
        value = (node.constant.values if node.constant else (0,)) or ()
        return value * count if len(value) == 1 and count <= MAX_VALUES else None
    if node.operator not in _COMPUTED:
        return None
    arrays = []
    for place in range(len(node.reads)):
        values, shape = known.few(node, place), known.shape(node, place)
        if values is None or len(values) != elements_of(shape):
            return None
        arrays.append(np.array(values, dtype=np.int64).reshape(shape))
    with np.errstate(all="ignore"):  # numbers out of bounds are no sizes
        result = _COMPUTED[node.operator](node, arrays)
    return tuple(result.reshape(-1).tolist())


def _sliced(_node: Node, read: Arrays) -> Array:
    source, starts, ends = read[:3]
    axes = read[3].tolist() if len(read) > 3 else range(source.ndim)
    steps = read[4].tolist() if len(read) > 4 else [1] * len(starts)
    parts = [slice(None)] * source.ndim
    for start, end, axis, step in zip(starts.tolist(), ends.tolist(), axes, steps, strict=False):
        parts[axis] = slice(start, bounded(end), step)
    return np.asarray(source[tuple(parts)])


def _divided(_node: Node, read: Arrays) -> Array:
    return np.asarray(np.sign(read[0]) * np.sign(read[1]) * (np.abs(read[0]) // np.abs(read[1])))


_COMPUTED: Mapping[str, Callable[[Node, Arrays], Array]] = {
    **dict.fromkeys(
        ("Cast", "Identity", "Squeeze", "Unsqueeze", "Reshape", "Flatten"),
        lambda _node, read: read[0],
    ),
    "Add": lambda _node, read: np.asarray(read[0] + read[1]),
    "Sub": lambda _node, read: np.asarray(read[0] - read[1]),
    "Mul": lambda _node, read: np.asarray(read[0] * read[1]),
    "Div": _divided,
    "Concat": lambda node, read: np.concatenate(read, axis=node.number("axis", 0)),
    "Gather": lambda node, read: np.take(read[0], read[1], axis=node.number("axis", 0)),
    "Slice": _sliced,
    "Transpose": lambda node, read: np.transpose(read[0], node.numbers.get("perm")),
    "Equal": lambda _node, read: np.asarray(read[0] == read[1], dtype=np.int64),
    "Where": lambda _node, read: np.where(read[0] != 0, read[1], read[2]),
}
"""How operators compute integers, a few of each."""
