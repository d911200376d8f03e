"""Scales of int8 weights with which no sum of two products saturates, and what rounding shifts.

x86 CPUs without VNNI multiply unsigned 8-bit activations by signed 8-bit weights with VPMADDUBSW.
It adds two neighbouring products in 16 bits, with saturation: 255 x 127 x 2 is beyond 32,767, and
what is beyond is lost. Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume
2. Where the weights of each pair that may meet there sum to 128 at most, nothing can be lost, on
any CPU: 255 x 128 is 32,640.

In all functions weights are an array (channels, weights of a channel), of output channels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

MAX_WEIGHT = 127
"""Largest value of symmetric int8 weights."""
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


def to_steps(weights: Floats, scales: Floats) -> NDArray[np.int8]:
    """The weights in int8."""
    steps = np.clip(np.rint(weights / scales[:, None]), -MAX_WEIGHT, MAX_WEIGHT)
    return np.asarray(steps, np.int8)


def rounded(weights: Floats, scales: Floats) -> Floats:
    """What int8 makes of the weights, in their own units."""
    return np.asarray(to_steps(weights, scales) * scales[:, None], np.float32)


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
