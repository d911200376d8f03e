"""Products between 8 bits, as DeepSparse computes them in integers.

The usual form of a quantised product, a MatMul of two DequantizeLinear, the engine multiplies in
float32, and slowly. It computes MatMulInteger in integers, and skips the zeros of its weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from onnx import ModelProto, NodeProto

    Constants = Mapping[str, NDArray[Any]]


def to_integer_products(model: ModelProto) -> None:
    """Makes a MatMulInteger of each product of an activation by constant weights in 8 bits.

    Only of unsigned activations with one scale, by signed weights without a zero point, with a
    scale for each output or one for all. What is computed stays the same.
    """
    from onnx import numpy_helper

    graph = model.graph
    wanted = {name for node in graph.node if _is_dequantised(node) for name in node.input}
    constants = {
        one.name: numpy_helper.to_array(one) for one in graph.initializer if one.name in wanted
    }
    makers = {name: node for node in graph.node if _is_dequantised(node) for name in node.output}
    nodes: list[NodeProto] = []
    for node in graph.node:
        pair = [makers.get(name) for name in node.input] if node.op_type == "MatMul" else []
        scales = _find_scales(pair, constants)
        if scales is None:
            nodes.append(node)
            continue
        nodes += _make_nodes(model, node, pair, scales)
    used = {name for node in nodes for name in node.input} | {one.name for one in graph.output}
    del graph.node[:]
    graph.node.extend(n for n in nodes if not _is_dequantised(n) or used & set(n.output))


def _is_dequantised(node: NodeProto) -> bool:
    return bool(node.op_type == "DequantizeLinear")


def _find_scales(pair: list[Any], constants: Constants) -> NDArray[np.float32] | None:
    """The scale of each output of a product, or of all; None where it is no such product."""
    if len(pair) != 2 or None in pair:
        return None
    source, weights = pair
    known = [constants.get(name) for name in (*source.input[1:], *weights.input)]
    if len(known) != 5 or any(one is None for one in known):
        return None
    step, zero, kernel, scales, zeros = (np.asarray(one) for one in known)
    axis = next((one.i for one in weights.attribute if one.name == "axis"), 1)
    fits = (
        zero.dtype == np.uint8
        and (zero.size, step.size, kernel.ndim) == (1, 1, 2)
        and kernel.dtype == np.int8
        and (scales.size == 1 or (scales.shape == kernel.shape[1:] and axis % 2 == 1))
        and not zeros.any()
    )
    return (step * scales).astype(np.float32) if fits else None


def _make_nodes(
    model: ModelProto, node: NodeProto, pair: list[Any], scales: NDArray[np.float32]
) -> list[NodeProto]:
    from onnx import TensorProto, helper, numpy_helper

    source, weights = pair
    found, step, zero = (f"{node.output[0]}/{word}" for word in ("integers", "step", "no zero"))
    model.graph.initializer.append(numpy_helper.from_array(scales, step))
    model.graph.initializer.append(numpy_helper.from_array(np.array(0, np.int8), zero))
    inputs = [source.input[0], weights.input[0], source.input[2], zero]
    return [
        helper.make_node("MatMulInteger", inputs, [found], found),
        helper.make_node("Cast", [found], [f"{found}/cast"], f"{found}/cast", to=TensorProto.FLOAT),
        helper.make_node("Mul", [f"{found}/cast", step], list(node.output), node.output[0]),
    ]
