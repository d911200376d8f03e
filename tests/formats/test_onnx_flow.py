"""Inputs of ONNX models that decide how much is computed, or what is picked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from dse.core.errors import RequestError
from dse.formats._onnx_flow import ONNX_RULES, roles_by_input
from dse.formats.reading import describe
from tests.any_models import value

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from onnx import GraphProto, ModelProto, NodeProto

    from tests.any_models import Constants

CONSTANTS: Constants = {
    "table": np.ones((9, 2), np.float32),
    "shape": np.array([2, 3], np.int64),
    "zero": np.array(0, np.int64),
    "one": np.array([1], np.int64),
    "yes": np.array(1, bool),
    "half": np.array(0.5, np.float32),
}


def graph(nodes: Sequence[NodeProto], *inputs: str, outputs: Sequence[str] = ()) -> GraphProto:
    """A graph whose inputs are whole numbers; types don't matter here."""
    return helper.make_graph(
        nodes,
        "g",
        [value(name, ("n",), "INT64") for name in inputs],
        [value(name, ("m",), "INT64") for name in outputs],
        [onnx.numpy_helper.from_array(array, name) for name, array in CONSTANTS.items()],
    )


def found(*nodes: NodeProto, functions: Sequence[Any] = ()) -> dict[str, str]:
    """The roles of `x`, `y` and `data`."""
    model = helper.make_model(graph(nodes, "x", "y", "data"), functions=functions)
    return dict(roles_by_input(model))


def node(kind: str, inputs: str, outputs: str = "out", **attributes: Any) -> NodeProto:
    """An operator; an input that is left out is written as a dash."""
    names = ["" if name == "-" else name for name in inputs.split()]
    return helper.make_node(kind, names, outputs.split(), **attributes)


@pytest.mark.parametrize(
    ("kind", "inputs", "role"),
    [
        ("Reshape", "data x", "size"),
        ("Expand", "data x", "size"),
        ("Resize", "data - x", "size"),
        ("Resize", "data - - x", "size"),
        ("Resize", "data x", "size"),
        ("Upsample", "data x", "size"),
        ("TopK", "data x", "size"),
        ("Slice", "data x shape", "index"),
        ("Slice", "data zero x", "size"),
        ("Slice", "data zero one x", "axes"),
        ("Slice", "data zero one zero x", "size"),
        ("Range", "x one one", "index"),
        ("Range", "zero x one", "size"),
        ("Range", "zero one x", "size"),
        ("ConstantOfShape", "x", "size"),
        ("Compress", "data x", "size"),
        ("ReduceSum", "data x", "axes"),
        ("ReduceL2", "data x", "axes"),
        ("Pad", "data x", "size"),
        ("Pad", "data shape - x", "axes"),
        ("Tile", "data x", "size"),
        ("Split", "data x", "size"),
        ("OneHot", "data x shape", "size"),
        ("NonMaxSuppression", "data data x", "size"),
        ("NonMaxSuppression", "data data one x", "index"),
        ("Squeeze", "data x", "axes"),
        ("Unsqueeze", "data x", "axes"),
        ("CumSum", "data x", "axes"),
        ("Trilu", "data x", "index"),
        ("LSTM", "data table table - x", "size"),
        ("Gather", "data x", "pick"),
        ("GatherElements", "data x", "pick"),
        ("ScatterND", "data x data", "pick"),
        ("Div", "data x", "divisor"),
        ("Mod", "data x", "divisor"),
    ],
)
def test_slots_that_decide(kind: str, inputs: str, role: str) -> None:
    assert found(node(kind, inputs)) == {"x": role}


@pytest.mark.parametrize(
    "nodes",
    [
        [node("Reshape", "x shape")],
        [node("Expand", "x shape")],
        [node("Resize", "data x half")],  # the region of interest, which changes no size
        [node("Gather", "table x")],  # an embedding: ids are as good as any
        [node("Add", "x y")],
        [node("Shape", "x", "size"), node("Expand", "data size")],
        [node("Conv", "x table", "a"), node("Cast", "a", "b", to=7), node("Expand", "data b")],
        [node("Add", "table table", "t"), node("Gather", "t x")],
    ],
)
def test_plain_data_decides_nothing(nodes: list[NodeProto]) -> None:
    assert found(*nodes) == {}


@pytest.mark.parametrize(
    ("through", "role"),
    [
        ([node("Cast", "x", "k", to=TensorProto.INT64)], "size"),
        ([node("Unsqueeze", "x zero", "k")], "size"),
        ([node("Concat", "one x", "k", axis=0)], "size"),
        ([node("Slice", "x zero one", "k")], "size"),
        ([node("Gather", "x zero", "k")], "size"),
        ([node("Mul", "one x", "a"), node("Add", "a one", "b"), node("Max", "b one", "k")], "size"),
        ([node("Where", "yes x one", "k")], "size"),
        ([node("ReduceMax", "x", "a"), node("Identity", "a", "k")], "size"),
        ([node("Split", "x", "a k")], "size"),
        ([node("Equal", "x one", "a"), node("Where", "a one zero", "k")], "size"),
    ],
)
def test_operators_that_keep_or_compute_with_the_numbers(
    through: list[NodeProto], role: str
) -> None:
    assert found(*through, node("ConstantOfShape", "k")) == {"x": role}


def test_a_beginning_counted_from_the_end_is_an_amount() -> None:
    """``data[-n:]`` is how language models keep the last logits: 0 would keep them all."""
    last = [node("Neg", "x", "start"), node("Slice", "data start shape")]
    assert found(*last) == {"x": "size"}
    last = [node("Sub", "y x", "start"), node("Slice", "data start shape")]
    assert found(*last) == {"x": "size", "y": "index"}


def test_a_divisor_is_an_amount() -> None:
    assert found(node("Div", "one x", "start"), node("Slice", "data start shape")) == {"x": "size"}


def test_what_is_divided_by_is_traced_through_numbers_alone() -> None:
    assert found(node("Mul", "x one", "k"), node("Div", "data k")) == {"x": "divisor"}
    assert found(node("Div", "one x", "k"), node("Div", "data k")) == {"x": "divisor"}
    chosen = [node("Equal", "x one", "k"), node("Where", "k y one", "by"), node("Mod", "data by")]
    assert found(*chosen) == {"y": "divisor"}
    assert found(node("Div", "one x", "k"), node("Tile", "data k"), node("Div", "data x")) == {
        "x": "size"
    }


def test_an_amount_counts_first() -> None:
    assert found(node("Gather", "data x", "a"), node("TopK", "a x", "b c")) == {"x": "size"}


def test_conditions_and_loops() -> None:
    branch = graph([node("Expand", "data y", "inner")], outputs=["inner"])
    other = graph([node("Identity", "data", "inner")], outputs=["inner"])
    choice = node("If", "x", then_branch=branch, else_branch=other)
    assert found(choice) == {"x": "branch", "y": "size"}

    body = graph(
        [node("Identity", "go", "on"), node("Tile", "state y", "next")],
        *("turn", "go", "state"),
        outputs=["on", "next"],
    )
    loop = node("Loop", "x yes data", body=body)
    assert found(loop) == {"x": "size", "y": "size"}
    # What a loop begins with comes out of it where there is no turn.
    carried = node("Loop", "one yes x", "last", body=body)
    assert found(carried, node("ConstantOfShape", "last")) == {"x": "size", "y": "size"}


def test_a_condition_computed_in_a_loop() -> None:
    body = graph(
        [node("Less", "turn y", "on"), node("Identity", "state", "next")],
        *("turn", "go", "state"),
        outputs=["on", "next"],
    )
    loop = node("Loop", "- yes data", body=body)
    assert found(loop) == {"y": "size"}


def test_functions_of_the_model() -> None:
    opsets = [helper.make_opsetid("", 18)]
    resized = helper.make_function(
        "own", "Resized", ["a", "b"], ["c"], [node("Reshape", "a b", "c")], opsets
    )
    twice = helper.make_function("own", "Twice", ["a"], ["c"], [node("Add", "a a", "c")], opsets)
    call = node("Resized", "data x", domain="own")
    assert found(call, functions=[resized, twice]) == {"x": "size"}
    calls = [node("Twice", "x", "k", domain="own"), node("Resized", "data k", domain="own")]
    assert found(*calls, functions=[resized, twice]) == {"x": "size"}


def test_graphs_without_end_are_refused(tmp_path: Path) -> None:
    opsets = [helper.make_opsetid("", 18)]
    endless = helper.make_function(
        "own", "Endless", ["a"], ["c"], [node("Endless", "a", "c", domain="own")], opsets
    )
    doubling = [
        helper.make_function(
            *("own", f"F{n}", ["a"], ["c"]),
            [node(f"F{n + 1}", "a", f"b{k}", domain="own") for k in range(9)],
            opsets,
        )
        for n in range(20)
    ]
    for functions, first in (([endless], "Endless"), (doubling, "F0")):
        model = helper.make_model(graph([node(first, "x", domain="own")], "x"), functions=functions)
        path = tmp_path / "deep.onnx"
        path.write_bytes(model.SerializeToString())
        with pytest.raises(RequestError, match="nested too deep"):
            describe(path)


def test_a_circle_ends() -> None:
    circle = [node("Cast", "b", "a", to=7), node("Add", "a x", "b"), node("Expand", "data a")]
    assert found(*circle) == {"x": "size"}


def test_every_operator_named_is_one_of_onnx() -> None:
    own = {schema.name for schema in onnx.defs.get_all_schemas_with_history()}
    of_onnx_runtime = {
        *("BeamSearch", "GreedySearch", "GroupQueryAttention", "CropAndResize", "ExpandDims"),
        "ResizeByScales",  # Resize before version 11
    }
    named = {
        *ONNX_RULES.slots,
        *ONNX_RULES.through,
        *ONNX_RULES.counted,
        *ONNX_RULES.divisors,
        *ONNX_RULES.compared,
    }
    assert named - own == of_onnx_runtime


def described(tmp_path: Path, model: ModelProto) -> dict[str, tuple[str | None, int | None]]:
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    return {one.name: (one.role, one.rows) for one in describe(path).inputs}


def test_a_file_says_what_its_inputs_decide(tmp_path: Path) -> None:
    made = graph([node("Tile", "data x", "a"), node("Gather", "table y")], "x", "y", "data")
    roles = described(tmp_path, helper.make_model(made))
    assert roles == {"x": ("size", None), "y": (None, 9), "data": (None, None)}
