"""Resizes images by area averaging, as OpenCV's ``INTER_AREA`` does, but for a level of 255.

A new pixel is the mean of the rectangle of the old image that it covers: old pixels that it covers
in part count by that part. Pillow's ``BOX`` counts them whole or not at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Indices = NDArray[np.intp]


def resize_and_crop(pixels: NDArray[np.uint8], side: int, crop: float) -> NDArray[np.uint8]:
    """Resizes an image and takes its central square, as MLPerf's reference of ResNet50 does.

    The longer side and the corner of the square are rounded down (mlcommons/inference,
    ``resize_with_aspectratio`` and ``center_crop`` of vision/classification_and_detection).

    Args:
        pixels: (height, width, 3).
        side: of the square in pixels.
        crop: what the square takes of the resized shorter side, in (0, 1].

    Returns:
        (side, side, 3), C-contiguous.
    """
    height, width, _ = pixels.shape
    shorter = round(side / crop)
    rows, columns = (
        _shares(size, shorter * size // min(height, width), side) for size in (height, width)
    )
    lower = _sums(pixels, *rows)
    square = _sums(lower.swapaxes(0, 1), *columns).swapaxes(0, 1)
    # Halves to even, as OpenCV does.
    return np.ascontiguousarray(np.rint(square), np.uint8)


def _shares(size: int, resized: int, side: int) -> tuple[Indices, Floats]:
    """What the central pixels of a resized axis take of the old ones.

    Returns:
        The first old pixel of each, (side,), and the shares of that one and the following ones,
        (side, count); those of a pixel sum to 1.
    """
    places = np.arange(side) + (resized - side) // 2
    if resized > size:
        return _enlarged_shares(places, resized / size)
    begin, end = places * size / resized, (places + 1) * size / resized
    first = np.floor(begin).astype(np.intp)
    old = first[:, None] + np.arange((np.ceil(end) - first).max())
    covered = np.minimum(end[:, None], old + 1) - np.maximum(begin[:, None], old)
    return first, np.maximum(covered, 0) / (end - begin)[:, None]


def _enlarged_shares(places: Indices, ratio: float) -> tuple[Indices, Floats]:
    """The same for pixels smaller than the old ones, which cover two of those at most.

    The order and the precision of these operations are OpenCV's: where the border of an old pixel
    coincides with one of a new pixel, they decide which of two old pixels is taken.
    """
    first = np.floor(places * (1 / ratio)).astype(np.intp)
    beyond = (places + 1 - (first + 1) * ratio).astype(np.float32)
    second = np.where(beyond > 0, beyond - np.floor(beyond), 0).astype(np.float64)
    return first, np.stack([1 - second, second], axis=1)


def _sums(values: NDArray[Any], first: Indices, shares: Floats) -> Floats:
    """The weighted sums of values along the first axis.

    Args:
        values: (size, ...).
        first: index of the first value of each sum, (count,).
        shares: weights of that and the following values, (count, most).

    Returns:
        (count, ...).
    """
    total = np.zeros((len(first), *values.shape[1:]))
    for step, weights in enumerate(shares.T):
        total += weights[:, None, None] * values[np.minimum(first + step, len(values) - 1)]
    return total
