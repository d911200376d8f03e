"""Values of small inputs that follow from the shapes in an ONNX file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from dse.core.signature import Input
from dse.formats._implied_values import values_by_input
from dse.formats.dimensions import Choices, resolve_inputs
from dse.formats.reading import describe
from tests.any_models import value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from onnx import GraphProto, NodeProto

Shape = tuple[int | str, ...]


def graph(
    nodes: Sequence[NodeProto], data: Shape, count: int, outputs: Mapping[str, Shape]
) -> GraphProto:
    """A graph that takes `data` and the whole numbers `x`."""
    return helper.make_graph(
        nodes,
        "g",
        [value("data", data), value("x", (count,), "INT64")],
        [value(name, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(np.array([2], np.int64), "two")],
    )


@pytest.mark.parametrize(
    ("kind", "data", "outputs", "values", "attributes"),
    [
        ("Reshape", (2, 6), {"out": (3, 4)}, (3, 4), {}),
        ("Reshape", (2, 6), {"out": ("n", "m", 2)}, (1, -1, 2), {}),
        ("Reshape", (0, 3), {"out": (3, 0)}, (3, 0), {"allowzero": 1}),
        ("Expand", (3, 1), {"out": (2, 3, 4)}, (2, 3, 4), {}),
        ("Split", (6, 2), {"a": (2, 2), "b": (4, 2)}, (2, 4), {}),
        ("Split", (2, 7), {"a": (2, "n"), "b": (2, "m"), "c": (2, "k")}, (3, 2, 2), {"axis": 1}),
        ("Split", (0, 2), {"a": (0, 2), "b": (0, 2)}, (0, 0), {}),
        ("TopK", (3, 4), {"a": (3, 2), "b": (3, 2)}, (2,), {}),
        ("TopK", (3, 4), {"a": (1, 4), "b": (1, 4)}, (1,), {"axis": 0}),
        ("Tile", (2, 3), {"out": (4, 9)}, (2, 3), {}),
        ("Pad", (2, 3), {"out": (2, 5)}, (0, 0, 0, 2), {"mode": "reflect"}),
        ("CenterCropPad", (9, 8), {"out": (3, 4)}, (3, 4), {}),
    ],
)
def test_values_with_which_the_operator_gives_what_the_file_says(
    kind: str,
    data: Shape,
    outputs: dict[str, Shape],
    values: tuple[int, ...],
    attributes: dict[str, Any],
) -> None:
    made = graph(
        [helper.make_node(kind, ["data", "x"], [*outputs], **attributes)],
        data,
        len(values),
        outputs,
    )
    assert values_by_input(made) == {"x": values}
    # What ONNX's own reference makes of them has the sizes of the file.
    reference = ReferenceEvaluator(helper.make_model(made))
    given = np.zeros([*map(int, data)], np.float32)
    found: Any = reference.run(None, {"data": given, "x": np.array(values, np.int64)})
    for array, shape in zip(found, outputs.values(), strict=True):
        assert len(array.shape) == len(shape)
        assert all(isinstance(a, str) or a == b for a, b in zip(shape, array.shape, strict=True))


@pytest.mark.parametrize(
    ("nodes", "outputs"),
    [
        # A number of it is changed, or one of the shapes is open.
        (
            [
                helper.make_node("Mul", ["x", "two"], ["k"]),
                helper.make_node("Expand", ["data", "k"], ["out"]),
            ],
            {"out": (4, 4)},
        ),
        ([helper.make_node("Expand", ["data", "x"], ["out"])], {"out": ("n", 4)}),
        # Two operators ask for different values.
        (
            [helper.make_node("Expand", ["data", "x"], [name]) for name in ("out", "other")],
            {"out": (2, 2), "other": (4, 4)},
        ),
        # Not as many values as there are axes.
        ([helper.make_node("Expand", ["data", "x"], ["out"])], {"out": (4, 4, 4)}),
        ([helper.make_node("Expand", ["data", "x"], [])], {}),
        ([helper.make_node("Pad", ["data", "x", "", "two"], ["out"])], {"out": (4, 4)}),
    ],
)
def test_no_values_where_none_follow(nodes: list[NodeProto], outputs: dict[str, Shape]) -> None:
    assert values_by_input(graph(nodes, (1, 1), 2, outputs)) == {}


def test_a_cast_keeps_them() -> None:
    nodes = [
        helper.make_node("Cast", ["x"], ["wide"], to=TensorProto.INT64),
        helper.make_node("Reshape", ["data", "wide"], ["out"]),
    ]
    assert values_by_input(graph(nodes, (6,), 2, {"out": (2, 3)})) == {"x": (2, 3)}


def test_they_are_made_up_until_somebody_chooses(tmp_path: Path) -> None:
    path = tmp_path / "reshaping.onnx"
    nodes = [helper.make_node("Reshape", ["data", "x"], ["out"])]
    made = helper.make_model(graph(nodes, (2, 6), 2, {"out": (3, 4)}))
    path.write_bytes(made.SerializeToString())
    declared = describe(path).inputs
    found = resolve_inputs(declared, Choices({}))
    assert found.signature.inputs[1] == Input("x", "int64", (2,), "values", 0, (3, 4))
    assert (found.deciding, found.made_up) == (("x",), ("x (--input x=VALUE)",))
    assert not found.given
    chosen = resolve_inputs(declared, Choices({}, None, {"x": "6,-1"}))
    assert list(chosen.signature.inputs[1].values) == [6, -1]
    assert chosen.deciding == ("x",)
    assert not chosen.made_up
    assert chosen.given == {"x"}
