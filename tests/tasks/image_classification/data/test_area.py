"""Area averaging, held against means of repeated pixels and against OpenCV's own results."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.tasks.image_classification.data._area import resize_and_crop

if TYPE_CHECKING:
    from numpy.typing import NDArray

OPENCV = json.loads((Path(__file__).parent / "opencv_area.json").read_text())
"""Results of OpenCV 4.11.0, and the same of 5.0.0: of ``cv2.resize`` with ``INTER_AREA``, in the
sizes of MLPerf's reference, of `noise(*size)`; cut to the central square of ``side`` pixels."""


def noise(height: int, width: int) -> NDArray[np.uint8]:
    """Pixels that a generator's raw bits give, the same with any numpy."""
    size = height * width * 3
    words = np.random.PCG64([height, width]).random_raw(-(-size // 8))
    return words.astype("<u8").view(np.uint8)[:size].reshape(height, width, 3)


def means(pixels: NDArray[np.uint8], height: int, width: int) -> NDArray[np.float64]:
    """Each pixel repeated until the new ones are means of whole ones."""
    wide = pixels.repeat(height, axis=0).repeat(width, axis=1)
    rows, columns, _ = pixels.shape
    return np.asarray(wide.reshape(height, rows, width, columns, 3).mean(axis=(1, 3)))


def central(pixels: NDArray[np.float64], side: int) -> NDArray[np.float64]:
    top, left = ((size - side) // 2 for size in pixels.shape[:2])
    return pixels[top : top + side, left : left + side]


@given(
    more=st.tuples(st.integers(0, 20), st.integers(0, 20)),
    side=st.integers(1, 9),
    crop=st.sampled_from((0.5, 0.75, 0.875, 1.0)),
)
def test_a_new_pixel_is_the_mean_of_what_it_covers(
    more: tuple[int, int], side: int, crop: float
) -> None:
    shorter = round(side / crop)
    sizes = shorter + more[0], shorter + more[1]
    height, width = (int(shorter * size / min(sizes)) for size in sizes)
    found = resize_and_crop(noise(*sizes), side, crop)
    assert found.shape == (side, side, 3)
    assert found.flags.c_contiguous
    expected = central(means(noise(*sizes), height, width), side)
    assert np.abs(found - expected).max() <= 0.5 + 1e-9


@pytest.mark.parametrize("case", OPENCV, ids=lambda case: "x".join(map(str, case["size"])))
def test_it_is_opencv_s_but_for_a_level(case: dict[str, Any]) -> None:
    ours = resize_and_crop(noise(*case["size"]), case["side"], 0.875)
    theirs = np.frombuffer(base64.b64decode(case["pixels"]), np.uint8).reshape(ours.shape)
    apart = np.abs(ours.astype(int) - theirs)
    assert apart.max() <= 1
    # Most at half the size, where OpenCV rounds halves up.
    assert (apart > 0).mean() < 0.15


def test_one_colour_stays_the_colour() -> None:
    for height, width in ((1, 1), (1, 50), (50, 1), (300, 400), (255, 257)):
        pixels = np.full((height, width, 3), (0, 77, 255), np.uint8)
        found = resize_and_crop(pixels, 16, 0.875)
        assert (found == (0, 77, 255)).all()
