"""The int8 layers of a TFLite file, rounded anew by `dse.models._weight_scales`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dse.models._weight_scales import choose_grid, mean_shift

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from dse.core.quantisation import Method
    from dse.models._weight_scales import Grid, Meeting

    Floats = NDArray[np.float32]

_CONV, _DEPTHWISE, _DENSE = 3, 4, 9
"""Codes of CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED (schema.fbs)."""
_FLOAT32, _INT8, _INT32 = 0, 9, 2
_INT32_MAX = 2**31 - 1
_BIAS_MAX = 2**30
"""Largest value of a bias before it is corrected, which leaves room for sums."""


class File:
    """A TFLite file with one subgraph, as the schema's own classes.

    Attributes:
        root: of the file.
        buffers: the constants, as `root` numbers them.
    """

    def __init__(self, data: bytes) -> None:
        from ai_edge_litert import schema_py_generated as schema

        self.root: Any = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data, 0))
        self.buffers = [
            data[one.offset : one.offset + one.size] if one.offset else _content(one)
            for one in self.root.buffers
        ]

    @property
    def graph(self) -> Any:
        """The subgraph."""
        return self.root.subgraphs[0]

    def layers(self) -> Iterator[Any]:
        """The operators that may have weights, in their order."""
        codes = self.root.operatorCodes
        for one in self.graph.operators:
            if codes[one.opcodeIndex].builtinCode in (_CONV, _DEPTHWISE, _DENSE):
                yield one

    def code(self, operator: Any) -> int:
        """What an operator is."""
        return int(self.root.operatorCodes[operator.opcodeIndex].builtinCode)

    def constant(self, tensor: Any, dtype: type[Any]) -> NDArray[Any] | None:
        """A constant's values; None for a tensor that is computed."""
        data = self.buffers[tensor.buffer]
        return np.frombuffer(data, dtype).reshape(tensor.shape) if data else None


def _content(buffer: Any) -> bytes:
    return b"" if buffer.data is None else buffer.data.tobytes()


@dataclass(frozen=True, slots=True)
class _Layer:
    """A layer in both files.

    Attributes:
        code: what it is.
        weights: float32, (outputs, ...): the output channels in front.
        axis: where they are in the file.
        bias: float32, (outputs,); None where there is none.
        source: index of its input in the float32 file.
        tensors: input, weights and, if there is one, bias in the int8 file.
    """

    code: int
    weights: Floats
    axis: int
    bias: Floats | None
    source: int
    tensors: tuple[Any, ...]


def layer_outputs(file: File) -> list[str]:
    """Names of the outputs of the layers that have weights."""
    tensors = file.graph.tensors
    return [
        tensors[one.outputs[0]].name.decode()
        for one in file.layers()
        if file.buffers[tensors[one.inputs[1]].buffer]
    ]


def name_with_nan(file: File) -> str | None:
    """The name of a float32 constant of several numbers of which one is NaN; None without any."""
    for tensor in file.graph.tensors:
        values = file.constant(tensor, np.float32) if tensor.type == _FLOAT32 else None
        if values is not None and values.size > 1 and np.isnan(values).any():
            name: str = tensor.name.decode(errors="replace")
            return name
    return None


def has_int8_layer(file: File) -> bool:
    """Whether the weights of any layer are int8."""
    weights = (file.graph.tensors[one.inputs[1]] for one in file.layers())
    return any(one.type == _INT8 and file.buffers[one.buffer] for one in weights)


def round_again(
    target: File, source: File, means: Mapping[int, NDArray[np.float64]], method: Method
) -> None:
    """Rounds weights as a method asks for; biases take back what that shifts.

    The int8 file is changed. The means of each channel of the layers' inputs go by index in the
    float32 file.
    """
    sharing: dict[int, list[_Layer | None]] = {}
    for mine, theirs in zip(target.layers(), source.layers(), strict=True):
        buffer = target.graph.tensors[mine.inputs[1]].buffer
        sharing.setdefault(buffer, []).append(_layer(target, source, mine, theirs))
    for found in sharing.values():
        layers = [one for one in found if one is not None]
        if len(layers) == len(found):
            first, *others = [_grid(one, method) for one in layers]
            grid = first.shared(others)
            for layer in layers:
                _round(target, layer, grid, means[layer.source])
                if not method.per_channel:
                    _share_scale(layer)


def _layer(target: File, source: File, mine: Any, theirs: Any) -> _Layer | None:
    """None where it was not quantised by channels."""
    tensors = [target.graph.tensors[index] for index in mine.inputs[:3] if index >= 0]
    types = [one.type for one in tensors]
    originals = [source.graph.tensors[index] for index in theirs.inputs[1:3] if index >= 0]
    weights, *rest = (source.constant(one, np.float32) for one in originals)
    if weights is None or any(one is None for one in rest):
        return None
    code = source.code(theirs)
    axis = 3 if code == _DEPTHWISE else 0
    channels = len(tensors[1].quantization.scale) if types[1] == _INT8 else 0
    if types != [_INT8, _INT8, _INT32][: 2 + len(rest)] or channels != weights.shape[axis]:
        return None
    front = np.moveaxis(weights, axis, 0)
    bias = rest[0] if rest else None
    return _Layer(code, front, axis, bias, int(theirs.inputs[0]), tuple(tensors))


def _grid(layer: _Layer, method: Method) -> Grid:
    """That of a method, with scales for which the bias fits into 32 bits."""
    rows = layer.weights.reshape(len(layer.weights), -1)
    grid = choose_grid(rows, _meeting(layer), method)
    least = np.asarray(layer.tensors[1].quantization.scale, np.float32)
    if layer.bias is not None:
        step = np.float64(layer.tensors[0].quantization.scale[0])
        fitting = np.abs(layer.bias.astype(np.float64)) / (step * _BIAS_MAX)
        least = np.maximum(least, fitting.astype(np.float32))
    if not method.per_channel:
        least = np.full_like(least, least[rows.any(axis=1)].max(initial=0))
    return grid.wider(least)


def _round(target: File, layer: _Layer, grid: Grid, means: NDArray[np.float64]) -> None:
    source, kernel, *bias = layer.tensors
    rows = layer.weights.reshape(len(layer.weights), -1)
    steps = grid.to_steps(rows).reshape(layer.weights.shape)
    target.buffers[kernel.buffer] = np.moveaxis(steps, 0, layer.axis).tobytes()
    kernel.quantization.scale = grid.scales
    if layer.bias is None:
        return
    corrected = layer.bias - _shift(layer, grid.rounded(rows) - rows, means)
    units = np.float64(source.quantization.scale[0]) * grid.scales.astype(np.float64)
    ints = np.clip(np.rint(corrected / units), -_INT32_MAX, _INT32_MAX).astype(np.int32)
    target.buffers[bias[0].buffer] = ints.tobytes()
    bias[0].quantization.scale = units.astype(np.float32)


def _share_scale(layer: _Layer) -> None:
    """Writes the one scale of a layer once."""
    for tensor in layer.tensors[1:]:
        tensor.quantization.scale = tensor.quantization.scale[:1]
        tensor.quantization.zeroPoint = np.zeros(1, np.int64)
        tensor.quantization.quantizedDimension = 0


def _meeting(layer: _Layer) -> Meeting:
    if layer.code == _DEPTHWISE:
        return "none"
    return "neighbours" if layer.code == _DENSE or layer.weights.shape[1:3] == (1, 1) else "any"


def _shift(layer: _Layer, changes: Floats, means: NDArray[np.float64]) -> NDArray[np.float64]:
    """By how much changed weights move the mean of each output."""
    outputs = len(layer.weights)
    per_input = 1 if layer.code == _DEPTHWISE else layer.weights.shape[-1]
    summed = changes.reshape(outputs, -1, per_input).sum(axis=1)
    return mean_shift(summed, means)


def channel_means(
    data: bytes, samples: Iterable[NDArray[np.float32]], threads: int
) -> dict[int, NDArray[np.float64]]:
    """The mean of each channel, the last dimension, of what the layers of a float32 file take in.

    Returns:
        (channels,) by index of the tensor.
    """
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    file = File(data)
    wanted = {int(one.inputs[0]): _inputs_of(file, one) for one in file.layers()}
    interpreter = Interpreter(
        model_content=data,
        num_threads=threads,
        experimental_preserve_all_tensors=True,
        # A delegate would keep what lies between its operators to itself.
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    interpreter.allocate_tensors()
    (entry,) = interpreter.get_input_details()
    sums = {index: np.zeros(channels) for index, channels in wanted.items()}
    count = 0
    for count, sample in enumerate(samples, start=1):  # noqa: B007  # used after the loop
        interpreter.set_tensor(entry["index"], sample)
        interpreter.invoke()
        for index, channels in wanted.items():
            rows = interpreter.get_tensor(index).reshape(-1, channels)
            sums[index] += rows.mean(axis=0, dtype=np.float64)
    return {index: total / max(1, count) for index, total in sums.items()}


def _inputs_of(file: File, operator: Any) -> int:
    """Number of channels that a layer takes in."""
    tensors = file.graph.tensors
    taken = tensors[operator.inputs[0]] if file.code(operator) != _DENSE else None
    return int((taken or tensors[operator.inputs[1]]).shape[-1])
