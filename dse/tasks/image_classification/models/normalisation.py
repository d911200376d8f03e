"""Detects a mean and scale that are written for another range of pixels.

Here a pixel from 0 to 255 becomes (pixel - mean) / scale. Elsewhere pixels are 0 to 1, or are
multiplied instead of divided; such values run as well and give a wrong accuracy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dse.tasks.image_classification.preprocessing import Preprocessing

MAX_PIXEL = 255
"""Largest value of a pixel."""
MAX_FACTOR = 0.05
"""Largest scale that is a factor: factors for pixels up to 255 are at most 1 / 58. Deviations of
pixels from 0 to 1 are above 0.2."""


def correction(preprocessing: Preprocessing) -> str:
    """The mean and scale that were most likely meant; empty if nothing looks wrong.

    Source: means of images are about 0.45 and deviations about 0.22 of the largest pixel, so a real
    mean does not lie in (0, 1], and a real scale does not lie below 1. Raw pixels (mean 0, scale 1)
    are accepted.
    """
    if preprocessing.dtype in ("uint8", "int8") and preprocessing.quantisation is None:
        return ""  # takes raw pixels
    mean, scale = preprocessing.mean, preprocessing.scale
    small_mean = all(0 <= each <= 1 for each in mean) and any(mean)
    small_scale = all(0 < each < 1 for each in scale)
    if not small_mean and not small_scale:
        return ""
    if small_mean:
        mean = _multiply(mean, MAX_PIXEL)
    if small_scale and max(scale) <= MAX_FACTOR:
        scale = (1 / scale[0], 1 / scale[1], 1 / scale[2])
    elif all(0 < each <= 1 for each in scale):
        scale = _multiply(scale, MAX_PIXEL)
    return f"write mean: {format_values(mean)}, scale: {format_values(scale)}"


def _multiply(values: tuple[float, float, float], factor: float) -> tuple[float, float, float]:
    return values[0] * factor, values[1] * factor, values[2] * factor


def format_values(values: Sequence[float]) -> str:
    """The text in a manifest: a single number if all are equal."""
    shown = [f"{value:.6g}" for value in values]
    return shown[0] if len(set(shown)) == 1 else f"[{', '.join(shown)}]"
