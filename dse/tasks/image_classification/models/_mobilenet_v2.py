"""MobileNet V2 (Sandler et al., arXiv:1801.04381, table 2), as trained with TF-slim."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.tasks.image_classification.models._blocks import Block, inverted_residual
from dse.tasks.image_classification.models.graph import GraphBuilder, make_divisible

if TYPE_CHECKING:
    from dse.tasks.image_classification.models.graph import Graph

# (expansion factor, channels at width 1, repeats, stride of the first).
_GROUPS = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def mobilenet_v2(name: str, width: float, resolution: int, classes: int = 1001) -> Graph:
    """MobileNet V2 of any width multiplier and resolution.

    A width below 1 does not shrink the last convolution (section 4.1 of the paper).
    """
    graph = GraphBuilder(name, resolution)
    stem = make_divisible(32 * width)
    net = graph.conv("stem", graph.input, stem, kernel=3, stride=2, activation="relu6")
    number = 0
    for factor, channels, repeats, first_stride in _GROUPS:
        for repeat in range(repeats):
            number += 1
            block = Block(
                expanded=net.channels * factor,
                channels=make_divisible(channels * width),
                kernel=3,
                stride=first_stride if repeat == 0 else 1,
                activation="relu6",
            )
            net = inverted_residual(graph, f"block{number}", net, block)
    head = make_divisible(1280 * max(width, 1.0))
    net = graph.conv("head", net, head, activation="relu6")
    return graph.classify(graph.global_pool("pool", net), classes)
