"""What one inference of one sample takes, by kind of layer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class InferenceCost:
    """What one inference of one sample takes.

    Bias, activations, pooling, residual sums and gate products are no multiply-accumulates.

    Attributes:
        pointwise_macs: multiply-accumulates of convolutions with filters of one pixel.
        depthwise_macs: those of convolutions with filters for each channel by itself.
        spatial_macs: those of all other convolutions.
        dense_macs: those of other products with weights.
        attention_macs: those of products of two computed values.
        parameters: weights and biases, with batch normalisation folded into them.
        values: the numbers that all layers write.
        layers: the number of layers.
    """

    pointwise_macs: int
    depthwise_macs: int
    spatial_macs: int
    dense_macs: int
    attention_macs: int
    parameters: int
    values: int
    layers: int

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all layers together."""
        return sum(self.macs_by_kind)

    @property
    def macs_by_kind(self) -> tuple[int, ...]:
        """Multiply-accumulates of pointwise, depthwise, spatial, dense and attention layers."""
        return (
            self.pointwise_macs,
            self.depthwise_macs,
            self.spatial_macs,
            self.dense_macs,
            self.attention_macs,
        )


@dataclass(frozen=True, slots=True)
class ModelCounts:
    """What can be counted in a model's file, whatever it and its parts are called.

    Attributes:
        cost: what one inference of one sample takes; its multiply-accumulates are above 0.
        points: positions of the largest input, such as pixels or tokens, without channels.
        weight_bytes: size of all weights and biases as they are stored.
        zeros: share of the weights of layers that are zero, 0 to 1, estimated by a part of them.
        filter_side: side of the largest depthwise filter in pixels; 0 without any.
        sums: whether there are residual sums.
        gates: whether channels are multiplied by computed gates, as in squeeze-and-excite.
    """

    cost: InferenceCost
    points: int
    weight_bytes: int
    zeros: float = 0.0
    filter_side: int = 0
    sums: bool = False
    gates: bool = False
