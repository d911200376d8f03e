"""A manifest that its files contradict, told in one line before anything runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dse.core.errors import RequestError
from dse.formats.reading import read_interface
from dse.tasks.image_classification.models.contradictions import (
    contradictions,
    quantisation,
    takes_pixels,
)
from dse.tasks.image_classification.models.manifest_entry import ImageEntry
from tests import any_models
from tests.image_models import image_folder, preprocessing_of
from tests.models.quantised_inputs import quantised_onnx
from tests.small_models import SIDE, classifier_bytes, onnx_bytes, tflite_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dse.tasks.image_classification.preprocessing import Preprocessing

FLOAT = {
    "name": "mine",
    "file": "a.onnx",
    "precision": "fp32",
    "layout": "NCHW",
    "dtype": "float32",
    "resolution": SIDE,
    "mean": 127.5,
    "scale": 127.5,
    "label_offset": 0,
}
TFLITE = {**FLOAT, "file": "a.tflite", "layout": "NHWC"}
INTEGER = {key: TFLITE[key] for key in TFLITE if key not in ("mean", "scale")}
ODD = (2.0, 10)
"""A scale and a zero point by which raw pixels stand for -20 to 490."""


def folder(path: Path, content: bytes, entry: dict[str, Any]) -> Path:
    (path / entry["file"]).write_bytes(content)
    (path / "models.yaml").write_text(yaml.safe_dump({"models": [entry]}, sort_keys=False))
    return path


def opened(path: Path, content: bytes, entry: dict[str, Any]) -> Preprocessing:
    provider = image_folder(folder(path, content, entry))
    found = provider.artefact("mine", "fp32", ("onnx", "tflite"))
    assert found.form == provider.form("mine", "fp32", ("onnx", "tflite"))
    return preprocessing_of(found)


def uint8() -> bytes:
    return classifier_bytes(SIDE, 10, "uint8")


def float16() -> bytes:
    return bytes(any_models.half().SerializeToString())


def wide(classes: int) -> Callable[[], bytes]:
    return lambda: classifier_bytes(SIDE, classes)


def odd(dtype: str = "uint8") -> Callable[[], bytes]:
    return lambda: classifier_bytes(SIDE, 10, dtype, ODD)


def audio() -> bytes:
    return bytes(any_models.audio().SerializeToString())


def texts() -> bytes:
    return bytes(any_models.reading().SerializeToString())


@pytest.mark.parametrize(
    ("content", "entry", "field", "words", "remedy"),
    [
        (uint8, TFLITE, "dtype", "is uint8 1x8x8x3, not float32", "set `dtype: uint8`"),
        (
            tflite_bytes,
            {**INTEGER, "dtype": "uint8"},
            "dtype",
            "'input0' of 'a.tflite' is float32 1x8x8x3, not uint8",
            "set `dtype: float32`",
        ),
        (float16, FLOAT, "dtype", "is float16 ?x3x?x?, not float32", "set `dtype: float16`"),
        (texts, FLOAT, "file", "'text' is string ?x1, which can't take images", "export it with"),
        (audio, FLOAT, "file", "is float32 ?x?, not a batch of images", "give an image"),
        (onnx_bytes, {**FLOAT, "layout": "NHWC"}, "layout", "which is NCHW", "`layout: NCHW`"),
        (tflite_bytes, {**TFLITE, "layout": "NCHW"}, "layout", "which is NHWC", "`layout: NHWC`"),
        (
            onnx_bytes,
            {**FLOAT, "resolution": 16},
            "resolution",
            "is float32 ?x3x8x8, not 16 x 16 pixels",
            "set `resolution: 8`",
        ),
        (onnx_bytes, {**FLOAT, "classes": 1000}, "classes", "no output", "set `classes: 10`"),
        (wide(1001), TFLITE, "label_offset", "a background", "set `label_offset: 1`"),
        (
            wide(1000),
            {**TFLITE, "label_offset": 1},
            "label_offset",
            "without a background",
            "set `label_offset: 0`",
        ),
        (
            odd(),
            {**INTEGER, "dtype": "uint8"},
            "mean",
            "by the file's scale 2 and zero point 10 raw pixels would stand for -20 to 490",
            "add mean and scale",
        ),
        (
            odd("int8"),
            {**INTEGER, "dtype": "int8"},
            "mean",
            "raw pixels would stand for -276 to 234",
            "add mean and scale",
        ),
        (odd(), {**INTEGER, "dtype": "uint8", "mean": 3}, "scale", "is missing", "belong together"),
        (
            lambda: quantised_onnx("uint8", None),
            {**FLOAT, "dtype": "uint8"},
            "mean",
            "takes raw pixels if the file has no quantisation",
            "use 0",
        ),
    ],
)
def test_what_the_file_contradicts(
    content: Callable[[], bytes],
    entry: dict[str, Any],
    field: str,
    words: str,
    remedy: str,
    tmp_path: Path,
) -> None:
    with pytest.raises(RequestError) as caught:
        image_folder(folder(tmp_path, content(), entry))
    error = caught.value
    assert error.field == f"models[0].{field}"
    assert words in error.problem
    assert remedy in str(error.remedy)
    assert "\n" not in str(error)
    lines = (tmp_path / "models.yaml").read_text().splitlines()
    assert error.line == next(
        (number for number, line in enumerate(lines, 1) if line.strip("- ").startswith(field)), 2
    )


def test_a_name_of_the_catalogue_has_a_resolution_and_classes(tmp_path: Path) -> None:
    known = {**INTEGER, "name": "mobilenet-v1-0.25-128", "dtype": "uint8"}
    for field in ("resolution", "label_offset"):
        del known[field]
    for content, words in (
        (uint8(), "not 128 x 128 pixels; rename the model"),
        (classifier_bytes(128, 1000, "uint8"), "no output of 'a.tflite' has 1001 scores: scores"),
    ):
        with pytest.raises(RequestError) as caught:
            image_folder(folder(tmp_path, content, known))
        assert words in str(caught.value)


@pytest.mark.parametrize(
    ("content", "entry"),
    [
        (onnx_bytes, FLOAT),
        (tflite_bytes, TFLITE),
        (float16, {**FLOAT, "dtype": "float16"}),
        (float16, {**FLOAT, "dtype": "float16", "resolution": 224}),
        (lambda: onnx_bytes(heads=2), {**FLOAT, "classes": 7}),
        (lambda: onnx_bytes(heads=2), {**FLOAT, "classes": 10}),
        (lambda: tflite_bytes(inputs=2), TFLITE),  # the runtime says what it makes of it
        (wide(1001), {**TFLITE, "label_offset": 1}),
        (wide(1001), {**TFLITE, "classes": 1001}),
        (wide(1000), {**TFLITE, "classes": 1000, "label_offset": 1}),
        (lambda: b"\x1c\0\0\0TFL3 and more", TFLITE),
    ],
)
def test_what_the_file_bears_out(
    content: Callable[[], bytes], entry: dict[str, Any], tmp_path: Path
) -> None:
    assert opened(tmp_path, content(), entry).quantisation is None


def test_raw_pixels_stay_raw_pixels(tmp_path: Path) -> None:
    for dtype in ("uint8", "int8"):
        plain = {**INTEGER, "dtype": dtype}
        content = classifier_bytes(SIDE, 10, dtype)
        for entry in (plain, {**plain, "mean": 0, "scale": 1}):
            found = opened(tmp_path, content, entry)
            assert (found.quantisation, found.mean, found.scale) == (None, (0.0,) * 3, (1.0,) * 3)
    plain = {**INTEGER, "file": "a.onnx", "layout": "NCHW", "dtype": "uint8"}
    assert opened(tmp_path, quantised_onnx("uint8", None), plain).quantisation is None


def test_what_the_manifest_normalises_is_quantised(tmp_path: Path) -> None:
    # Also where raw pixels would do: what the manifest says is what is done.
    for stated in (ODD, (1 / 128, 127)):
        content = classifier_bytes(SIDE, 10, "uint8", stated)
        found = opened(tmp_path, content, {**TFLITE, "dtype": "uint8"})
        assert (found.quantisation, found.mean) == (stated, (127.5,) * 3)
    neutral = {**TFLITE, "dtype": "uint8", "mean": 0, "scale": 1}
    assert opened(tmp_path, odd()(), neutral).quantisation == ODD
    onnx = {**FLOAT, "dtype": "int8"}
    assert opened(tmp_path, quantised_onnx("int8", (0.25, -3)), onnx).quantisation == (0.25, -3)


@pytest.mark.parametrize(
    ("dtype", "scale", "zero", "raw"),
    [
        ("uint8", 0.0078125, 128, True),
        ("uint8", 0.0078125, 127, True),
        ("uint8", 2 / 255, 127, True),
        ("uint8", 1 / 255, 0, True),
        ("uint8", 1.0, 0, True),
        ("int8", 1.0, -128, True),
        ("int8", 1 / 128, 0, True),
        ("int8", 1 / 255, -128, True),
        ("uint8", 2.0, 10, False),
        ("uint8", 1.0, 10, False),
        ("uint8", 0.0125, 131, False),
        ("uint8", 0.0187, 114, False),  # mean and standard deviation of ImageNet
        ("int8", 1 / 255, 0, False),
    ],
)
def test_pixels_that_stand_for_a_usual_range(
    dtype: str, scale: float, zero: int, raw: bool
) -> None:
    assert takes_pixels(dtype, (scale, zero)) is raw


@given(st.floats(1e-4, 10), st.integers(0, 255))
def test_int8_is_uint8_less_128(scale: float, zero: int) -> None:
    assert takes_pixels("uint8", (scale, zero)) == takes_pixels("int8", (scale, zero - 128))


REAL = {
    "efficientnet-lite0_fp32.onnx": (224, "NCHW", "float32"),
    "efficientnet-lite0_fp32.tflite": (224, "NHWC", "float32"),
    "efficientnet-lite1_fp32.onnx": (240, "NCHW", "float32"),
    "mobilenet_v1_0.25_128_fp32.onnx": (128, "NHWC", "uint8"),
    "mobilenet_v1_0.25_128_quant.tflite": (128, "NHWC", "uint8"),
    "mobilenet_v1_0.5_160_fp32.onnx": (160, "NHWC", "uint8"),
    "mobilenet_v1_0.5_160_quant.tflite": (160, "NHWC", "uint8"),
    "mobilenet_v2_1.0_224_fp32.onnx": (224, "NHWC", "uint8"),
    "mobilenet_v2_1.0_224_quant.tflite": (224, "NHWC", "uint8"),
}


def test_published_files_bear_out_what_is_known_of_them(shared_data: Path) -> None:
    paths = sorted((shared_data / "models").iterdir())
    assert [path.name for path in paths] == sorted(REAL)
    for path in paths:
        side, layout, dtype = REAL[path.name]
        values = {} if dtype == "uint8" else {"mean": (127.0,) * 3, "scale": (128.0,) * 3}
        entry = ImageEntry.model_validate(
            {
                "name": "mine",
                "file": path.name,
                "precision": "fp32",
                "layout": layout,
                "dtype": dtype,
                "resolution": side,
                **values,
                "label_offset": int(path.name.startswith("mobilenet")),
            }
        )
        found = read_interface(path, "onnx" if path.suffix == ".onnx" else "tflite")
        assert not list(contradictions(entry, found))
        assert quantisation(entry, found) is None
        other = entry.model_copy(update={"layout": "NCHW" if layout == "NHWC" else "NHWC"})
        assert next(contradictions(other, found))[0] == "layout"
