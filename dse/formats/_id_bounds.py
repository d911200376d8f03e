"""Finds the bounds of a model's ids: the rows of the tables that it picks from by them.

A table is a constant, or any value whose size along the axis is stated in the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from onnx import GraphProto, NodeProto

_UNCHANGED = {"Cast", "Identity", "Unsqueeze", "Squeeze", "Reshape", "Flatten", "Expand", "Slice"}
"""Operators that leave the numbers of their first input as they are."""
_SAME_SHAPE = {"Cast", "Identity", "DequantizeLinear"}
"""Operators that leave the rows of a table as they are."""
_PICKS: Mapping[str, tuple[tuple[int, int], ...]] = {
    **dict.fromkeys(("Gather", "GatherElements", "ScatterElements", "Scatter"), ((1, 0),)),
    "GatherBlockQuantized": ((1, 0),),
    "EmbedLayerNormalization": ((0, 2), (1, 4)),
}
"""Pairs of inputs by operator: the first picks from the second."""


def rows_by_input(graph: GraphProto) -> dict[str, int]:
    """Number of rows of the smallest table that each input picks from, by name of the input."""
    maker = {output: node for node in graph.node for output in node.output}
    constants = _constant_shapes(graph)
    inputs = {one.name for one in graph.input} - set(constants)
    shapes = {**_declared_shapes(graph), **constants}
    rows: dict[str, int] = {}
    for node, picking, table in _iter_picks(graph):
        source = _trace_origin(picking, maker, _UNCHANGED)
        shape = shapes.get(table) or shapes.get(_trace_origin(table, maker, _SAME_SHAPE))
        axis = next((one.i for one in node.attribute if one.name in ("axis", "gather_axis")), 0)
        if source in inputs and shape and -len(shape) <= axis < len(shape) and shape[axis] > 0:
            rows[source] = min(shape[axis], rows.get(source, shape[axis]))
    return rows


def _iter_picks(graph: GraphProto) -> Iterator[tuple[NodeProto, str, str]]:
    """Each node that picks rows, with the names of its ids and of its table."""
    for node in graph.node:
        for picking, table in _PICKS.get(node.op_type, ()):
            if max(picking, table) < len(node.input):
                yield node, node.input[picking], node.input[table]


def _declared_shapes(graph: GraphProto) -> dict[str, tuple[int, ...]]:
    """The shapes that the file declares; 0 for a size that it leaves open."""
    return {
        one.name: tuple(
            dim.dim_value if dim.HasField("dim_value") else 0
            for dim in one.type.tensor_type.shape.dim
        )
        for one in (*graph.input, *graph.value_info)
        if one.type.HasField("tensor_type") and one.type.tensor_type.HasField("shape")
    }


def _constant_shapes(graph: GraphProto) -> dict[str, tuple[int, ...]]:
    shapes = {one.name: tuple(one.dims) for one in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.output:
            for attribute in node.attribute:
                if attribute.HasField("t"):
                    shapes[node.output[0]] = tuple(attribute.t.dims)
    return shapes


def _trace_origin(name: str, maker: dict[str, NodeProto], through: set[str]) -> str:
    """Traces a value back through some operators."""
    seen = {name}
    while (node := maker.get(name)) is not None and node.op_type in through and node.input:
        name = node.input[0]
        if name in seen:
            break  # a damaged file may have a cycle
        seen.add(name)
    return name
