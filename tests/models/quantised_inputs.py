"""Image classifiers as ONNX whose input is an integer."""

from __future__ import annotations

import numpy as np

from tests.small_models import CLASSES, SIDE


def quantised_onnx(
    dtype: str = "uint8",
    quantisation: tuple[float, int] | None = (1 / 128, 128),
    *,
    raw: bool = True,
    side: int = SIDE,
) -> bytes:
    """The mean of each channel and a dense layer: (batch, 3, side, side) to (batch, 10) logits.

    Args:
        dtype: of the input.
        quantisation: scale and zero point that bring it to floating point; None for a cast.
        raw: whether constants are stored as bytes, or as numbers.
        side: pixels on a side.
    """
    from onnx import TensorProto, checker, helper, numpy_helper

    kind = getattr(TensorProto, dtype.upper())
    scale, zero = quantisation or (1.0, 0)
    weights = np.random.default_rng(5).standard_normal((3, CLASSES)).astype(np.float32)
    constants = [numpy_helper.from_array(weights, "weights")]
    if raw:
        constants.append(numpy_helper.from_array(np.array(scale, np.float32), "scale"))
        constants.append(numpy_helper.from_array(np.array(zero, dtype), "zero"))
    else:
        constants.append(helper.make_tensor("scale", TensorProto.FLOAT, [], [scale]))
        constants.append(helper.make_tensor("zero", kind, [], [zero]))
    first = helper.make_node("DequantizeLinear", ["input", "scale", "zero"], ["images"])
    if quantisation is None:
        first = helper.make_node("Cast", ["input"], ["images"], to=TensorProto.FLOAT)
        constants = constants[:1]
    nodes = [
        first,
        helper.make_node("GlobalAveragePool", ["images"], ["means"]),
        helper.make_node("Flatten", ["means"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("input", kind, ["batch", 3, side, side])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", CLASSES])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())
