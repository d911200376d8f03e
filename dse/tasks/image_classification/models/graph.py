"""A network as plain data: a list of layers, independent of runtimes and file formats.

Convolutions and pools pad like TensorFlow's ``SAME``: the output has ceil(input / stride) pixels,
and the larger half of odd padding follows the image. A symmetric convolution gives as many pixels
and pads the same on all sides. There is no batch normalisation: at inference it is folded into the
weights and the bias of the convolution before it.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from dse.core.checksums import digest
from dse.core.inference_cost import InferenceCost, ModelCounts

Activation = Literal["none", "relu", "relu6", "hswish", "hsigmoid"]
Shape = tuple[int, int, int, int]


def make_divisible(value: float, divisor: int = 8) -> int:
    """The multiple of ``divisor`` nearest to ``value``, never more than 10 % below it.

    MobileNet V2, V3 and EfficientNet round scaled channel counts in this way (Howard et al.,
    arXiv:1801.04381, and the TF-slim definitions). Halves round up.
    """
    rounded = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return rounded if rounded >= 0.9 * value else rounded + divisor


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Pixels of padding (before, after) one spatial axis of ``size`` pixels."""
    output = -(-size // stride)
    total = max((output - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


@dataclass(frozen=True, slots=True)
class Tensor:
    """A square feature map: (batch, ``channels``, ``size``, ``size``), in either layout."""

    name: str
    channels: int
    size: int


@dataclass(frozen=True, slots=True)
class Conv:
    """A convolution with bias, full or one filter per channel.

    Attributes:
        kernel: side of the filter in pixels; odd.
        symmetric: whether it pads (kernel - 1) / 2 pixels on each side whatever the stride, as
            TensorFlow's and PyTorch's ResNets do, and not like ``SAME``.
    """

    name: str
    source: Tensor
    output: Tensor
    kernel: int
    stride: int
    depthwise: bool
    activation: Activation
    symmetric: bool = False

    @property
    def weight_shape(self) -> Shape:
        """(output channels, input channels per filter, kernel, kernel)."""
        depth = 1 if self.depthwise else self.source.channels
        return self.output.channels, depth, self.kernel, self.kernel

    @property
    def padding(self) -> tuple[int, int]:
        """Pixels of padding (before, after) each spatial axis."""
        if self.symmetric:
            return self.kernel // 2, self.kernel // 2
        return same_padding(self.source.size, self.kernel, self.stride)


@dataclass(frozen=True, slots=True)
class Add:
    """The sum of two equal shapes: a residual connection, with ReLU or without."""

    name: str
    source: Tensor
    other: Tensor
    output: Tensor
    activation: Literal["none", "relu"] = "none"


@dataclass(frozen=True, slots=True)
class MaxPool:
    """The greatest value of each channel in a square window, with ``SAME`` padding."""

    name: str
    source: Tensor
    output: Tensor
    kernel: int
    stride: int

    @property
    def padding(self) -> tuple[int, int]:
        """Pixels of padding (before, after) each spatial axis; they are never the greatest."""
        return same_padding(self.source.size, self.kernel, self.stride)


@dataclass(frozen=True, slots=True)
class GlobalPool:
    """The mean of each channel over all pixels; the output has one pixel."""

    name: str
    source: Tensor
    output: Tensor


@dataclass(frozen=True, slots=True)
class Scale:
    """Each channel of ``source`` times its one-pixel ``gate`` (squeeze-and-excite)."""

    name: str
    source: Tensor
    gate: Tensor
    output: Tensor


@dataclass(frozen=True, slots=True)
class Dense:
    """A fully connected layer with bias on a one-pixel tensor; gives scores without softmax."""

    name: str
    source: Tensor
    output: Tensor

    @property
    def weight_shape(self) -> Shape:
        """(outputs, inputs, 1, 1)."""
        return self.output.channels, self.source.channels, 1, 1


GraphLayer = Conv | Add | MaxPool | GlobalPool | Scale | Dense


@dataclass(frozen=True, slots=True)
class Graph:
    """A network: layers in an order in which each input is computed before it is used."""

    name: str
    input: Tensor
    layers: tuple[GraphLayer, ...]
    output: Tensor

    @property
    def digest(self) -> str:
        """16 hex digits that change with anything in the graph."""
        layers: list[list[Any]] = [[type(one).__name__, asdict(one)] for one in self.layers]
        return digest([self.name, asdict(self.input), layers, asdict(self.output)])


def cost(graph: Graph) -> InferenceCost:
    """Counts the cost of an inference."""
    parameters = values = 0
    macs = dict.fromkeys(("pointwise", "depthwise", "spatial", "dense"), 0)
    for layer in graph.layers:
        values += layer.output.channels * layer.output.size**2
        if not isinstance(layer, Conv | Dense):
            continue
        weights = math.prod(layer.weight_shape)
        parameters += weights + layer.output.channels
        macs[_kind(layer)] += weights * layer.output.size**2
    return InferenceCost(
        **{f"{kind}_macs": found for kind, found in macs.items()},
        attention_macs=0,
        parameters=parameters,
        values=values,
        layers=len(graph.layers),
    )


def _kind(layer: Conv | Dense) -> str:
    """What its multiply-accumulates count as."""
    if isinstance(layer, Dense):
        return "dense"
    if layer.depthwise:
        return "depthwise"
    return "pointwise" if layer.kernel == 1 else "spatial"


def counts(graph: Graph) -> ModelCounts:
    """What `dse.formats.counts` finds in the graph's file in fp32."""
    needed = cost(graph)
    sides = (one.kernel for one in graph.layers if isinstance(one, Conv) and one.depthwise)
    return ModelCounts(
        cost=needed,
        points=graph.input.size**2,
        weight_bytes=4 * needed.parameters,
        filter_side=max(sides, default=0),
        sums=any(isinstance(one, Add) for one in graph.layers),
        gates=any(isinstance(one, Scale) for one in graph.layers),
    )


@dataclass(slots=True)
class GraphBuilder:
    """Collects layers; each method appends one and returns its output.

    Args:
        name: the network's name, the seed of its weights.
        resolution: side of the input in pixels.
    """

    name: str
    resolution: int
    _layers: list[GraphLayer] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.resolution < 1:
            raise ValueError(f"resolution {self.resolution} is not a number of pixels")

    @property
    def input(self) -> Tensor:
        """The image, with three channels."""
        return Tensor("input", 3, self.resolution)

    def conv(
        self,
        name: str,
        source: Tensor,
        channels: int,
        *,
        kernel: int = 1,
        stride: int = 1,
        activation: Activation = "none",
        symmetric: bool = False,
    ) -> Tensor:
        """Appends a full convolution to ``channels`` channels."""
        output = Tensor(name, channels, -(-source.size // stride))
        layer = Conv(name, source, output, kernel, stride, False, activation, symmetric)
        self._layers.append(layer)
        return output

    def depthwise(
        self,
        name: str,
        source: Tensor,
        *,
        kernel: int = 3,
        stride: int = 1,
        activation: Activation = "none",
    ) -> Tensor:
        """Appends a depthwise convolution with one filter per channel."""
        output = Tensor(name, source.channels, -(-source.size // stride))
        self._layers.append(Conv(name, source, output, kernel, stride, True, activation))
        return output

    def add(
        self,
        name: str,
        source: Tensor,
        other: Tensor,
        *,
        activation: Literal["none", "relu"] = "none",
    ) -> Tensor:
        """Appends a residual sum.

        Raises:
            ValueError: the shapes differ.
        """
        if (source.channels, source.size) != (other.channels, other.size):
            raise ValueError(f"{name}: {source} and {other} have no sum")
        output = Tensor(name, source.channels, source.size)
        self._layers.append(Add(name, source, other, output, activation))
        return output

    def max_pool(self, name: str, source: Tensor, *, kernel: int, stride: int) -> Tensor:
        """Appends the greatest value of each channel in windows of ``kernel`` pixels."""
        output = Tensor(name, source.channels, -(-source.size // stride))
        self._layers.append(MaxPool(name, source, output, kernel, stride))
        return output

    def global_pool(self, name: str, source: Tensor) -> Tensor:
        """Appends the mean of each channel."""
        output = Tensor(name, source.channels, 1)
        self._layers.append(GlobalPool(name, source, output))
        return output

    def squeeze_excite(self, name: str, source: Tensor, squeezed: int) -> Tensor:
        """Appends squeeze-and-excite: gates computed from the channels' means by hidden units."""
        pooled = self.global_pool(f"{name}/pool", source)
        hidden = self.conv(f"{name}/reduce", pooled, squeezed, activation="relu")
        gate = self.conv(f"{name}/expand", hidden, source.channels, activation="hsigmoid")
        output = Tensor(f"{name}/scale", source.channels, source.size)
        self._layers.append(Scale(output.name, source, gate, output))
        return output

    def classify(self, source: Tensor, classes: int) -> Graph:
        """Ends the network with a fully connected layer called ``logits``.

        Raises:
            ValueError: ``source`` has more than one pixel.
        """
        if source.size != 1:
            raise ValueError(f"{source} is not pooled")
        output = Tensor("logits", classes, 1)
        self._layers.append(Dense("classifier", source, output))
        return Graph(self.name, self.input, tuple(self._layers), output)
