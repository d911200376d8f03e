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
from tests.resnets import narrow, narrow_onnx, reference_onnx

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


@pytest.mark.parametrize("content", [narrow_onnx, lambda: reference_onnx(narrow())])
def test_resnet50_is_read_as_written_and_as_mlperf_has_it(
    content: Callable[[], bytes], tmp_path: Path
) -> None:
    graph = narrow()
    (tmp_path / "m.onnx").write_bytes(content())
    found = list(read_weights(plain(tmp_path / "m.onnx"), graph))
    expected = list(make_untrained(graph))
    assert [layer for layer, _ in found] == [layer for layer, _ in expected]
    for (_, one), (_, other) in zip(found, expected, strict=True):
        np.testing.assert_allclose(one.kernel, other.kernel, rtol=1e-5)
        np.testing.assert_allclose(one.bias, other.bias, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "name", "value", "reason"),
    [
        ("Conv", "pads", [2, 2, 3, 3], r"stem: pads \[2, 2, 3, 3\] where \[3, 3, 3, 3\]"),
        ("Conv", "auto_pad", "SAME_UPPER", r"stem: pads \[2, 2, 3, 3\] where \[3, 3, 3, 3\]"),
        ("MaxPool", "pads", [1, 1, 1, 1], r"max_pool: pads \[1, 1, 1, 1\] where \[0, 0, 1, 1\]"),
        ("MaxPool", "kernel_shape", [2, 2], "max_pool: kernel_shape"),
        ("MaxPool", "ceil_mode", 1, "max_pool: ceil_mode 1 where 0"),
    ],
)
def test_another_resnet_is_refused(kind: str, name: str, value: object, reason: str) -> None:
    model = onnx.load_from_string(narrow_onnx())
    attribute(model, kind, name, value)
    with pytest.raises(MismatchError, match=reason):
        list(read_weights(model, narrow()))


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
