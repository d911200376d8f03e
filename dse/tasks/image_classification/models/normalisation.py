"""Whether mean and scale of a model are written for other pixels than the ones it gets here.

Here a pixel from 0 to 255 becomes (pixel - mean) / scale. Elsewhere pixels go from 0 to 1, or are
multiplied instead of divided; such values run all the same and give a wrong accuracy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dse.tasks.image_classification.preprocessing import Preprocessing

MAX_PIXEL = 255
"""Of a pixel."""
MAX_FACTOR = 0.05
"""A scale up to here is a factor: 1 / 58 or less where pixels go to 255. Deviations of pixels from
0 to 1 are above 0.2."""


def correction(preprocessing: Preprocessing) -> str:
    """Mean and scale as they most likely ought to be written; empty where nothing looks wrong.

    Source: of images the means are about 0.45 and the deviations 0.22 of the largest pixel, so
    that no real mean lies above 0 and up to 1, and no real scale below 1. Raw pixels (mean 0, scale
    1) are as good as any.
    """
    if preprocessing.dtype in ("uint8", "int8") and preprocessing.quantisation is None:
        return ""  # takes pixels as they are
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
    return f"write mean: {_format_values(mean)}, scale: {_format_values(scale)}"


def _multiply(values: tuple[float, float, float], factor: float) -> tuple[float, float, float]:
    return values[0] * factor, values[1] * factor, values[2] * factor


def _format_values(values: Sequence[float]) -> str:
    """As in a manifest: one number where all are the same."""
    shown = [f"{value:.6g}" for value in values]
    return shown[0] if len(set(shown)) == 1 else f"[{', '.join(shown)}]"
