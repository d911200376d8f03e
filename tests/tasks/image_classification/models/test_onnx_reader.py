"""Weights come back from an ONNX file as they went in, or the file is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from dse.models.onnx_normalise import plain
from dse.tasks.image_classification.models._onnx_reader import MismatchError, read_weights
from dse.tasks.image_classification.models._onnx_writer import onnx_bytes
from dse.tasks.image_classification.models._weights import make_untrained
from dse.tasks.image_classification.models.catalogue import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from onnx import ModelProto, NodeProto

SMALLEST = "mobilenet-v1-0.25-128"


def written(name: str) -> ModelProto:
    return onnx.load_from_string(onnx_bytes(CATALOGUE[name].graph()))


@pytest.mark.parametrize("optimised", [False, True])
@pytest.mark.parametrize(
    "name",
    [
        SMALLEST,
        "mobilenet-v2-0.35-128",
        "mobilenet-v3-small",
        "mobilenet-v3-small-minimalistic",
        "efficientnet-lite0",
    ],
)
def test_what_was_written_is_read(name: str, optimised: bool, tmp_path: Path) -> None:
    graph, model = CATALOGUE[name].graph(), written(name)
    if optimised:
        onnx.save(model, tmp_path / "m.onnx")
        model = plain(tmp_path / "m.onnx")
    found, expected = list(read_weights(model, graph)), list(make_untrained(graph))
    assert [layer for layer, _ in found] == [layer for layer, _ in expected]
    for (_, one), (_, other) in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one.kernel, other.kernel)
        np.testing.assert_array_equal(one.bias, other.bias)


@pytest.mark.parametrize(
    ("file", "name", "reason"),
    [
        (SMALLEST, "mobilenet-v1-0.25-160", r"its input is \[3, 128, 128\] where \[3, 160, 160\]"),
        (SMALLEST, "mobilenet-v1-0.5-128", r"stem: weights \(8, 3, 3, 3\) where \(16, 3, 3, 3\)"),
        ("mobilenet-v3-small", "mobilenet-v3-small-minimalistic", "stem: HardSigmoid and Mul"),
        ("mobilenet-v3-small-minimalistic", "mobilenet-v3-small", "stem: Relu where HardSi"),
        ("mobilenet-v2-1.0-224", "efficientnet-lite0", "block|head|stem"),
    ],
)
def test_another_architecture_is_refused(file: str, name: str, reason: str) -> None:
    with pytest.raises(MismatchError, match=reason):
        list(read_weights(written(file), CATALOGUE[name].graph()))


def node(model: ModelProto, kind: str) -> NodeProto:
    found: NodeProto = next(one for one in model.graph.node if one.op_type == kind)
    return found


def attribute(model: ModelProto, kind: str, name: str, value: object) -> None:
    changed = node(model, kind)
    kept = [one for one in changed.attribute if one.name != name]
    del changed.attribute[:]
    changed.attribute.extend([*kept, onnx.helper.make_attribute(name, value)])


def constant(model: ModelProto, name: str, value: float) -> None:
    for tensor in model.graph.initializer:
        if tensor.name == name:
            array = np.full(tensor.dims, value, np.float32)
            tensor.CopyFrom(numpy_helper.from_array(array, name))


def swap_output(model: ModelProto) -> None:
    last = model.graph.node[-1]
    model.graph.node.append(onnx.helper.make_node("Neg", [last.output[0]], ["negated"]))
    model.graph.output[0].name = "negated"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda m: attribute(m, "Conv", "pads", [1] * 4), r"stem: pads \[1, 1, 1, 1\] where"),
        (lambda m: attribute(m, "Conv", "strides", [1, 1]), r"stem: strides \[1, 1\] where"),
        (lambda m: attribute(m, "Conv", "dilations", [2, 2]), "stem: dilations"),
        (lambda m: attribute(m, "Gemm", "alpha", 0.5), "classifier: a Gemm with factors"),
        (lambda m: constant(m, "six", 4.0), "stem: a Clip to other bounds"),
        (
            lambda m: constant(m, "stem/kernel", float("nan")),
            "stem: a weight is not a finite number",
        ),
        (swap_output, "the file goes on after classifier"),
    ],
)
def test_any_difference_is_refused(change: Callable[[ModelProto], None], reason: str) -> None:
    model, graph = written(SMALLEST), CATALOGUE[SMALLEST].graph()
    change(model)
    with pytest.raises(MismatchError, match=reason):
        list(read_weights(model, graph))
