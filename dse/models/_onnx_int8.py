"""An ONNX file in int8: each operator between DequantizeLinear and QuantizeLinear."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dse.models._onnx_products import output_axis
from dse.models._weight_scales import choose_grid, mean_shift
from dse.models.onnx_normalise import input_name
from dse.models.subprocess_job import feeds

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray
    from onnx import ModelProto, NodeProto

    from dse.core.quantisation import Method
    from dse.models._weight_scales import Grid, Meeting

    Floats = NDArray[np.float32]


def quantise_whole(
    source: ModelProto, samples: Sequence[Path], method: Method, kept: Collection[str]
) -> ModelProto:
    """Quantises a model with one input; see `dse.models._onnx_quantiser.Making`.

    Biases take back what rounding the weights shifts. A softmax at the end stays in float32.
    """
    import onnx

    corrected = onnx.ModelProto()
    corrected.CopyFrom(source)
    name = input_name(corrected)
    layers = [one for one in find_layers(corrected, method) if one.node.name not in kept]
    correct_biases(corrected, layers, list(feeds([name], samples)))
    left_out = [*kept, *_name_last_softmax(corrected)]
    return _quantised(corrected, layers, _Reader(name, samples), method, left_out)


def _quantised(
    source: ModelProto, layers: Sequence[Layer], reader: _Reader, method: Method, kept: list[str]
) -> ModelProto:
    """The model with a QuantizeLinear and a DequantizeLinear where a tensor takes 8 bits.

    Args:
        source: in float32.
        layers: whose weights are quantised.
        reader: gives the calibration samples.
        method: how.
        kept: names of the nodes that stay in float32.
    """
    import onnx
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    types = {"uint8": QuantType.QUInt8, "int8": QuantType.QInt8}
    methods = {"minmax": "MinMax", "entropy": "Entropy", "percentile": "Percentile"}
    # Of histograms only what one sample gives has to be in memory at a time.
    strided = {} if method.calibration == "minmax" else {"CalibStridedMinMax": 1}
    target = Path(tempfile.mkdtemp()) / "quantised.onnx"
    given = onnx.ModelProto()
    given.CopyFrom(source)  # its weights are moved to a file
    quantize_static(
        given,
        target,
        reader,
        quant_format=QuantFormat.QDQ,
        per_channel=method.per_channel,
        # Signed activations would suit Arm as well, but on x86-64 onnxruntime leaves the
        # convolutions before a hard swish in float with them.
        activation_type=types[method.activation_type],
        weight_type=types[method.weight_type],
        nodes_to_exclude=kept,
        calibrate_method=getattr(CalibrationMethod, methods[method.calibration]),
        extra_options={"TensorQuantOverrides": _overrides(layers, method), **strided},
    )
    return onnx.load(target)


def _name_last_softmax(model: ModelProto) -> list[str]:
    """Names each softmax that gives an output; returns the names.

    In 8 bits most of a thousand probabilities are 0, and near ones of the likely classes are equal.
    """
    outputs = {one.name for one in model.graph.output}
    found = [
        one for one in model.graph.node if one.op_type == "Softmax" and one.output[0] in outputs
    ]
    for node in found:
        node.name = f"{node.output[0]}/softmax"
    return [node.name for node in found]


@dataclass(frozen=True, slots=True)
class Layer:
    """A convolution or matrix product with constant weights.

    Attributes:
        node: the operator; its second input are the weights.
        axis: of the output channels among the weights' dimensions.
        weights: (outputs, ...): with that axis in front.
        grid: what they are rounded to.
    """

    node: NodeProto
    axis: int
    weights: Floats
    grid: Grid

    @property
    def name(self) -> str:
        """The name of the weights."""
        name: str = self.node.input[1]
        return name


def find_layers(model: ModelProto, method: Method) -> list[Layer]:
    """The layers of a straightened model whose weights are quantised.

    Weights that several operators share get one grid.
    """
    from onnx import numpy_helper

    constants = {one.name: one for one in model.graph.initializer}
    found: dict[str, list[Layer]] = {}
    for node in model.graph.node:
        if len(node.input) > 1 and node.input[1] in constants:
            layer = _layer(node, numpy_helper.to_array(constants[node.input[1]]), method)
            if layer is not None:
                found.setdefault(layer.name, []).append(layer)
    return [
        replace(one, grid=one.grid.shared([each.grid for each in sharing]))
        for sharing in found.values()
        for one in sharing
    ]


def _layer(node: NodeProto, weights: NDArray[Any], method: Method) -> Layer | None:
    if weights.dtype != np.float32:
        return None
    axis = output_axis(node, weights)
    if axis is None:
        return None
    outputs_first = np.moveaxis(weights, axis, 0)
    rows = outputs_first.reshape(len(outputs_first), -1)
    meeting = _meeting(node, outputs_first) if node.op_type == "Conv" else "neighbours"
    return Layer(node, axis, outputs_first, choose_grid(rows, meeting, method))


def _meeting(node: NodeProto, weights: Floats) -> Meeting:
    """Which weights of a kernel (outputs, inputs of a group, ...) meet."""
    outputs, inputs, *kernel = weights.shape
    if inputs == 1 and _integer(node, "group", 1) == outputs > 1:
        return "none"  # depthwise: no two products meet
    return "neighbours" if set(kernel) == {1} else "any"


def correct_biases(
    model: ModelProto, layers: Sequence[Layer], inputs: Sequence[Mapping[str, Floats]]
) -> None:
    """Takes out of each bias by how much rounded weights would shift the mean of the output.

    Layers without a constant bias stay as they are. The inputs of the calibration go by name.
    """
    from onnx import numpy_helper

    constants = {one.name: one for one in model.graph.initializer}
    biased = [layer for layer in layers if _has_bias(layer, constants)]
    means = _means(model, {layer.node.input[0] for layer in biased}, inputs)
    for number, layer in enumerate(biased):
        bias = numpy_helper.to_array(constants[layer.node.input[2]])
        shift = _shift(layer, means[layer.node.input[0]])
        # A constant of its own: other layers may use the one that was there.
        name = f"{layer.node.input[2]}/corrected{number}"
        corrected = (bias - shift.reshape(bias.shape)).astype(np.float32)
        model.graph.initializer.append(numpy_helper.from_array(corrected, name))
        layer.node.input[2] = name


def _has_bias(layer: Layer, constants: Mapping[str, Any]) -> bool:
    node = layer.node
    if node.op_type == "MatMul" or len(node.input) < 3 or node.input[2] not in constants:
        return False
    factors = [one.f for one in node.attribute if one.name in ("alpha", "beta")]
    size = int(np.prod(constants[node.input[2]].dims))
    return set(factors) <= {1.0} and not _integer(node, "transA", 0) and size == len(layer.weights)


def _shift(layer: Layer, means: NDArray[np.float64]) -> NDArray[np.float64]:
    """By how much rounding the weights moves the mean of each output."""
    outputs = len(layer.weights)
    rows = layer.weights.reshape(outputs, -1)
    changed = layer.grid.rounded(rows) - rows
    changes = changed.reshape(*layer.weights.shape[:2], -1).sum(axis=2)
    return mean_shift(changes, means)


def _means(
    model: ModelProto, names: set[str], inputs: Sequence[Mapping[str, Floats]]
) -> dict[str, NDArray[np.float64]]:
    """The mean of each channel, the second dimension, of tensors of a model over all inputs."""
    sums = dict.fromkeys(names, np.zeros(1))
    for values in iter_values(model, names, inputs):
        for name, value in values.items():
            other = tuple(axis for axis in range(value.ndim) if axis != 1)
            sums[name] = sums[name] + value.mean(axis=other, dtype=np.float64)
    return {name: total / len(inputs) for name, total in sums.items()}


def iter_values(
    model: ModelProto, names: set[str], inputs: Iterable[Mapping[str, NDArray[Any]]]
) -> Iterator[dict[str, NDArray[Any]]]:
    """The values that tensors of a model have, inputs of it among them, for each of some inputs.

    Only the values for one of the inputs are in memory at a time.
    """
    import onnx
    import onnxruntime

    wanted = sorted(names)
    seen = onnx.ModelProto()
    seen.CopyFrom(model)
    own = {one.name for one in (*seen.graph.input, *seen.graph.output)}
    seen.graph.output.extend(
        onnx.helper.make_empty_tensor_value_info(name) for name in wanted if name not in own
    )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        seen.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    given = {one.name for one in seen.graph.input}
    outputs = [name for name in wanted if name not in given]
    for feed in inputs:
        found = session.run(outputs, feed) if outputs else []  # none would mean all
        values = dict(zip(outputs, found, strict=True)) | dict(feed)
        yield {name: values[name] for name in wanted}


def _overrides(layers: Sequence[Layer], method: Method) -> dict[str, list[dict[str, Any]]]:
    """The option ``TensorQuantOverrides``: scale and zero point of each channel, by weights."""
    found = {}
    for layer in layers:
        pairs = zip(layer.grid.scales, layer.grid.zeros, strict=True)
        steps = [{"scale": scale, "zero_point": zero} for scale, zero in pairs]
        each = [{"axis": layer.axis, **one} for one in steps]
        found[layer.name] = each if method.per_channel else steps[:1]
    return found


def _integer(node: NodeProto, name: str, default: int) -> int:
    return next((one.i for one in node.attribute if one.name == name), default)


class _Reader:
    """Hands samples out as onnxruntime's ``CalibrationDataReader`` does."""

    def __init__(self, name: str, samples: Sequence[Path]) -> None:
        self._name = name
        self._samples = samples
        self.set_range(0, len(samples))

    def __len__(self) -> int:
        return len(self._samples)

    def set_range(self, start_index: int, end_index: int) -> None:
        """Starts over with some of the samples."""
        self._inputs = feeds([self._name], self._samples[start_index:end_index])

    def get_next(self) -> dict[str, Any] | None:
        """The inputs of one inference; None at the end."""
        return next(self._inputs, None)
