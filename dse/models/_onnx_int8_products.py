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
from dse.models._onnx_products import straighten
from dse.models._weight_scales import to_steps
from dse.models.onnx_normalise import scalable, tidy
from dse.models.subprocess_job import feeds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from onnx import ModelProto, NodeProto

    from dse.models._onnx_int8 import Layer

MIN_OUTPUTS = 8
"""A product with fewer outputs gives the logits: it takes no time, and rounding moves answers."""
MAX_ACTIVATION = 255


def onnx_bytes(model: Path, samples: Sequence[Path]) -> bytes:
    """Quantises the products of a float32 ONNX file; the samples are files of batch 1.

    Weights are rounded so that no CPU's products saturate.
    """
    source = scalable(model)
    straighten(source)
    layers = [one for one in find_layers(source) if _is_product(one)]
    if not layers:
        raise SystemExit("it has no matrix product by constant weights")
    names = [one.name for one in source.graph.input]
    inputs = {layer.node.input[0] for layer in layers}
    _quantise(source, layers, _find_ranges(source, inputs, feeds(names, samples)))
    tidy(source)
    data: bytes = source.SerializeToString(deterministic=True)
    return data


def _is_product(layer: Layer) -> bool:
    return layer.node.op_type == "MatMul" and len(layer.scales) >= MIN_OUTPUTS


def _find_ranges(
    model: ModelProto, names: set[str], inputs: Iterable[Mapping[str, NDArray[Any]]]
) -> dict[str, tuple[float, float]]:
    """The least and the greatest value of tensors of a model over all inputs, zero among them."""
    ranges = dict.fromkeys(names, (0.0, 0.0))
    for values in iter_values(model, names, inputs):
        for name, value in values.items():
            low, high = ranges[name]
            ranges[name] = min(low, float(value.min())), max(high, float(value.max()))
    return ranges


def _quantise(
    model: ModelProto, layers: Iterable[Layer], ranges: Mapping[str, tuple[float, float]]
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
                made[source] = _add_activation(model, nodes, source, ranges[source])
            if weights not in made:
                made[weights] = _add_weights(model, nodes, layer)
            node.input[0], node.input[1] = made[source], made[weights]
        nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _add_activation(
    model: ModelProto, nodes: list[NodeProto], name: str, reach: tuple[float, float]
) -> str:
    """Adds the way of a tensor through 8 bits; returns the name of what comes out."""
    from onnx import helper

    low, high = reach
    scale = np.float32((high - low) / MAX_ACTIVATION or 1)
    zero = np.uint8(np.clip(np.rint(-low / scale), 0, MAX_ACTIVATION))
    parameters = [_keep(model, f"{name}/scale", scale), _keep(model, f"{name}/zero", zero)]
    stored, found = f"{name}/quantised", f"{name}/dequantised"
    nodes.append(helper.make_node("QuantizeLinear", [name, *parameters], [stored], stored))
    nodes.append(helper.make_node("DequantizeLinear", [stored, *parameters], [found], found))
    return found


def _add_weights(model: ModelProto, nodes: list[NodeProto], layer: Layer) -> str:
    """Adds the weights of a layer in 8 bits; returns the name of what they are dequantised to."""
    from onnx import helper

    steps = to_steps(layer.weights, layer.scales)
    weights = np.ascontiguousarray(np.moveaxis(steps, 0, layer.axis))
    inputs = [
        _keep(model, f"{layer.name}/int8", weights),
        _keep(model, f"{layer.name}/scale", layer.scales),
        _keep(model, f"{layer.name}/zero", np.zeros(len(layer.scales), np.int8)),
    ]
    found = f"{layer.name}/dequantised"
    nodes.append(helper.make_node("DequantizeLinear", inputs, [found], found, axis=layer.axis))
    return found


def _keep(model: ModelProto, name: str, value: Any) -> str:
    from onnx import numpy_helper

    model.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
    return name
