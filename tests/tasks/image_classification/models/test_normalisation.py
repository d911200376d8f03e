"""Means and scales that are written for other pixels."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dse.tasks.image_classification.models.normalisation import correction
from dse.tasks.image_classification.preprocessing import Preprocessing

if TYPE_CHECKING:
    from dse.tasks.image_classification.preprocessing import InputDtype

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
MEAN_255 = (123.675, 116.28, 103.53)
STD_255 = (58.395, 57.12, 57.375)
FULL = "write mean: [123.675, 116.28, 103.53], scale: [58.395, 57.12, 57.375]"


def of(
    mean: tuple[float, ...], scale: tuple[float, ...], dtype: InputDtype = "float32"
) -> Preprocessing:
    three = (*mean, *mean, *mean)[:3], (*scale, *scale, *scale)[:3]
    (m0, m1, m2), (s0, s1, s2) = three
    return Preprocessing(224, dtype=dtype, mean=(m0, m1, m2), scale=(s0, s1, s2))


@pytest.mark.parametrize(
    ("mean", "scale", "told"),
    [
        (MEAN, STD, FULL),
        ((0.5,), (0.5,), "write mean: 127.5, scale: 127.5"),
        ((0.0,), STD, "write mean: 0, scale: [58.395, 57.12, 57.375]"),
        (MEAN, (1.0,), "write mean: [123.675, 116.28, 103.53], scale: 255"),
        # The mean alone.
        (MEAN, STD_255, FULL),
        # The scale alone, or as a factor.
        (MEAN_255, STD, FULL),
        ((127.5,), (1 / 128,), "write mean: 127.5, scale: 128"),
        ((0.0,), (1 / 255,), "write mean: 0, scale: 255"),
        (MEAN_255, tuple(1 / each for each in STD_255), FULL),
    ],
)
def test_values_for_other_pixels_are_named_as_they_ought_to_be(
    mean: tuple[float, ...], scale: tuple[float, ...], told: str
) -> None:
    assert correction(of(mean, scale)) == told


@pytest.mark.parametrize(
    ("mean", "scale"),
    [
        ((0.0,), (1.0,)),
        ((0.0,), (255.0,)),
        (MEAN_255, STD_255),
        ((127.5,), (127.5,)),
        ((127.0,), (128.0,)),
        ((103.939, 116.779, 123.68), (1.0,)),
        ((-1.0,), (2.0,)),
    ],
)
def test_what_is_usual_is_right(mean: tuple[float, ...], scale: tuple[float, ...]) -> None:
    assert correction(of(mean, scale)) == ""


@pytest.mark.parametrize(
    ("dtype", "quantisation"),
    [("float16", None), ("uint8", (1 / 64, 128)), ("int8", (1 / 64, 0))],
)
def test_other_types_take_normalised_values_too(
    dtype: InputDtype, quantisation: tuple[float, int] | None
) -> None:
    """float16 as they are, integers as they are quantised."""
    for mean, scale, expected in ((MEAN, STD, FULL), (MEAN_255, STD_255, "")):
        assert correction(replace(of(mean, scale, dtype), quantisation=quantisation)) == expected


def test_raw_pixels_have_neither() -> None:
    assert correction(Preprocessing(224, dtype="uint8")) == ""


@given(st.tuples(*[st.floats(2, 255)] * 3), st.tuples(*[st.floats(1, 255)] * 3))
def test_what_is_proposed_is_right(
    mean: tuple[float, float, float], scale: tuple[float, float, float]
) -> None:
    assert correction(of(mean, scale)) == ""
    wide = (max(scale[0], 30.0), max(scale[1], 30.0), max(scale[2], 30.0))
    words = correction(of(tuple(each / 255 for each in mean), tuple(each / 255 for each in wide)))
    # It can be copied into a manifest.
    written = yaml.safe_load("{" + words.removeprefix("write ") + "}")
    for name, values in (("mean", mean), ("scale", wide)):
        found = written[name] if isinstance(written[name], list) else [written[name]] * 3
        assert found == pytest.approx(values, rel=1e-5)


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_integers_without_a_quantisation_are_raw_pixels(dtype: InputDtype) -> None:
    assert correction(of((0.5,), (0.5,), dtype)) == ""
