"""An ONNX file whose matrix products by weights compute in int8, and all else in float32.

Made for encoders of text, most of whose time goes to such products. Each has a QuantizeLinear and a
DequantizeLinear at its input, and a DequantizeLinear at its weights, which runtimes take for a
product of integers. Embeddings, norms, the products of the attention and the logits stay as they
are. Weights have no zero point: those that are zero stay zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dse.models._onnx_int8 import find_layers, iter_values
from dse.models._onnx_quantiser import input_names
from dse.models.subprocess_job import feeds

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from onnx import ModelProto, NodeProto

    from dse.core.quantisation import Method
    from dse.models._onnx_int8 import Layer

MIN_OUTPUTS = 8
"""A product with fewer outputs gives the logits: it takes no time, and rounding moves answers."""
MAX_ACTIVATION = 255
PERCENTILE = 99.999
"""The share of an activation's values that its range holds, as in onnxruntime's calibration."""


def quantise_products(
    source: ModelProto, samples: Sequence[Path], method: Method, kept: Collection[str]
) -> ModelProto:
    """Quantises the products of a model; see `dse.models._onnx_quantiser.Making`."""
    products = [one for one in find_layers(source, method) if _is_product(one)]
    if not products:
        raise SystemExit("it has no matrix product by constant weights")
    layers = [one for one in products if one.node.name not in kept]
    inputs = {layer.node.input[0] for layer in layers}
    ranges = _find_ranges(source, inputs, feeds(input_names(source), samples), method)
    return _quantised(source, layers, ranges, method)


def _is_product(layer: Layer) -> bool:
    return layer.node.op_type == "MatMul" and len(layer.weights) >= MIN_OUTPUTS


def _find_ranges(
    model: ModelProto,
    names: set[str],
    inputs: Iterable[Mapping[str, NDArray[Any]]],
    method: Method,
) -> dict[str, tuple[float, float]]:
    """How far tensors of a model reach over all inputs, zero included.

    By percentiles it is the mean over the inputs of what `PERCENTILE` of the values keep to.
    """
    reach: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    outside = (100 - PERCENTILE) / 2 if method.calibration == "percentile" else 0
    for values in iter_values(model, names, inputs):
        for name, value in values.items():
            low, high = np.percentile(value, (outside, 100 - outside), method="nearest")
            reach[name].append((min(0.0, float(low)), max(0.0, float(high))))
    ends = {name: np.array(found) for name, found in reach.items()}
    if method.calibration == "percentile":
        return {name: (one[:, 0].mean(), one[:, 1].mean()) for name, one in ends.items()}
    return {name: (one[:, 0].min(), one[:, 1].max()) for name, one in ends.items()}


def _quantised(
    source: ModelProto,
    layers: Iterable[Layer],
    ranges: Mapping[str, tuple[float, float]],
    method: Method,
) -> ModelProto:
    """The model with an input and weights that went through 8 bits for each layer."""
    import onnx

    model = onnx.ModelProto()
    model.CopyFrom(source)
    _quantise(model, layers, ranges, method)
    return model


def _quantise(
    model: ModelProto,
    layers: Iterable[Layer],
    ranges: Mapping[str, tuple[float, float]],
    method: Method,
) -> None:
    """Gives each layer an input and weights that went through 8 bits."""
    layer_of = {layer.node.output[0]: layer for layer in layers}
    made: dict[str, str] = {}
    nodes: list[NodeProto] = []
    for node in model.graph.node:
        layer = layer_of.get(node.output[0]) if node.output else None
        if layer is not None:
            source, weights = node.input[0], node.input[1]
            if source not in made:
                made[source] = _add_activation(model, nodes, source, ranges[source], method)
            if weights not in made:
                made[weights] = _add_weights(model, nodes, layer, method)
            node.input[0], node.input[1] = made[source], made[weights]
        nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _add_activation(
    model: ModelProto,
    nodes: list[NodeProto],
    name: str,
    reach: tuple[float, float],
    method: Method,
) -> str:
    """Adds the way of a tensor through 8 bits; returns the name of what comes out."""
    from onnx import helper

    low, high = reach
    scale = np.float32((high - low) / MAX_ACTIVATION or 1)
    unsigned = np.clip(np.rint(-low / scale), 0, MAX_ACTIVATION)
    signed = method.activation_type == "int8"
    zero = np.int8(unsigned - 128) if signed else np.uint8(unsigned)
    parameters = [_keep(model, f"{name}/scale", scale), _keep(model, f"{name}/zero", zero)]
    stored, found = f"{name}/quantised", f"{name}/dequantised"
    nodes.append(helper.make_node("QuantizeLinear", [name, *parameters], [stored], stored))
    nodes.append(helper.make_node("DequantizeLinear", [stored, *parameters], [found], found))
    return found


def _add_weights(model: ModelProto, nodes: list[NodeProto], layer: Layer, method: Method) -> str:
    """Adds the weights of a layer in 8 bits; returns the name of what they are dequantised to."""
    from onnx import helper

    steps = layer.grid.to_steps(layer.weights.reshape(len(layer.weights), -1))
    weights = np.moveaxis(steps.reshape(layer.weights.shape), 0, layer.axis)
    scales, zeros = layer.grid.scales, layer.grid.zeros
    axis = layer.axis if method.per_channel else None  # None is left out
    if not method.per_channel:
        scales, zeros = scales[0], zeros[0]
    inputs = [
        _keep(model, f"{layer.name}/{method.weight_type}", np.ascontiguousarray(weights)),
        _keep(model, f"{layer.name}/scale", scales),
        _keep(model, f"{layer.name}/zero", zeros),
    ]
    found = f"{layer.name}/dequantised"
    nodes.append(helper.make_node("DequantizeLinear", inputs, [found], found, axis=axis))
    return found


def _keep(model: ModelProto, name: str, value: Any) -> str:
    from onnx import numpy_helper

    model.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
    return name
