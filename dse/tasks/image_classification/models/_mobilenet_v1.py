"""MobileNet V1 (Howard et al., arXiv:1704.04861, table 1), as trained with TF-slim."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.tasks.image_classification.models.graph import GraphBuilder

if TYPE_CHECKING:
    from dse.tasks.image_classification.models.graph import Graph

# (channels at width 1, stride) of each depthwise separable layer.
_LAYERS = (
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (1024, 2),
    (1024, 1),
)


def mobilenet_v1(name: str, width: float, resolution: int, classes: int = 1001) -> Graph:
    """MobileNet V1 of any width multiplier and resolution.

    Unlike its successors it truncates scaled channel counts, to at least 8, without rounding
    them to multiples of 8.
    """
    graph = GraphBuilder(name, resolution)

    def scaled(channels: int) -> int:
        return max(int(channels * width), 8)

    net = graph.conv("stem", graph.input, scaled(32), kernel=3, stride=2, activation="relu6")
    for number, (channels, stride) in enumerate(_LAYERS, start=1):
        layer = f"layer{number}"
        net = graph.depthwise(f"{layer}/depthwise", net, stride=stride, activation="relu6")
        net = graph.conv(f"{layer}/pointwise", net, scaled(channels), activation="relu6")
    return graph.classify(graph.global_pool("pool", net), classes)
