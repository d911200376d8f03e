"""ResNet50 cut down to two megabytes, as this project writes it and as MLPerf's reference is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dse.tasks.image_classification.models._architectures import resnet50_v1_5
from dse.tasks.image_classification.models._onnx_writer import onnx_bytes
from dse.tasks.image_classification.models._tflite_writer import tflite_bytes
from dse.tasks.image_classification.models._weights import make_untrained
from dse.tasks.image_classification.models.graph import Add, Conv, Dense, GlobalPool, MaxPool

if TYPE_CHECKING:
    from onnx import NodeProto

    from dse.tasks.image_classification.models._weights import Weights
    from dse.tasks.image_classification.models.graph import Graph, GraphLayer

SIDE, CLASSES = 32, 10
_EPSILON = 1e-5


def narrow(side: int = SIDE, classes: int = CLASSES) -> Graph:
    """All layers, with an eighth of the channels."""
    return resnet50_v1_5("narrow", 0.125, side, classes)


def narrow_onnx() -> bytes:
    return onnx_bytes(narrow())


def narrow_tflite() -> bytes:
    return tflite_bytes(narrow())


def reference_onnx(graph: Graph) -> bytes:
    """A network with untrained weights in the form of MLPerf's reference file.

    That is tf2onnx's: opset 11, batch normalisation beside convolutions without a bias, the mean of
    all pixels by ReduceMean, a matrix product and a sum for the last layer, and two outputs, of
    which the first is the number of the greatest score.
    """
    from onnx import TensorProto, helper, numpy_helper

    own = {layer.name: weights for layer, weights in make_untrained(graph)}
    nodes: list[NodeProto] = []
    constants: dict[str, Any] = {}
    for layer in graph.layers:
        nodes += _nodes(layer, own.get(layer.name), constants)
    scores = graph.output.name
    nodes.append(helper.make_node("ArgMax", [scores], ["ArgMax:0"], axis=1, keepdims=0))
    nodes.append(helper.make_node("Softmax", [scores], ["softmax_tensor:0"], axis=1))
    side, classes = graph.input.size, graph.output.channels
    described = helper.make_graph(
        nodes,
        "tf2onnx",
        [
            helper.make_tensor_value_info(
                graph.input.name, TensorProto.FLOAT, ["unk__1", 3, side, side]
            )
        ],
        [
            helper.make_tensor_value_info("ArgMax:0", TensorProto.INT64, ["unk__2"]),
            helper.make_tensor_value_info(
                "softmax_tensor:0", TensorProto.FLOAT, ["unk__3", classes]
            ),
        ],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(described, opset_imports=[helper.make_opsetid("", 11)], ir_version=6)
    return bytes(model.SerializeToString())


def _nodes(
    layer: GraphLayer, weights: Weights | None, constants: dict[str, Any]
) -> list[NodeProto]:
    """The operators of a layer; adds its constants."""
    from onnx import helper

    source, output = layer.source.name, layer.output.name
    if isinstance(layer, Conv) and weights is not None:
        return _conv(layer, weights, constants)
    if isinstance(layer, Add):
        return [
            helper.make_node("Add", [source, layer.other.name], [f"{output}/sum"]),
            helper.make_node("Relu", [f"{output}/sum"], [output]),
        ]
    if isinstance(layer, MaxPool):
        sizes: dict[str, Any] = {
            "kernel_shape": [layer.kernel] * 2,
            "strides": [layer.stride] * 2,
        }
        return [helper.make_node("MaxPool", [source], [output], auto_pad="SAME_UPPER", **sizes)]
    if isinstance(layer, GlobalPool):
        return [helper.make_node("ReduceMean", [source], [output], axes=[2, 3], keepdims=1)]
    assert isinstance(layer, Dense)
    assert weights is not None
    constants |= {"matrix": weights.kernel[:, :, 0, 0].T.copy(), "offsets": weights.bias}
    return [
        helper.make_node("Squeeze", [source], ["flat"], axes=[2, 3]),
        helper.make_node("MatMul", ["flat", "matrix"], ["product"]),
        helper.make_node("Add", ["product", "offsets"], [output]),
    ]


def _conv(layer: Conv, weights: Weights, constants: dict[str, Any]) -> list[NodeProto]:
    """A convolution of twice the weights, halved again by the normalisation."""
    from onnx import helper

    name, output = layer.name, layer.output.name
    ones = np.ones_like(weights.bias)
    constants |= {
        f"{name}/kernel": 2 * weights.kernel,
        f"{name}/gamma": ones / 2,
        f"{name}/beta": weights.bias + np.float32(0.05),
        f"{name}/mean": ones / 10,
        f"{name}/variance": ones - np.float32(_EPSILON),
    }
    before, after = layer.padding
    linear = output if layer.activation == "none" else f"{output}/normalised"
    parts = [f"{name}/{part}" for part in ("gamma", "beta", "mean", "variance")]
    nodes = [
        helper.make_node(
            "Conv",
            [layer.source.name, f"{name}/kernel"],
            [f"{output}/product"],
            kernel_shape=[layer.kernel] * 2,
            strides=[layer.stride] * 2,
            pads=[before, before, after, after],
        ),
        helper.make_node(
            "BatchNormalization", [f"{output}/product", *parts], [linear], epsilon=_EPSILON
        ),
    ]
    if linear != output:
        nodes.append(helper.make_node("Relu", [linear], [output]))
    return nodes
