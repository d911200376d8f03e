"""The graphs of MobileNet V1, V2 and V3, as trained with TF-slim, EfficientNet-Lite and ResNet50.

V1: Howard et al., arXiv:1704.04861, table 1. V2: Sandler et al., arXiv:1801.04381, table 2.
V3: Howard et al., arXiv:1905.02244, tables 1 and 2; its minimalistic flavours keep every channel
count, and replace hard swish by ReLU, 5x5 by 3x3 filters and squeeze-and-excite by nothing.
EfficientNet: Tan and Le, arXiv:1905.11946, table 1; the Lite networks, published in tensorflow/tpu,
drop squeeze-and-excite, use ReLU6, and scale neither stem nor head nor the repeats of the first and
the last group.
ResNet50: He et al., arXiv:1512.03385, table 1. Version 1.5, MLPerf's, strides in the 3 x 3
convolution of a block and not in the 1 x 1 before it; paddings are those of its reference
(tensorflow/models, official/resnet).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from dse.tasks.image_classification.models.graph import GraphBuilder, make_divisible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dse.tasks.image_classification.models.graph import Activation, Graph, Tensor

Flavour = Literal["large", "small", "large-minimalistic", "small-minimalistic"]

# Channels at width 1 and stride of each depthwise separable layer.
_V1_LAYERS = (
    *((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)),
    *((512, 1),) * 5,
    *((1024, 2), (1024, 1)),
)

# Each group: expansion factor, channels at width 1, repeats, filter, stride of the first.
_Group = tuple[int, int, int, int, int]
_V2_GROUPS: tuple[_Group, ...] = (
    (1, 16, 1, 3, 1),
    (6, 24, 2, 3, 2),
    (6, 32, 3, 3, 2),
    (6, 64, 4, 3, 2),
    (6, 96, 3, 3, 1),
    (6, 160, 3, 3, 2),
    (6, 320, 1, 3, 1),
)
_LITE_GROUPS: tuple[_Group, ...] = (
    (1, 16, 1, 3, 1),
    (6, 24, 2, 3, 2),
    (6, 40, 2, 5, 2),
    (6, 80, 3, 3, 2),
    (6, 112, 3, 5, 1),
    (6, 192, 4, 5, 2),
    (6, 320, 1, 3, 1),
)

# Each row: channels inside at width 1, channels out, filter, stride, gated, hard swish.
_Row = tuple[int, int, int, int, bool, bool]
_V3_LARGE: tuple[_Row, ...] = (
    (16, 16, 3, 1, False, False),
    (64, 24, 3, 2, False, False),
    (72, 24, 3, 1, False, False),
    (72, 40, 5, 2, True, False),
    *((120, 40, 5, 1, True, False),) * 2,
    (240, 80, 3, 2, False, True),
    (200, 80, 3, 1, False, True),
    *((184, 80, 3, 1, False, True),) * 2,
    (480, 112, 3, 1, True, True),
    (672, 112, 3, 1, True, True),
    (672, 160, 5, 2, True, True),
    *((960, 160, 5, 1, True, True),) * 2,
)
_V3_SMALL: tuple[_Row, ...] = (
    (16, 16, 3, 2, True, False),
    (72, 24, 3, 2, False, False),
    (88, 24, 3, 1, False, False),
    (96, 40, 5, 2, True, True),
    *((240, 40, 5, 1, True, True),) * 2,
    (120, 48, 5, 1, True, True),
    (144, 48, 5, 1, True, True),
    (288, 96, 5, 2, True, True),
    *((576, 96, 5, 1, True, True),) * 2,
)
_V3_HEADS = {"large": (960, 1280), "small": (576, 1024)}

# Each group of bottlenecks: channels inside at width 1, repeats, stride of the first.
_RESNET50_GROUPS = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))
_BOTTLENECK_EXPANSION = 4
"""Channels that leave a bottleneck for each one inside."""


@dataclass(frozen=True, slots=True)
class _Block:
    """An inverted residual block (arXiv:1801.04381, section 3.3).

    Attributes:
        expanded: channels inside the block; there is no expansion if the input has as many.
        channels: channels of the output.
        kernel: side of the depthwise filter in pixels.
        stride: stride of the depthwise convolution.
        activation: activation after expansion and depthwise convolution; the projection is linear.
        squeezed: hidden units of squeeze-and-excite; 0 for a block without it.
    """

    expanded: int
    channels: int
    kernel: int
    stride: int
    activation: Activation
    squeezed: int = 0


def mobilenet_v1(name: str, width: float, resolution: int, classes: int = 1001) -> Graph:
    """MobileNet V1 of any width multiplier and resolution.

    Unlike its successors it truncates scaled channel counts, to at least 8, without rounding
    them to multiples of 8.
    """
    graph = GraphBuilder(name, resolution)

    def scaled(channels: int) -> int:
        return max(int(channels * width), 8)

    net = graph.conv("stem", graph.input, scaled(32), kernel=3, stride=2, activation="relu6")
    for number, (channels, stride) in enumerate(_V1_LAYERS, start=1):
        layer = f"layer{number}"
        net = graph.depthwise(f"{layer}/depthwise", net, stride=stride, activation="relu6")
        net = graph.conv(f"{layer}/pointwise", net, scaled(channels), activation="relu6")
    return graph.classify(graph.global_pool("pool", net), classes)


def mobilenet_v2(name: str, width: float, resolution: int, classes: int = 1001) -> Graph:
    """MobileNet V2 of any width multiplier and resolution.

    A width below 1 does not shrink the last convolution (section 4.1 of the paper).
    """
    graph = GraphBuilder(name, resolution)
    head = make_divisible(1280 * max(width, 1.0))
    return _grouped(graph, _V2_GROUPS, width, make_divisible(32 * width), head, classes)


def efficientnet_lite(
    name: str, width: float, depth: float, resolution: int, classes: int = 1000
) -> Graph:
    """EfficientNet-Lite of any width and depth coefficient and resolution."""
    first, *inner, last = _LITE_GROUPS
    deeper = ((f, c, math.ceil(repeats * depth), k, s) for f, c, repeats, k, s in inner)
    graph = GraphBuilder(name, resolution)
    return _grouped(graph, (first, *deeper, last), width, 32, 1280, classes)


def mobilenet_v3(
    name: str, flavour: Flavour, width: float, resolution: int, classes: int = 1001
) -> Graph:
    """MobileNet V3 of any width multiplier and resolution.

    A width below 1 does not shrink the layer before the classifier, as in the published weights
    of width 0.75.
    """
    size, _, minimalistic = flavour.partition("-")
    swish: Activation = "relu" if minimalistic else "hswish"
    graph = GraphBuilder(name, resolution)
    stem = make_divisible(16 * width)
    net = graph.conv("stem", graph.input, stem, kernel=3, stride=2, activation=swish)
    rows, previous = (_V3_LARGE if size == "large" else _V3_SMALL), 16
    for number, (inner, channels, kernel, stride, gated, swished) in enumerate(rows, start=1):
        # The expansion is a factor of the scaled input, so that it rounds only once.
        expanded = make_divisible(net.channels * inner / previous)
        block = _Block(
            expanded=expanded,
            channels=make_divisible(channels * width),
            kernel=3 if minimalistic else kernel,
            stride=stride,
            activation=swish if swished else "relu",
            squeezed=make_divisible(expanded / 4) if gated and not minimalistic else 0,
        )
        net = _inverted_residual(graph, f"block{number}", net, block)
        previous = channels
    last, features = _V3_HEADS[size]
    net = graph.conv("head", net, make_divisible(last * width), activation=swish)
    net = graph.global_pool("pool", net)
    wide = make_divisible(features * max(width, 1.0))
    net = graph.conv("features", net, wide, activation=swish)
    return graph.classify(net, classes)


def resnet50_v1_5(name: str, width: float, resolution: int, classes: int = 1001) -> Graph:
    """ResNet50 v1.5 of any width multiplier and resolution."""
    graph = GraphBuilder(name, resolution)
    stem = make_divisible(64 * width)
    net = graph.conv(
        "stem", graph.input, stem, kernel=7, stride=2, activation="relu", symmetric=True
    )
    net = graph.max_pool("max_pool", net, kernel=3, stride=2)
    number = 0
    for channels, repeats, first_stride in _RESNET50_GROUPS:
        for repeat in range(repeats):
            number += 1
            stride = first_stride if repeat == 0 else 1
            net = _bottleneck(
                graph, f"block{number}", net, make_divisible(channels * width), stride
            )
    return graph.classify(graph.global_pool("pool", net), classes)


def _bottleneck(
    graph: GraphBuilder, name: str, source: Tensor, channels: int, stride: int
) -> Tensor:
    """Appends a block: reduce, 3 x 3, expand, and the sum with its input or a projection of it."""
    expanded = _BOTTLENECK_EXPANSION * channels
    shortcut = source
    if (source.channels, stride) != (expanded, 1):
        shortcut = graph.conv(f"{name}/shortcut", source, expanded, stride=stride)
    inner = graph.conv(f"{name}/reduce", source, channels, activation="relu")
    inner = graph.conv(
        f"{name}/spatial",
        inner,
        channels,
        kernel=3,
        stride=stride,
        activation="relu",
        symmetric=True,
    )
    inner = graph.conv(f"{name}/expand", inner, expanded)
    return graph.add(f"{name}/add", inner, shortcut, activation="relu")


def _grouped(
    graph: GraphBuilder, groups: Iterable[_Group], width: float, stem: int, head: int, classes: int
) -> Graph:
    """A stem, groups of equal blocks but for the stride of the first, and a head."""
    net = graph.conv("stem", graph.input, stem, kernel=3, stride=2, activation="relu6")
    number = 0
    for factor, channels, repeats, kernel, first_stride in groups:
        for repeat in range(repeats):
            number += 1
            block = _Block(
                expanded=net.channels * factor,
                channels=make_divisible(channels * width),
                kernel=kernel,
                stride=first_stride if repeat == 0 else 1,
                activation="relu6",
            )
            net = _inverted_residual(graph, f"block{number}", net, block)
    net = graph.conv("head", net, head, activation="relu6")
    return graph.classify(graph.global_pool("pool", net), classes)


def _inverted_residual(graph: GraphBuilder, name: str, source: Tensor, block: _Block) -> Tensor:
    """Appends a block: expand, depthwise, gate, project, and the residual if shapes allow it."""
    inner = source
    if block.expanded > source.channels:
        inner = graph.conv(f"{name}/expand", inner, block.expanded, activation=block.activation)
    inner = graph.depthwise(
        f"{name}/depthwise",
        inner,
        kernel=block.kernel,
        stride=block.stride,
        activation=block.activation,
    )
    if block.squeezed:
        inner = graph.squeeze_excite(f"{name}/squeeze", inner, block.squeezed)
    output = graph.conv(f"{name}/project", inner, block.channels)
    if block.stride == 1 and block.channels == source.channels:
        output = graph.add(f"{name}/add", output, source)
    return output
