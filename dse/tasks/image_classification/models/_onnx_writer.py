"""Writes a graph with its weights as an ONNX file.

All supported runtimes, old ones included, read opset 15 and IR version 8. The input is ``input``,
float32, (batch, 3, resolution, resolution); the output is ``logits``, float32, (batch, classes);
the batch size is left open. No operator computes a shape.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.models.onnx_normalise import IR_VERSION, OPSET
from dse.tasks.image_classification.models._weights import make_untrained
from dse.tasks.image_classification.models.graph import Add, Conv, Dense, GlobalPool, MaxPool, Scale

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from onnx import NodeProto, TensorProto

    from dse.tasks.image_classification.models.graph import Activation, Graph, GraphLayer


PRODUCER = "mlperf-dse"


def onnx_bytes(graph: Graph) -> bytes:
    """The file of a graph with untrained weights.

    The same graph gives the same bytes, in any process.

    Raises:
        ImportError: onnx is not installed.
    """
    from onnx import TensorProto, helper

    tensors = [_tensor("zero", _scalar(0)), _tensor("six", _scalar(6))]
    for layer, weights in make_untrained(graph):
        shape = layer.weight_shape if isinstance(layer, Conv) else layer.weight_shape[:2]
        tensors.append(_tensor(f"{layer.name}/kernel", weights.kernel.reshape(shape)))
        tensors.append(_tensor(f"{layer.name}/bias", weights.bias))
    size = graph.input.size
    model = helper.make_model(
        helper.make_graph(
            [node for layer in graph.layers for node in _nodes(layer)],
            graph.name,
            [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["batch", 3, size, size])],
            [
                helper.make_tensor_value_info(
                    "logits", TensorProto.FLOAT, ["batch", graph.output.channels]
                )
            ],
            tensors,
        ),
        ir_version=IR_VERSION,
        opset_imports=[helper.make_opsetid("", OPSET)],
        producer_name=PRODUCER,
    )
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def _scalar(value: float) -> NDArray[np.float32]:
    import numpy as np

    return np.array(value, dtype=np.float32)


def _tensor(name: str, array: NDArray[np.float32]) -> TensorProto:
    from onnx import TensorProto, helper

    data = array.astype("<f4", copy=False).tobytes()
    return helper.make_tensor(name, TensorProto.FLOAT, array.shape, data, raw=True)


def _nodes(layer: GraphLayer) -> list[NodeProto]:
    """The operators of one layer."""
    from onnx import helper

    output = layer.output.name
    match layer:
        case Conv():
            return _conv(layer)
        case Add():
            total = output if layer.activation == "none" else f"{output}/linear"
            names = [layer.source.name, layer.other.name]
            node = helper.make_node("Add", names, [total], name=layer.name)
            return [node, *_activation(layer.activation, total, output)]
        case MaxPool():
            before, after = layer.padding
            node = helper.make_node(
                "MaxPool",
                [layer.source.name],
                [output],
                name=layer.name,
                kernel_shape=[layer.kernel] * 2,
                strides=[layer.stride] * 2,
                pads=[before, before, after, after],
            )
            return [node]
        case GlobalPool():
            names = [layer.source.name]
            return [helper.make_node("GlobalAveragePool", names, [output], name=layer.name)]
        case Scale():
            names = [layer.source.name, layer.gate.name]
            return [helper.make_node("Mul", names, [output], name=layer.name)]
        case Dense():
            flat = f"{layer.name}/flat"
            names = [flat, f"{layer.name}/kernel", f"{layer.name}/bias"]
            return [
                helper.make_node("Flatten", [layer.source.name], [flat], name=flat, axis=1),
                helper.make_node("Gemm", names, [output], name=layer.name, transB=1),
            ]


def _conv(layer: Conv) -> list[NodeProto]:
    from onnx import helper

    output = layer.output.name
    linear = output if layer.activation == "none" else f"{output}/linear"
    before, after = layer.padding
    node = helper.make_node(
        "Conv",
        [layer.source.name, f"{layer.name}/kernel", f"{layer.name}/bias"],
        [linear],
        name=layer.name,
        kernel_shape=[layer.kernel] * 2,
        strides=[layer.stride] * 2,
        # SAME_UPPER would mean the same, but not every runtime fuses it.
        pads=[before, before, after, after],
        group=layer.source.channels if layer.depthwise else 1,
    )
    return [node, *_activation(layer.activation, linear, output)]


def _activation(kind: Activation, source: str, output: str) -> list[NodeProto]:
    from onnx import helper

    if kind == "none":
        return []
    name = f"{output}/{kind}"
    if kind == "relu":
        return [helper.make_node("Relu", [source], [output], name=name)]
    if kind == "relu6":
        return [helper.make_node("Clip", [source, "zero", "six"], [output], name=name)]
    gate = output if kind == "hsigmoid" else f"{output}/gate"
    gating = helper.make_node(
        "HardSigmoid", [source], [gate], name=f"{output}/hsigmoid", alpha=1 / 6, beta=0.5
    )
    if kind == "hsigmoid":
        return [gating]
    # onnxruntime fuses these two, or HardSwish, into the convolution before them. HardSwish is a
    # function of opset 14 that a runtime may not know; these two are much older.
    return [gating, helper.make_node("Mul", [source, gate], [output], name=name)]
