"""Brings what stands beside a product in an ONNX file into the form that the quantiser copes with.

onnxruntime's quantiser forgets a Gemm's factor of the bias, fails at biases of other shapes, and
onnxruntime computes nonsense where two operators share int8 weights along different axes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from onnx import GraphProto, ModelProto, NodeProto


def straighten(model: ModelProto) -> None:
    """Changes a plain model (see `dse.models.onnx_normalise`) in place; it computes the same.

    Constants that are kept in fewer bits become float32, so that they are rounded like all others.
    """
    _unpack(model.graph)
    for node in model.graph.node:
        if node.op_type == "Gemm":
            _plain_bias(model.graph, node)
    _separate(model.graph)


def output_axis(node: NodeProto, weights: NDArray[Any]) -> int | None:
    """The axis of the output channels among an operator's weights; None where there is none."""
    if node.op_type == "Conv":
        return 0
    if node.op_type in ("Gemm", "MatMul") and weights.ndim == 2:
        transposed = any(one.name == "transB" and one.i for one in node.attribute)
        return 0 if node.op_type == "Gemm" and transposed else 1
    return None


def _constants(graph: GraphProto) -> Mapping[str, NDArray[Any]]:
    from onnx import numpy_helper

    return {one.name: numpy_helper.to_array(one) for one in graph.initializer}


def _add(graph: GraphProto, name: str, value: NDArray[Any]) -> str:
    from onnx import numpy_helper

    graph.initializer.append(numpy_helper.from_array(value, name))
    return name


def _unpack(graph: GraphProto) -> None:
    """Computes each DequantizeLinear of constants."""
    from onnx.reference import ReferenceEvaluator

    constants = _constants(graph)
    for node in list(graph.node):
        if node.op_type == "DequantizeLinear" and set(node.input) <= {*constants, ""}:
            feeds = {name: constants[name] for name in node.input if name}
            (value,) = ReferenceEvaluator(node).run(None, feeds)
            _add(graph, node.output[0], np.asarray(value))
            graph.node.remove(node)


def _plain_bias(graph: GraphProto, node: NodeProto) -> None:
    """Gives a Gemm a bias with one value for each output, and no factor of it."""
    constants = _constants(graph)
    name = node.input[2] if len(node.input) > 2 else ""
    weights = constants.get(node.input[1])
    if name not in constants or weights is None:
        return
    beta = next((one.f for one in node.attribute if one.name == "beta"), 1.0)
    bias = constants[name]
    outputs = weights.shape[output_axis(node, weights) or 0]
    if beta == 1 and bias.shape == (outputs,):
        return
    # With rows of its own for each sample it is not a bias, and the quantiser refuses it.
    if bias.size == (bias.shape or (1,))[-1]:
        bias = np.broadcast_to(bias.reshape(-1), (outputs,))
    kept = [one for one in node.attribute if one.name != "beta"]
    del node.attribute[:]
    node.attribute.extend(kept)
    scaled = np.asarray(bias * np.float32(beta), np.float32)
    node.input[2] = _add(graph, f"{name}/of/{node.output[0]}", scaled)


def _separate(graph: GraphProto) -> None:
    """Gives operators that use the same weights along different axes weights of their own."""
    constants = _constants(graph)
    axes: dict[str, int] = {}
    for node in graph.node:
        if len(node.input) < 2 or node.input[1] not in constants:
            continue
        name = node.input[1]
        axis = output_axis(node, constants[name])
        if axis is not None and axes.setdefault(name, axis) != axis:
            node.input[1] = copy = f"{name}/along{axis}"
            if copy not in axes:
                _add(graph, copy, constants[name])
                axes[copy] = axis
