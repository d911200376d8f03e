"""Files in int8 as XNNPACK takes them: weights stay integers, and so do the numbers between layers.

ONNX's steps become the operators that PyTorch's exports have for them. XNNPACK has signed integers
alone, so unsigned ones are stored 128 lower.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
import torch.ao.quantization.fx._decomposed  # it registers the operators
from torch.nn import functional

from dse.core.backend import UnsupportedError

from . import _torch_layers as layers
from . import _torch_quantised as floats
from ._torch_graph import Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from onnx import ModelProto, NodeProto
    from torch import fx

    from ._torch_call import Call, Translator

INT8 = 3
"""ONNX's number for the type."""
LOW, HIGH = -128, 127
PRODUCTS = ("Conv", "Gemm", "MatMul")
ACTIVATIONS = ("Relu", "Clip")
WEIGHTS = "int8 weights"
"""Where a node has the integers, the steps and the axis of the weights that it stands for."""
_OPERATORS = torch.ops.quantized_decomposed
QUANTISE = _OPERATORS.quantize_per_tensor.default
DEQUANTISE = _OPERATORS.dequantize_per_tensor.default
DEQUANTISE_CHANNELS = _OPERATORS.dequantize_per_channel.default


def multiplies_integers(model: ModelProto) -> bool:
    """Whether all products by int8 weights are of integers, and give some."""
    readers: dict[str, list[NodeProto]] = defaultdict(list)
    makers: dict[str, NodeProto] = {}
    for node in model.graph.node:
        makers |= dict.fromkeys(node.output, node)
        for name in node.input:
            readers[name].append(node)
    stored = _stored_weights(model)
    products = [
        node
        for node in model.graph.node
        if node.op_type in PRODUCTS and len(node.input) > 1 and node.input[1] in stored
    ]
    return bool(products) and all(
        getattr(makers.get(node.input[0]), "op_type", "") == "DequantizeLinear"
        and _is_quantised(readers[node.output[0]], readers)
        for node in products
    )


def _stored_weights(model: ModelProto) -> set[str]:
    """The names of what int8 constants are dequantised to, without an offset."""
    from onnx import numpy_helper

    constants = {one.name: one for one in model.graph.initializer}

    def is_plain(node: NodeProto) -> bool:
        weights = constants.get(node.input[0])
        if weights is None or weights.data_type != INT8 or len(weights.dims) < 2:
            return False
        zero = constants.get(node.input[2]) if len(node.input) > 2 else None
        return zero is None or not numpy_helper.to_array(zero).any()

    nodes = (node for node in model.graph.node if node.op_type == "DequantizeLinear")
    return {node.output[0] for node in nodes if is_plain(node)}


def _is_quantised(nodes: Iterable[NodeProto], readers: Mapping[str, list[NodeProto]]) -> bool:
    found = list(nodes)
    if len(found) == 1 and found[0].op_type in ACTIVATIONS:
        found = readers[found[0].output[0]]
    return bool(found) and all(node.op_type == "QuantizeLinear" for node in found)


def quantise(call: Call) -> Value:
    """To the nearest of 256 steps."""
    step = _step(call)
    if call.value().constant or step is None:
        return floats.quantise(call)
    return call.write(QUANTISE, call.value(), *step, LOW, HIGH, torch.int8)


def dequantise(call: Call) -> Value:
    """From steps to numbers; weights stay steps until XNNPACK takes them."""
    value, step = call.value(), _step(call)
    if value.constant and value.dtype == torch.int8 and value.rank >= 2:
        axis = call.attribute("axis", 1) % value.rank
        return _weights(call, value.tensor, call.value(1).tensor, axis)
    if value.node is None or value.node.target is not QUANTISE:
        return floats.dequantise(call)
    if step is None:
        raise call.refuse("a step for each channel of what is computed")
    return call.write(DEQUANTISE, value, *step, LOW, HIGH, torch.int8)


def _step(call: Call) -> tuple[float, int] | None:
    """Size and offset of the steps of a whole tensor; None where they differ or are computed."""
    scale, zero = call.value(1), call.optional(2)
    if not scale.constant or scale.tensor.numel() != 1 or not (zero is None or zero.constant):
        return None
    lower = 0 if zero is not None and zero.dtype == torch.int8 else LOW
    offset = 0 if zero is None else int(zero.tensor.item())
    return float(scale.tensor.item()), offset + lower


def _weights(call: Call, steps: torch.Tensor, scales: torch.Tensor, axis: int) -> Value:
    held = call.graph.hold(Value(steps))
    if scales.numel() == 1:
        found = call.write(DEQUANTISE, held, float(scales.item()), 0, LOW, HIGH, torch.int8)
    else:
        zeros = torch.zeros(scales.shape, dtype=torch.int64)
        each = (Value(scales.float()), Value(zeros), axis)
        found = call.write(DEQUANTISE_CHANNELS, held, *each, LOW, HIGH, torch.int8)
    assert found.node is not None  # noqa: S101  # what is held is no constant
    found.node.meta[WEIGHTS] = (steps, scales, axis)
    return found


def _matrix(value: Value) -> tuple[torch.Tensor, torch.Tensor, int] | None:
    return value.node.meta.get(WEIGHTS) if value.node is not None and value.rank == 2 else None


def _turned(call: Call, matrix: tuple[torch.Tensor, torch.Tensor, int]) -> Value:
    steps, scales, axis = matrix
    return _weights(call, steps.t().contiguous(), scales, 1 - axis)


def matmul(call: Call) -> Value:
    """A product; that by a matrix of integers is a dense layer."""
    matrix = _matrix(call.value(1))
    if matrix is None or call.value(0).rank < 2:
        return layers.matmul(call)
    return call.write(functional.linear, call.value(0), _turned(call, matrix))


def gemm(call: Call) -> Value:
    """A product of matrices and a sum; the weights go before they are dequantised."""
    matrix = _matrix(call.value(1))
    if matrix is None or call.attribute("transB", 0):
        return layers.gemm(call)
    inputs = [call.inputs[0], _turned(call, matrix), *call.inputs[2:]]
    return layers.gemm(replace(call, inputs=inputs, attributes={**call.attributes, "transB": 1}))


def check_integers(module: fx.GraphModule) -> None:
    """Makes sure that nothing reads numbers that are stored 128 lower than the file has them.

    Raises:
        UnsupportedError: an operator does.
    """
    for node in module.graph.nodes:
        others = [each for each in node.users if each.target is not DEQUANTISE]
        if node.target is QUANTISE and others:
            raise UnsupportedError("can't compute with integers that are not dequantised before")


def part_readers(module: fx.GraphModule) -> None:
    """Gives each reader of integers a step of its own that dequantises them, as PyTorch's tools do.

    XNNPACK takes a layer together with the step before it. Of a step that a layer and a sum share,
    as beside a skipped block, its partitions would need each other.
    """
    for node in [each for each in module.graph.nodes if each.target is DEQUANTISE]:
        for reader in [*node.users][1:]:
            with module.graph.inserting_before(reader):
                reader.replace_input_with(node, module.graph.node_copy(node))
    module.recompile()


def check_taken(graph: Any) -> None:
    """Makes sure that XNNPACK has taken all weights as integers.

    Args:
        graph: what is left to ExecuTorch.

    Raises:
        UnsupportedError: some would be dequantised in each call.
    """
    for node in graph.nodes:
        if "dequantize_per" in str(node.target) and node.args[0].op == "placeholder":
            shape = "x".join(map(str, node.meta["val"].shape))
            raise UnsupportedError(f"XNNPACK can't multiply by the int8 weights of {shape}")


QUANTISED: dict[str, Translator] = {
    "QuantizeLinear": quantise,
    "DequantizeLinear": dequantise,
    "MatMul": matmul,
    "Gemm": gemm,
}
