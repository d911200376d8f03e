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
    shapes = known_shapes(graph)
    inputs = {one.name for one in graph.input} - {one.name for one in graph.initializer}
    rows: dict[str, int] = {}
    for node, picking, table in _iter_picks(graph):
        source = trace_origin(picking, maker, _UNCHANGED)
        shape = shapes.get(table) or shapes.get(trace_origin(table, maker, _SAME_SHAPE))
        axis = next((one.i for one in node.attribute if one.name in ("axis", "gather_axis")), 0)
        if source in inputs and shape and -len(shape) <= axis < len(shape) and (n := shape[axis]):
            rows[source] = min(n, rows.get(source, n))
    return rows


def _iter_picks(graph: GraphProto) -> Iterator[tuple[NodeProto, str, str]]:
    """Each node that picks rows, with the names of its ids and of its table."""
    for node in graph.node:
        for picking, table in _PICKS.get(node.op_type, ()):
            if max(picking, table) < len(node.input):
                yield node, node.input[picking], node.input[table]


def known_shapes(graph: GraphProto) -> dict[str, tuple[int | None, ...]]:
    """The shapes that the file declares, or that its constants have; None for an open size."""
    shapes: dict[str, tuple[int | None, ...]] = {
        one.name: tuple(
            dim.dim_value if dim.HasField("dim_value") and dim.dim_value >= 0 else None
            for dim in one.type.tensor_type.shape.dim
        )
        for one in (*graph.input, *graph.output, *graph.value_info)
        if one.type.HasField("tensor_type") and one.type.tensor_type.HasField("shape")
    }
    shapes |= {one.name: tuple(one.dims) for one in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.output:
            for attribute in node.attribute:
                if attribute.HasField("t"):
                    shapes[node.output[0]] = tuple(attribute.t.dims)
    return shapes


def trace_origin(name: str, maker: Mapping[str, NodeProto], through: set[str]) -> str:
    """Traces a value back through some operators."""
    seen = {name}
    while (node := maker.get(name)) is not None and node.op_type in through and node.input:
        name = node.input[0]
        if name in seen:
            break  # a damaged file may have a cycle
        seen.add(name)
    return name
