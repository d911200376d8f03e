"""The inverted residual block of MobileNet V2, V3 and EfficientNet-Lite."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dse.tasks.image_classification.models.graph import Activation, GraphBuilder, Tensor


@dataclass(frozen=True, slots=True)
class Block:
    """An inverted residual block (Sandler et al., arXiv:1801.04381, section 3.3).

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


def inverted_residual(graph: GraphBuilder, name: str, source: Tensor, block: Block) -> Tensor:
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
