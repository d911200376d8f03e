"""The 8-bit numbers that weights are rounded to, and what rounding shifts.

Unless all 8 bits are asked for, no sum of two products saturates with them.

x86 CPUs without VNNI multiply unsigned 8-bit activations by signed 8-bit weights with VPMADDUBSW.
It adds two neighbouring products in 16 bits, with saturation: 255 x 127 x 2 is beyond 32,767, and
what is beyond is lost. Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume
2. Where the weights of each pair that may meet there sum to 128 at most, nothing can be lost, on
any CPU: 255 x 128 is 32,640.

In all functions weights are an array (channels, weights of a channel), of output channels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dse.core.quantisation import Method

    Floats = NDArray[np.float32]

Meeting = Literal["none", "neighbours", "any"]
"""Which weights of a channel may be multiplied in one instruction."""

MAX_WEIGHT = 127
"""Largest value of symmetric int8 weights."""
MAX_REDUCED = 64
"""The same of weights of 7 bits, as onnxruntime has it: two of them are `MAX_PAIR` at most."""
MAX_PAIR = 128
"""The largest sum of two weights that meet, in absolute terms."""
_MARGIN = 1 + 1e-6
"""Keeps two weights that both round up below the bound, whatever floating point makes of them."""


def scales_of_single(weights: Floats) -> Floats:
    """Scales for weights that meet no other, as in depthwise convolutions.

    Returns:
        (channels,): the step of the int8 weights in each; 1 where all weights are zero.
    """
    return _steps(np.abs(weights).max(axis=1, initial=0) / MAX_WEIGHT)


def scales_of_neighbours(weights: Floats) -> Floats:
    """Scales for weights of which the first meets the second, the third the fourth and so on.

    Such are those of a matrix product or of a 1 x 1 convolution, in the order of its inputs.

    Returns:
        (channels,): the step of the int8 weights in each; 1 where all weights are zero.
    """
    channels, count = weights.shape
    padded = np.pad(weights.astype(np.float64), ((0, 0), (0, count % 2)))
    pairs = padded.reshape(channels, -1, 2)
    sums = np.abs(pairs.sum(axis=2)).max(axis=1, initial=0)
    return np.maximum(scales_of_single(weights), _steps(sums / MAX_PAIR * _MARGIN, empty=0))


def scales_of_any(weights: Floats) -> Floats:
    """Scales for weights of which any two may meet: each runtime orders them in its own way.

    Such are those of a convolution with a larger kernel.

    Returns:
        (channels,): the step of the int8 weights in each; 1 where all weights are zero.
    """
    ordered = np.sort(np.pad(weights.astype(np.float64), ((0, 0), (0, 2))), axis=1)
    lowest, highest = ordered[:, :2].clip(max=0), ordered[:, -2:].clip(min=0)
    sums = np.maximum(-lowest.sum(axis=1), highest.sum(axis=1))
    return np.maximum(scales_of_single(weights), _steps(sums / MAX_PAIR * _MARGIN, empty=0))


@dataclass(frozen=True, slots=True)
class Grid:
    """What 8 bits stand for in each channel: ``(steps - zeros) * scales``.

    Attributes:
        scales: (channels,).
        zeros: (channels,), of the steps' type.
        low: the least step.
        high: the greatest step.
    """

    scales: Floats
    zeros: NDArray[Any]
    low: int
    high: int

    def to_steps(self, weights: Floats) -> NDArray[Any]:
        """The weights in 8 bits, (channels, weights of a channel)."""
        steps = np.rint(weights / self.scales[:, None]) + self.zeros[:, None]
        return np.asarray(np.clip(steps, self.low, self.high), self.zeros.dtype)

    def rounded(self, weights: Floats) -> Floats:
        """What 8 bits make of the weights, in their own units."""
        steps = self.to_steps(weights).astype(np.float32) - self.zeros[:, None]
        return np.asarray(steps * self.scales[:, None], np.float32)

    def shared(self, others: Sequence[Grid]) -> Grid:
        """The grid that suits the same weights in several places."""
        return self.wider(np.maximum.reduce([self.scales, *(one.scales for one in others)]))

    def wider(self, least: Floats) -> Grid:
        """The grid with scales of at least these."""
        return replace(self, scales=np.maximum(self.scales, least))


def choose_grid(weights: Floats, meeting: Meeting, method: Method) -> Grid:
    """The grid that a method gives weights.

    Args:
        weights: (channels, weights of a channel).
        meeting: which of them may meet.
        method: how the file is made.
    """
    reduced = method.weight_range == "reduced"
    if method.weight_type == "uint8":
        return _unsigned(weights, 127 if reduced else 255, method)
    if method.weight_range == "safe":
        scales, high = _SCALES[meeting](weights), MAX_WEIGHT
    else:
        high = MAX_REDUCED if reduced else MAX_WEIGHT
        scales = _steps(np.abs(weights).max(axis=1, initial=0) / high)
    if not method.per_channel:
        used = scales[weights.any(axis=1)]
        scales = np.full_like(scales, used.max() if len(used) else 1)
    return Grid(scales, np.zeros(len(scales), np.int8), -high, high)


def _unsigned(weights: Floats, high: int, method: Method) -> Grid:
    """Steps from the least to the greatest weight, zero among them."""
    least, most = weights.min(axis=1, initial=0), weights.max(axis=1, initial=0)
    if not method.per_channel:
        least, most = np.full_like(least, least.min()), np.full_like(most, most.max())
    scales = _steps((most - least) / high)
    zeros = np.clip(np.rint(-least / scales), 0, high).astype(np.uint8)
    return Grid(scales, zeros, 0, high)


def mean_shift(changes: Floats, means: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far rounded weights move the mean of each output.

    Rounding is not fair to the mean: inputs after a ReLU are all positive. What a bias takes back
    costs nothing. Source: Nagel et al., Data-Free Quantization Through Weight Equalization and
    Bias Correction, 2019, section 4.2.

    Args:
        changes: (outputs, inputs of a group): what rounding adds to the weights, summed over a
            kernel.
        means: (inputs,): of all inputs. Outputs come group by group, as their inputs do.

    Returns:
        (outputs,), in the outputs' units.
    """
    outputs, per_group = changes.shape
    groups = len(means) // per_group
    group_of = np.arange(outputs) // (outputs // groups)
    inputs = means.reshape(groups, per_group)[group_of]
    return np.asarray((changes.astype(np.float64) * inputs).sum(axis=1))


def _steps(largest: NDArray[np.floating], empty: float = 1) -> Floats:
    steps = largest.astype(np.float32)
    return np.where(steps < np.finfo(np.float32).tiny, np.float32(empty), steps)


_SCALES = {
    "none": scales_of_single,
    "neighbours": scales_of_neighbours,
    "any": scales_of_any,
}
