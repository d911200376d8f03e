"""Which layers of a quantised file cost the most accuracy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from numpy.typing import NDArray
    from onnx import ModelProto, NodeProto

    Feed = Mapping[str, NDArray[Any]]

SENSITIVITY_SAMPLES = 16
"""The most samples on which layers are ranked."""
NO_INT8_LAYER = "with so many layers in float32 none is left in int8"


def rank(layers: Iterable[str], error: Callable[[Collection[str]], float]) -> list[str]:
    """Ranks layers by how much nearer the outputs come if one alone computes in float32.

    Each is judged beside all the others in 8 bits, which is where it stays if they do.

    Args:
        layers: by name.
        error: that of the outputs where some layers are in float32.

    Returns:
        Names of the layers, the most sensitive first; those that gain nothing are left out.
    """
    whole = error(())
    gains = {name: whole - error((name,)) for name in layers}
    return sorted((name for name, gain in gains.items() if gain > 0), key=lambda one: -gains[one])


def squared_error(expected: Sequence[NDArray[Any]], found: Sequence[NDArray[Any]]) -> float:
    """The mean square of the differences, of all outputs alike."""
    pairs = zip(expected, found, strict=True)
    return float(
        np.mean([np.mean((mine.astype(np.float64) - other) ** 2) for mine, other in pairs])
    )


def rank_layers(source: ModelProto, quantised: ModelProto, feeds: Iterable[Feed]) -> list[str]:
    """Ranks the layers of an ONNX file, see `rank`.

    Args:
        source: in float32; its operators have names.
        quantised: made of it, with a DequantizeLinear at each tensor that takes 8 bits.
        feeds: samples of the calibration.

    Returns:
        Names of the operators.
    """
    samples = list(feeds)
    expected = _outputs(source, samples)

    def error(kept: Collection[str]) -> float:
        model = quantised
        for name in kept:
            model = _freed(source, model, name)
        return squared_error(expected, _outputs(model, samples))

    return rank(_layer_names(quantised), error)


def _layer_names(
    quantised: ModelProto, kinds: Collection[str] = ("Conv", "Gemm", "MatMul")
) -> list[str]:
    """Names of the operators of some kinds whose weights, the second input, take 8 bits."""
    makers = {name: node for node in quantised.graph.node for name in node.output}
    constants = {one.name for one in quantised.graph.initializer}
    found = []
    for node in quantised.graph.node:
        maker = makers.get(node.input[1]) if len(node.input) > 1 else None
        if maker is None or maker.op_type != "DequantizeLinear":
            continue
        if node.op_type in kinds and maker.input[0] in constants:
            found.append(node.name)
    return found


def require_int8_layer(quantised: ModelProto) -> None:
    """Refuses an ONNX file without any layer in 8 bits.

    Raises:
        SystemExit: it is one; the message says so.
    """
    if not _layer_names(quantised, ("Conv", "ConvTranspose", "Gemm", "MatMul")):
        raise SystemExit(NO_INT8_LAYER)


def _freed(source: ModelProto, quantised: ModelProto, name: str) -> ModelProto:
    """The quantised model with one layer as it is in float32, input, weights and bias with it."""
    import onnx

    model = onnx.ModelProto()
    model.CopyFrom(quantised)
    makers = {output: node for node in model.graph.node for output in node.output}
    constants = {one.name: one for one in source.graph.initializer}
    (node,) = (one for one in model.graph.node if one.name == name)
    (original,) = (one for one in source.graph.node if one.name == name)
    node.input[0] = _before(node.input[0], makers)
    for index, own in enumerate(original.input[1:], 1):  # the weights, the bias
        if own in constants:
            model.graph.initializer.append(constants[own])
            node.input[index] = model.graph.initializer[-1].name = f"{name}/float32/{index}"
    return model


def _before(name: str, makers: Mapping[str, NodeProto]) -> str:
    """What a tensor is before it takes 8 bits."""
    for kind in ("DequantizeLinear", "QuantizeLinear"):
        maker = makers.get(name)
        if maker is None or maker.op_type != kind:
            return name
        name = maker.input[0]
    return name


def _outputs(model: ModelProto, samples: Iterable[Feed]) -> list[NDArray[Any]]:
    """The outputs of a model, of all samples."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return [output for sample in samples for output in session.run(None, dict(sample))]
