"""The knob that keeps products of 8-bit integers from saturating, on a file that makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from dse.core.backend import LoadRequest, Runtime, Scores
from dse.core.configuration import Configuration
from dse.core.registry import backend

if TYPE_CHECKING:
    from pathlib import Path

CHANNELS = 8


@pytest.fixture
def saturating(tmp_path: Path) -> Path:
    """A 1 x 1 convolution whose weights are all 127: two of its products take 17 bits."""
    from onnx import TensorProto, helper, numpy_helper, save

    scalars = {"x_scale": 1 / 255, "y_scale": CHANNELS / 255}
    constants = [
        numpy_helper.from_array(np.full((4, CHANNELS, 1, 1), 127, np.int8), "w"),
        numpy_helper.from_array(np.full(4, 1 / 127, np.float32), "w_scale"),
        numpy_helper.from_array(np.zeros(4, np.int8), "w_zero"),
        numpy_helper.from_array(np.array(0, np.uint8), "zero"),
        *(numpy_helper.from_array(np.array(v, np.float32), k) for k, v in scalars.items()),
    ]
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "x_scale", "zero"], ["x_q"]),
        helper.make_node("DequantizeLinear", ["x_q", "x_scale", "zero"], ["x_d"]),
        helper.make_node("DequantizeLinear", ["w", "w_scale", "w_zero"], ["w_d"], axis=0),
        helper.make_node("Conv", ["x_d", "w_d"], ["y_f"], kernel_shape=[1, 1]),
        helper.make_node("QuantizeLinear", ["y_f", "y_scale", "zero"], ["y_q"]),
        helper.make_node("DequantizeLinear", ["y_q", "y_scale", "zero"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "saturating",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", CHANNELS, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 4, 8, 8])],
        constants,
    )
    path = tmp_path / "saturating.onnx"
    save(helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 15)]), path)
    return path


def loaded(name: str, file: Path, *, exact: bool) -> Any:
    runtime = backend(name)
    assert isinstance(runtime, Runtime)
    configuration = Configuration("m", "int8", name, 1, 1, (("exact_int8", exact),))
    return runtime.load(LoadRequest(configuration, file, {}, scores=Scores()))


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
def test_the_product_is_exact_on_every_cpu(name: str, saturating: Path) -> None:
    model = loaded(name, saturating, exact=True)
    scores = model.predict(model.bind(np.ones((1, CHANNELS, 8, 8), np.float32)))
    assert scores.shape == (1, 4, 8, 8)
    np.testing.assert_allclose(scores.astype(np.float64), CHANNELS, rtol=0.01)
    model.close()


def test_onnxruntime_is_told(saturating: Path) -> None:
    """Where products can't saturate, nothing else shows what the knob does."""
    exact, usual = (loaded("onnxruntime", saturating, exact=each) for each in (True, False))
    option = "session.x64quantprecision"
    assert exact._session.get_session_options().get_session_config_entry(option) == "1"
    with pytest.raises(RuntimeError, match=option):
        usual._session.get_session_options().get_session_config_entry(option)


def test_openvino_multiplies_in_float32(saturating: Path) -> None:
    found = {}
    for exact in (True, False):
        request = loaded("openvino", saturating, exact=exact)._streams[0]._request
        (convolution,) = (
            operator.get_rt_info()
            for operator in request.get_compiled_model().get_runtime_model().get_ops()
            if operator.get_rt_info()["layerType"].value == "Convolution"
        )
        found[exact] = convolution["runtimePrecision"].value
    assert found[True] == "f32"
    assert found[False] in ("u8", "i8")
