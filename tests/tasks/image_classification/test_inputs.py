"""What a model is fed with: exact normalisation, both layouts, and answers turned into labels."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.errors import DseError, RequestError
from dse.tasks.image_classification.inputs import (
    ImageInputs,
    RandomInputs,
    check_preprocessing,
    integer_table,
    prepare,
)
from dse.tasks.image_classification.preprocessing import Preprocessing

if TYPE_CHECKING:
    from pathlib import Path

    from dse.tasks.image_classification.preprocessing import Layout

RAW = Preprocessing(5, dtype="uint8")
LITE = Preprocessing(5, layout="NCHW", mean=(127.0,) * 3, scale=(128.0,) * 3)
PIXELS = np.random.default_rng(1).integers(0, 256, (7, 5, 5, 3), np.uint8)

float32 = st.floats(-500, 500, width=32)
scales = st.floats(0.0009765625, 1000, width=32) | st.floats(-1000, -0.5, width=32)


@pytest.fixture
def cache_file(tmp_path: Path) -> Path:
    np.save(tmp_path / "cache.npy", PIXELS)
    return tmp_path / "cache.npy"


def test_raw_pixels(cache_file: Path) -> None:
    inputs = ImageInputs(cache_file, 7, RAW)
    assert inputs.count == 7
    batch = inputs.call([6, 0, 0])
    assert type(batch) is np.ndarray
    assert batch.dtype == np.uint8
    assert batch.flags.c_contiguous
    assert batch.flags.writeable
    np.testing.assert_array_equal(batch, PIXELS[[6, 0, 0]])
    planes = ImageInputs(cache_file, 7, replace(RAW, layout="NCHW")).call((2,))
    assert planes.flags.c_contiguous
    np.testing.assert_array_equal(planes[0], PIXELS[2].transpose(2, 0, 1))
    assert inputs.call([]).shape == (0, 5, 5, 3)


def test_normalised_planes(cache_file: Path) -> None:
    batch = ImageInputs(cache_file, 7, LITE).call(range(7))
    assert batch.dtype == np.float32
    assert batch.flags.c_contiguous
    assert batch.shape == (7, 3, 5, 5)
    np.testing.assert_array_equal(
        batch, ((PIXELS.astype(np.float32) - 127) / 128).transpose(0, 3, 1, 2)
    )


@given(st.tuples(float32, float32, float32), st.tuples(scales, scales, scales), st.booleans())
def test_normalisation_is_exact(
    mean: tuple[float, float, float], scale: tuple[float, float, float], planes: bool
) -> None:
    ramp = np.repeat(np.arange(256, dtype=np.uint8), 3).reshape(1, 16, 16, 3)
    p = Preprocessing(16, layout="NCHW" if planes else "NHWC", mean=mean, scale=scale)
    expected = (ramp.astype(np.float32) - np.array(mean, np.float32)) / np.array(scale, np.float32)
    got = prepare(ramp, p)
    if planes:
        got = got.transpose(0, 2, 3, 1)
    assert got.tobytes() == expected.tobytes()


def test_cache_that_does_not_fit(cache_file: Path, tmp_path: Path) -> None:
    with pytest.raises(DseError, match="instead of 6 images of 5 x 5"):
        ImageInputs(cache_file, 6, RAW)
    with pytest.raises(DseError, match="instead of 7 images of 6 x 6"):
        ImageInputs(cache_file, 7, replace(RAW, resolution=6))
    for content in (b"", b"hello", cache_file.read_bytes()[:200]):
        cache_file.write_bytes(content)
        with pytest.raises(DseError, match="not a cache of images"):
            ImageInputs(cache_file, 7, RAW)
    with pytest.raises(DseError, match="not a cache of images"):
        ImageInputs(tmp_path / "none.npy", 7, RAW)
    np.save(cache_file, PIXELS.astype(np.float32))
    with pytest.raises(DseError, match="holds float32"):
        ImageInputs(cache_file, 7, RAW)


def test_random_inputs_depend_on_seed_and_index_alone() -> None:
    inputs = RandomInputs(10, RAW, seed=3)
    assert inputs.count == 10
    batch = inputs.call(range(10))
    assert batch.shape == (10, 5, 5, 3)
    np.testing.assert_array_equal(RandomInputs(10, RAW, seed=3).call([7, 2]), batch[[7, 2]])
    assert not np.array_equal(RandomInputs(10, RAW, seed=4).call([7]), batch[[7]])
    assert len({image.tobytes() for image in batch}) == 10
    np.testing.assert_array_equal(
        RandomInputs(10, LITE, seed=3).call([1])[0],
        ((batch[1].astype(np.float32) - 127) / 128).transpose(2, 0, 1),
    )
    for index in (10, -1):
        with pytest.raises(IndexError):
            inputs.call([index])


def test_random_pixels_are_the_same_everywhere_and_fill_the_range() -> None:
    pixels = RandomInputs(4, Preprocessing(32, dtype="uint8"), seed=0).call([0, 3])
    assert hashlib.sha256(pixels.tobytes()).hexdigest()[:16] == "b9741ad5834a4b67"
    assert (pixels.min(), pixels.max()) == (0, 255)
    assert abs(float(pixels.mean()) - 127.5) < 5


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"mean": (1.0, 0.0, 0.0)}, "dtype"),
        ({"scale": (255.0,) * 3}, "dtype"),
        ({"dtype": "int16"}, "dtype"),
        ({"layout": "CHW"}, "layout"),
        ({"interpolation": "nearest"}, "interpolation"),
        ({"resolution": 0}, "resolution"),
        ({"resolution": 10**6}, "resolution"),
        ({"crop": 0.0}, "crop"),
        ({"crop": 1.01}, "crop"),
        ({"crop": float("nan")}, "crop"),
        ({"mean": (float("nan"),) * 3, "dtype": "float32"}, "mean"),
        ({"mean": (1e300,) * 3, "dtype": "float32"}, "mean"),
        ({"mean": (1.0,), "dtype": "float32"}, "mean"),
        ({"scale": (0.0, 1.0, 1.0), "dtype": "float32"}, "scale"),
        ({"scale": (1e-50,) * 3, "dtype": "float32"}, "scale"),
        ({"scale": (float("inf"),) * 3, "dtype": "float32"}, "scale"),
    ],
)
def test_senseless_preprocessing(change: dict[str, Any], field: str) -> None:
    wrong = replace(RAW, **change)
    with pytest.raises(RequestError) as caught:
        check_preprocessing(wrong)
    assert caught.value.field == f"preprocessing.{field}"
    assert caught.value.remedy
    with pytest.raises(RequestError):
        RandomInputs(1, wrong, 0)


QUANTISED = Preprocessing(5, dtype="uint8", mean=(0.0,) * 3, scale=(1.0,) * 3, quantisation=(2, 10))


def test_a_quantised_input_gets_the_integers_that_stand_for_normalised_values() -> None:
    # (pixel - 0) / 1 = 2 x (integer - 10): black is 10, and above 490 there would be nothing.
    table = integer_table(QUANTISED)
    assert table[:, [0, 1, 2, 3, 5, 254, 255]].tolist() == [[10, 10, 11, 12, 12, 137, 138]] * 3
    np.testing.assert_array_equal(prepare(PIXELS, QUANTISED), table[0][PIXELS])


def test_what_lies_beyond_the_type_is_its_last_integer() -> None:
    steep = replace(QUANTISED, dtype="int8", mean=(127.5,) * 3, scale=(127.5,) * 3)
    table = integer_table(replace(steep, quantisation=(1 / 256, -3)))
    assert table[0, [0, 1, 127, 128, 254, 255]].tolist() == [-128, -128, -4, -2, 127, 127]


def test_channels_are_quantised_by_their_own_mean_and_scale() -> None:
    mean, scale = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
    orders: dict[Layout, tuple[int, ...]] = {"NHWC": (0, 1, 2, 3), "NCHW": (0, 3, 1, 2)}
    for layout, order in orders.items():
        p = replace(
            QUANTISED,
            dtype="int8",
            layout=layout,
            mean=mean,
            scale=scale,
            quantisation=(0.02, 4),
        )
        real = (PIXELS.astype(np.float32) - np.array(mean, np.float32)) / np.array(
            scale, np.float32
        )
        expected = np.clip(np.rint(real / 0.02) + 4, -128, 127).astype(np.int8).transpose(order)
        found = prepare(PIXELS, p)
        assert found.dtype == np.int8
        assert found.flags.c_contiguous
        np.testing.assert_array_equal(found, expected)
        out = np.empty_like(found)
        assert prepare(PIXELS, p, out) is out
        np.testing.assert_array_equal(out, expected)


def test_int8_pixels_are_128_less() -> None:
    found = prepare(PIXELS, replace(RAW, dtype="int8"))
    np.testing.assert_array_equal(found, PIXELS.astype(int) - 128)
    assert found.dtype == np.int8


@given(
    st.floats(2**-12, 16), st.integers(0, 255), st.floats(-300, 300, width=32), st.floats(0.5, 300)
)
def test_a_quantised_value_lies_within_half_a_step(
    step: float, zero: int, mean: float, scale: float
) -> None:
    p = replace(QUANTISED, mean=(mean,) * 3, scale=(scale,) * 3, quantisation=(step, zero))
    real = (np.arange(256) - mean) / scale
    nearest = np.clip(real, -zero * step, (255 - zero) * step)
    back = (integer_table(p)[0].astype(float) - zero) * step
    np.testing.assert_allclose(back, nearest, atol=0.501 * step + 1e-4)


def test_half_precision_is_rounded_once() -> None:
    half = prepare(PIXELS, replace(LITE, dtype="float16"))
    assert half.dtype == np.float16
    np.testing.assert_array_equal(half, prepare(PIXELS, LITE).astype(np.float16))


@pytest.mark.parametrize(
    "change",
    [
        {"quantisation": (0.0, 0)},
        {"quantisation": (float("nan"), 0)},
        {"quantisation": (float("inf"), 0)},
        {"quantisation": (1.0, 256)},
        {"quantisation": (1.0, -1)},
        {"quantisation": (1.0, 128), "dtype": "int8"},
        {"dtype": "float32"},
    ],
)
def test_senseless_quantisation(change: dict[str, Any]) -> None:
    with pytest.raises(RequestError) as caught:
        check_preprocessing(replace(QUANTISED, **change))
    assert caught.value.field == "preprocessing.quantisation"
