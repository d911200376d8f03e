"""Gemms and matrix products as exporters of all kinds write them, in int8 and as they were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from dse.models import quantise
from dse.models._onnx_products import straighten
from dse.models.onnx_normalise import plain

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

WIDTH = 32
SATURATES = 128  # weights that meet sum to so much at most


def random(*shape: int) -> Floats:
    return np.random.default_rng(len(shape)).standard_normal(shape).astype(np.float32)


def gemm(**factors: Any) -> onnx.NodeProto:
    return helper.make_node("Gemm", ["x", "w", "b"], ["y"], **factors)


def model(*nodes: onnx.NodeProto, **constants: NDArray[Any]) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "products",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", WIDTH])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)


def odd(kind: str) -> onnx.ModelProto:
    square, row = random(WIDTH, WIDTH) / 8, random(WIDTH)
    match kind:
        case "factors":
            return model(gemm(alpha=0.5, beta=2.0, transB=1), w=square, b=row)
        case "nothing of the bias":
            return model(gemm(beta=0.0), w=square, b=row)
        case "one number":
            return model(gemm(transB=1), w=square, b=np.array([0.3], np.float32))
        case "a row":
            return model(gemm(transB=1), w=square, b=row[None])
        case "along both axes":
            nodes = [
                helper.make_node("Gemm", ["x", "w", "b"], ["first"], transB=1),
                helper.make_node("Relu", ["first"], ["active"]),
                helper.make_node("Gemm", ["active", "w", "b"], ["y"]),
            ]
            return model(*nodes, w=square, b=row)
    unpacked = helper.make_node("DequantizeLinear", ["packed", "step"], ["w"])
    step = np.array(np.abs(square).max() / 127, np.float32)
    packed = np.rint(square / step).astype(np.int8)
    return model(unpacked, gemm(transB=1), packed=packed, step=step, b=row)


KINDS = (
    "factors",
    "nothing of the bias",
    "one number",
    "a row",
    "along both axes",
    "weights in 8 bits",
)


def outputs(data: bytes, inputs: list[Floats]) -> Floats:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(None, {"x": one})[0] for one in inputs])


def samples() -> list[Floats]:
    return list(np.random.default_rng(1).standard_normal((32, 1, WIDTH)).astype(np.float32))


def pairs(data: bytes) -> list[int]:
    """The largest sum of two neighbouring weights of each Gemm."""
    graph = onnx.load_from_string(data).graph
    constants = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    made = {node.output[0]: node for node in graph.node if node.op_type == "DequantizeLinear"}
    found = []
    for node in graph.node:
        if node.op_type == "Gemm":
            weights = constants[made[node.input[1]].input[0]].astype(int)
            rows = weights if any(a.name == "transB" and a.i for a in node.attribute) else weights.T
            found.append(int(np.abs(rows.reshape(len(rows), -1, 2).sum(axis=2)).max()))
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_int8_says_what_fp32_says(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(odd(kind).SerializeToString())
    made = quantise.quantise(path, "onnx", samples())
    expected = outputs(path.read_bytes(), samples())
    error = np.abs(outputs(made, samples()) - expected).mean() / expected.std()
    assert error < 0.03
    assert max(pairs(made)) <= SATURATES


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_straightened_computes_the_same(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(odd(kind).SerializeToString())
    found = plain(path)
    straighten(found)
    expected = outputs(path.read_bytes(), samples())
    np.testing.assert_allclose(outputs(found.SerializeToString(), samples()), expected, atol=1e-5)
    assert all(
        one.name != "beta" or one.f == 1 for node in found.graph.node for one in node.attribute
    )


def test_a_usual_model_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    whole = model(gemm(transB=1), w=random(WIDTH, WIDTH), b=random(WIDTH))
    path.write_bytes(whole.SerializeToString())
    found, expected = plain(path), plain(path)
    straighten(found)
    assert found == expected
