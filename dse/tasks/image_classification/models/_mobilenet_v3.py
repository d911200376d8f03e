"""MobileNet V3 (Howard et al., arXiv:1905.02244, tables 1 and 2), as trained with TF-slim.

The minimalistic flavours keep every channel count, and replace hard swish by ReLU, 5x5 by 3x3
filters and squeeze-and-excite by nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from dse.tasks.image_classification.models._blocks import Block, inverted_residual
from dse.tasks.image_classification.models.graph import GraphBuilder, make_divisible

if TYPE_CHECKING:
    from dse.tasks.image_classification.models.graph import Activation, Graph

Flavour = Literal["large", "small", "large-minimalistic", "small-minimalistic"]

# Each row: channels inside at width 1, channels out, filter, stride, gated, hard swish.
_Row = tuple[int, int, int, int, bool, bool]

_LARGE: tuple[_Row, ...] = (
    (16, 16, 3, 1, False, False),
    (64, 24, 3, 2, False, False),
    (72, 24, 3, 1, False, False),
    (72, 40, 5, 2, True, False),
    (120, 40, 5, 1, True, False),
    (120, 40, 5, 1, True, False),
    (240, 80, 3, 2, False, True),
    (200, 80, 3, 1, False, True),
    (184, 80, 3, 1, False, True),
    (184, 80, 3, 1, False, True),
    (480, 112, 3, 1, True, True),
    (672, 112, 3, 1, True, True),
    (672, 160, 5, 2, True, True),
    (960, 160, 5, 1, True, True),
    (960, 160, 5, 1, True, True),
)
_SMALL: tuple[_Row, ...] = (
    (16, 16, 3, 2, True, False),
    (72, 24, 3, 2, False, False),
    (88, 24, 3, 1, False, False),
    (96, 40, 5, 2, True, True),
    (240, 40, 5, 1, True, True),
    (240, 40, 5, 1, True, True),
    (120, 48, 5, 1, True, True),
    (144, 48, 5, 1, True, True),
    (288, 96, 5, 2, True, True),
    (576, 96, 5, 1, True, True),
    (576, 96, 5, 1, True, True),
)
_HEADS = {"large": (960, 1280), "small": (576, 1024)}


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
    rows, previous = (_LARGE if size == "large" else _SMALL), 16
    for number, (inner, channels, kernel, stride, gated, swished) in enumerate(rows, start=1):
        # The expansion is a factor of the scaled input, so that it rounds only once.
        expanded = make_divisible(net.channels * inner / previous)
        block = Block(
            expanded=expanded,
            channels=make_divisible(channels * width),
            kernel=3 if minimalistic else kernel,
            stride=stride,
            activation=swish if swished else "relu",
            squeezed=make_divisible(expanded / 4) if gated and not minimalistic else 0,
        )
        net = inverted_residual(graph, f"block{number}", net, block)
        previous = channels
    last, features = _HEADS[size]
    net = graph.conv("head", net, make_divisible(last * width), activation=swish)
    net = graph.global_pool("pool", net)
    wide = make_divisible(features * max(width, 1.0))
    net = graph.conv("features", net, wide, activation=swish)
    return graph.classify(net, classes)
