"""Finds the values of small inputs that the shapes in a file imply, as that of a Reshape is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from dse.formats._id_bounds import known_shapes, trace_origin

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto

Shape = tuple[int, ...]
Shapes = Mapping[str, tuple[int | None, ...]]
"""The known shapes by name of the value; None for an open size."""
Rule = Callable[["NodeProto", Shapes, int], Shape]
"""Takes an operator, the shapes and the number of values; gives none where none follow."""

_UNCHANGED = {"Cast", "Identity"}
"""Operators that leave the numbers of their first input as they are, and their order."""


def values_by_input(graph: GraphProto) -> dict[str, Shape]:
    """The values that operators ask of inputs, by name of the input.

    Left out are inputs that values are computed from, and those of which two operators ask
    different values.
    """
    shapes = known_shapes(graph)
    maker = {output: node for node in graph.node for output in node.output}
    given = {one.name: _whole(shapes, one.name) for one in graph.input}
    found: dict[str, set[Shape]] = defaultdict(set)
    for node in (one for one in graph.node if one.output):
        for place, rule in _RULES.get(node.op_type, {}).items():
            source = trace_origin(node.input[place], maker, _UNCHANGED) if _has(node, place) else ""
            if len(given.get(source, ())) == 1:
                (count,) = given[source]
                values = rule(node, shapes, count)
                if len(values) == count > 0:
                    found[source].add(values)
    return {name: values.pop() for name, values in found.items() if len(values) == 1}


def _has(node: NodeProto, place: int) -> bool:
    return len(node.input) > place and bool(node.input[place])


def _whole(shapes: Shapes, name: str) -> Shape:
    """A shape without an open size; empty where there is none."""
    sizes = tuple(size for size in shapes.get(name, ()) if size is not None)
    return sizes if len(sizes) == len(shapes.get(name, ())) else ()


def _axis(node: NodeProto, default: int) -> int:
    return next((int(one.i) for one in node.attribute if one.name == "axis"), default)


def _of_output(node: NodeProto, shapes: Shapes, _: int) -> Shape:
    """The whole shape of the output, unless the operator names axes."""
    named = any(one.name == "axes" for one in node.attribute)
    return () if named else _whole(shapes, node.output[0])


def _of_reshape(node: NodeProto, shapes: Shapes, count: int) -> Shape:
    """The shape of the output, in which the last open axis takes what is left."""
    sizes = shapes.get(node.output[0], ())
    sizes = sizes if len(sizes) == count else (None,) * count
    last = max((axis for axis, size in enumerate(sizes) if size is None), default=None)
    return tuple(
        -1 if axis == last else 1 if size is None else size for axis, size in enumerate(sizes)
    )


def _of_split(node: NodeProto, shapes: Shapes, count: int) -> Shape:
    """The sizes of the outputs; where they are open, parts that are as equal as can be."""
    axis = _axis(node, 0)
    parts = [_whole(shapes, name) for name in node.output]
    if len(parts) == count and all(-len(one) <= axis < len(one) for one in parts):
        return tuple(one[axis] for one in parts)
    whole = _whole(shapes, node.input[0])
    if not -len(whole) <= axis < len(whole) or not count:
        return ()
    least, more = divmod(whole[axis], count)
    return tuple(least + (place < more) for place in range(count))


def _of_top_k(node: NodeProto, shapes: Shapes, _: int) -> Shape:
    shape, axis = _whole(shapes, node.output[0]), _axis(node, -1)
    return (shape[axis],) if -len(shape) <= axis < len(shape) else ()


def _of_tile(node: NodeProto, shapes: Shapes, _: int) -> Shape:
    """How often the input fits into the output."""
    before, after = _whole(shapes, node.input[0]), _whole(shapes, node.output[0])
    if len(before) != len(after) or 0 in before:
        return ()
    return tuple(large // small for small, large in zip(before, after, strict=True))


def _of_pad(node: NodeProto, shapes: Shapes, _: int) -> Shape:
    """What the output has more than the input, at its end; unless the operator names axes."""
    before, after = _whole(shapes, node.input[0]), _whole(shapes, node.output[0])
    if len(before) != len(after) or _has(node, 3):
        return ()
    more = (large - small for small, large in zip(before, after, strict=True))
    return (0,) * len(before) + tuple(more)


def _of_grid(node: NodeProto, shapes: Shapes, _: int) -> Shape:
    """The batch, one channel, and the place of each point."""
    shape = _whole(shapes, node.output[0])
    return (shape[0], 1, *shape[1:-1]) if len(shape) > 2 else ()


_RULES: Mapping[str, Mapping[int, Rule]] = {
    "AffineGrid": {1: _of_grid},
    "CenterCropPad": {1: _of_output},
    "ConstantOfShape": {0: _of_output},
    "Expand": {1: _of_output},
    "MaxUnpool": {2: _of_output},
    "Pad": {1: _of_pad},
    "Reshape": {1: _of_reshape},
    "Resize": {3: _of_output},
    "Split": {1: _of_split},
    "SplitToSequence": {1: _of_split},
    "Tile": {1: _of_tile},
    "TopK": {1: _of_top_k},
}
"""Position of the input whose values follow from shapes, by operator."""
