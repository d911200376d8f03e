"""EfficientNet-Lite, from EfficientNet (Tan and Le, arXiv:1905.11946, table 1).

The Lite networks, published in tensorflow/tpu, drop squeeze-and-excite, use ReLU6, and scale
neither stem nor head nor the repeats of the first and the last group.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dse.tasks.image_classification.models._blocks import Block, inverted_residual
from dse.tasks.image_classification.models.graph import GraphBuilder, make_divisible

if TYPE_CHECKING:
    from dse.tasks.image_classification.models.graph import Graph

# (expansion factor, channels at width 1, repeats at depth 1, filter, stride of the first).
_GROUPS = (
    (1, 16, 1, 3, 1),
    (6, 24, 2, 3, 2),
    (6, 40, 2, 5, 2),
    (6, 80, 3, 3, 2),
    (6, 112, 3, 5, 1),
    (6, 192, 4, 5, 2),
    (6, 320, 1, 3, 1),
)


def efficientnet_lite(
    name: str, width: float, depth: float, resolution: int, classes: int = 1000
) -> Graph:
    """EfficientNet-Lite of any width and depth coefficient and resolution."""
    graph = GraphBuilder(name, resolution)
    net = graph.conv("stem", graph.input, 32, kernel=3, stride=2, activation="relu6")
    number = 0
    for group, (factor, channels, repeats, kernel, first_stride) in enumerate(_GROUPS):
        fixed = group in {0, len(_GROUPS) - 1}
        for repeat in range(repeats if fixed else math.ceil(repeats * depth)):
            number += 1
            block = Block(
                expanded=net.channels * factor,
                channels=make_divisible(channels * width),
                kernel=kernel,
                stride=first_stride if repeat == 0 else 1,
                activation="relu6",
            )
            net = inverted_residual(graph, f"block{number}", net, block)
    net = graph.conv("head", net, 1280, activation="relu6")
    return graph.classify(graph.global_pool("pool", net), classes)
