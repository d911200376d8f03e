"""How an image becomes the input of a model, in words for who deploys it."""

from __future__ import annotations

import pytest

from dse.core.wording import WIDTH
from dse.tasks.image_classification.preprocessing import Preprocessing, preprocessing_lines

MEAN, SCALE = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
PLAIN = Preprocessing(224, mean=(127.5,) * 3, scale=(127.5,) * 3, label_offset=1)


@pytest.mark.parametrize(
    ("how", "told"),
    [
        (
            PLAIN,
            [
                "Input: RGB images of 224 x 224 pixels, NHWC, float32.",
                "Of each: its central 87.5 %, resized (bilinear).",
                "Each number: (pixel - mean) / scale, with pixels from 0 to 255,",
                "mean 127.5 and scale 127.5.",
                "Label: arg max of the scores, less 1.",
            ],
        ),
        (
            Preprocessing(224, "NCHW", "float16", MEAN, SCALE, interpolation="area"),
            [
                "Input: RGB images of 224 x 224 pixels, NCHW, float16.",
                "Of each: shorter side to 256 (area), then the central 224 x 224.",
                "Each number: (pixel - mean) / scale, with pixels from 0 to 255,",
                "mean [123.675, 116.28, 103.53] and scale [58.395, 57.12, 57.375].",
            ],
        ),
    ],
)
def test_an_input_is_told_as_it_was_fed(how: Preprocessing, told: list[str]) -> None:
    assert preprocessing_lines(how) == told
    assert max(map(len, told)) <= WIDTH - len("# ")


@pytest.mark.parametrize(
    ("how", "told"),
    [
        (Preprocessing(8, dtype="uint8"), "the pixel, from 0 to 255."),
        (Preprocessing(8, dtype="int8"), "the pixel, from 0 to 255, less 128."),
        (
            Preprocessing(8, dtype="int8", quantisation=(0.5, -3)),
            "round((pixel - mean) / scale / 0.5) - 3, with pixels from 0 to 255,",
        ),
    ],
)
def test_integers_stand_for_pixels_or_for_what_is_normalised(how: Preprocessing, told: str) -> None:
    assert preprocessing_lines(how)[2] == f"Each number: {told}"
