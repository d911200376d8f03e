"""Foreign ONNX files: what becomes of them, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from dse.models.onnx_normalise import input_name, plain
from tests import small_models

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SIDE, CLASSES = 8, 10


def foreign(opset: int, ir_version: int, *, mean: bool) -> onnx.ModelProto:
    """A model as exporters leave it: padding and batch normalisation stand by themselves.

    Args:
        opset: of the file.
        ir_version: below 4 all constants are listed among the inputs.
        mean: pools by ReduceMean, whose axes moved in opset 18.
    """
    random = np.random.default_rng(0)
    constants: dict[str, NDArray[Any]] = {
        "kernel": random.standard_normal((4, 3, 3, 3)).astype(np.float32),
        "dense": random.standard_normal((CLASSES, 4)).astype(np.float32),
        "bias": random.standard_normal(CLASSES).astype(np.float32),
    }
    normal = ("scale", "shift", "centre", "spread")
    constants |= {one: random.uniform(0.5, 2, 4).astype(np.float32) for one in normal}
    pads = [0, 0, 0, 0, 0, 0, 1, 1]
    late = opset >= 11
    if late:
        constants |= {"pads": np.array(pads), "low": np.array(0, "f4"), "high": np.array(6, "f4")}
    nodes = [
        helper.make_node("Pad", ["image", "pads"], ["padded"])
        if late
        else helper.make_node("Pad", ["image"], ["padded"], pads=pads),
        helper.make_node("Conv", ["padded", "kernel"], ["linear"], strides=[2, 2]),
        helper.make_node("BatchNormalization", ["linear", *normal], ["normal"]),
        helper.make_node("Clip", ["normal", "low", "high"], ["active"])
        if late
        else helper.make_node("Clip", ["normal"], ["active"], min=0.0, max=6.0),
    ]
    if not mean:
        nodes.append(helper.make_node("GlobalAveragePool", ["active"], ["pixel"]))
        nodes.append(helper.make_node("Flatten", ["pixel"], ["flat"]))
    elif opset >= 18:
        constants["axes"] = np.array([2, 3])
        nodes.append(helper.make_node("ReduceMean", ["active", "axes"], ["flat"], keepdims=0))
    else:
        nodes.append(helper.make_node("ReduceMean", ["active"], ["flat"], axes=[2, 3], keepdims=0))
    nodes.append(helper.make_node("Gemm", ["flat", "dense", "bias"], ["scores"], transB=1))
    inputs = [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, SIDE, SIDE])]
    tensors = [numpy_helper.from_array(v, name) for name, v in constants.items()]
    if ir_version < 4:
        inputs += [helper.make_tensor_value_info(t.name, t.data_type, t.dims) for t in tensors]
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", CLASSES])
    graph = helper.make_graph(nodes, "foreign", inputs, [scores], tensors)
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir_version
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def written(path: Path, model: onnx.ModelProto) -> Path:
    path.write_bytes(model.SerializeToString())
    return path


def scores(model: onnx.ModelProto) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    images = np.random.default_rng(1).standard_normal((2, 3, SIDE, SIDE)).astype(np.float32)
    (answer,) = session.run(None, {"image": images})
    return np.asarray(answer)


@pytest.mark.parametrize("mean", [False, True])
@pytest.mark.parametrize(
    ("opset", "ir_version"), [(7, 3), (9, 3), (11, 6), (13, 7), (15, 8), (17, 8), (18, 8), (21, 10)]
)
def test_every_opset_becomes_one(opset: int, ir_version: int, mean: bool, tmp_path: Path) -> None:
    model = foreign(opset, ir_version, mean=mean)
    found = plain(written(tmp_path / "m.onnx", model))
    onnx.checker.check_model(found, full_check=True)
    assert [(one.domain, one.version) for one in found.opset_import] == [("", 15)]
    assert found.ir_version == 8
    pooled = ["ReduceMean"] if mean else ["GlobalAveragePool", "Flatten"]
    assert [node.op_type for node in found.graph.node] == ["Conv", "Clip", *pooled, "Gemm"]
    assert input_name(found) == "image"
    assert len(found.graph.input) == 1
    np.testing.assert_allclose(scores(found), scores(model), atol=1e-5)


def broken(kind: str) -> onnx.ModelProto:
    model = foreign(15, 8, mean=False)
    match kind:
        case "uint8":
            model.graph.input[0].type.tensor_type.elem_type = TensorProto.UINT8
        case "two":
            return onnx.load_from_string(small_models.onnx_bytes(inputs=2))
        case "elsewhere":
            weights = model.graph.initializer[0]
            weights.data_location = TensorProto.EXTERNAL
            weights.external_data.add(key="location", value="../../etc/passwd")
        case "domain":
            model.graph.node[0].domain = "com.example"
    return model


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("uint8", "its input is uint8, not float32"),
        ("two", "it has 2 inputs, not one"),
        ("elsewhere", "the data of 'kernel' lies outside the model's folder: '../../etc/passwd'"),
        ("domain", "it has the operator com.example.Pad"),
    ],
)
def test_what_is_no_plain_classifier_is_refused(kind: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as caught:
        plain(written(tmp_path / "m.onnx", broken(kind)))
    assert caught.value.code == reason
