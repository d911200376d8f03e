"""What is drafted of a classifier's entry is what the reader of manifests accepts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.errors import RequestError
from dse.formats.interface import Interface, TensorInfo
from dse.tasks.image_classification.fetching.urls import download_source, published_files
from dse.tasks.image_classification.models.catalogue import CATALOGUE
from dse.tasks.image_classification.models.contradictions import FLOATS, INTEGERS
from dse.tasks.image_classification.models.describing import (
    HINTS,
    NO_FOLDER,
    draft_classifier,
    recognise,
)
from dse.tasks.image_classification.models.manifest_entry import ImageEntry

LITE = "efficientnet-lite0"
ANSWERS: dict[str, Any] = {
    "layout": "NHWC",
    "resolution": 160,
    "mean": [127.5] * 3,
    "scale": [58.0, 57.0, 57.5],
    "label_offset": 0,
}
"""What somebody fills in."""


def interface(
    shape: tuple[int | None, ...] | None,
    *widths: int | None,
    dtype: str = "float32",
    quantisation: tuple[float, int] | None = None,
) -> Interface:
    """One input, and outputs of so many scores."""
    given = TensorInfo("images", dtype, shape, quantisation)
    outputs = (TensorInfo(f"scores{i}", "float32", (None, w)) for i, w in enumerate(widths))
    return Interface((given,), tuple(outputs))


def drafted(found: Interface, name: str = "mine") -> dict[str, Any]:
    return dict(draft_classifier(name, "m.onnx", found).fields)


def refusal(found: Interface, name: str = "mine") -> str:
    with pytest.raises(RequestError) as caught:
        draft_classifier(name, "m.onnx", found)
    return str(caught.value)


def test_what_the_file_says_is_known_and_all_else_is_asked_or_assumed() -> None:
    draft = draft_classifier("mine", "m.onnx", interface((None, 3, 224, 224), 1000))
    assert draft.fields == {
        "layout": "NCHW",
        "dtype": "float32",
        "resolution": 224,
        "mean": None,
        "scale": None,
        "crop": 0.875,
        "interpolation": "bilinear",
        "label_offset": 0,
        "classes": 1000,
    }
    assert draft.asked == ("mean", "scale")
    assert draft.comments == {
        "mean": f"fill in: {HINTS['mean']}",
        "scale": f"fill in: {HINTS['scale']}",
        "crop": "assumed",
        "interpolation": "assumed",
    }


@pytest.mark.parametrize(
    ("shape", "layout", "resolution"),
    [
        ((1, 224, 224, 3), "NHWC", 224),
        ((None, 3, None, None), "NCHW", None),
        ((None, 3, None, 96), "NCHW", 96),
        ((None, None, 96, 3), "NHWC", 96),
        ((None, None, None, None), None, None),
        ((1, 3, 3, 3), None, 3),
        ((None, None, 96, 96), "NCHW", 96),
        ((None, None, 96, None), None, 96),
        (None, None, None),
    ],
)
def test_the_shape_of_the_input(
    shape: tuple[int | None, ...] | None, layout: str | None, resolution: int | None
) -> None:
    found = drafted(interface(shape, 10))
    assert (found["layout"], found["resolution"]) == (layout, resolution)


@pytest.mark.parametrize(
    ("widths", "offset", "classes"),
    [
        ((1000,), 0, 1000),
        ((1001,), 1, 1001),
        ((10,), None, 10),
        ((7, 10), None, 7),
        ((7, 1001), 1, 1001),
        ((None,), None, None),
        ((1000, None), None, None),
        ((), None, None),
    ],
)
def test_the_number_of_scores(
    widths: tuple[int | None, ...], offset: int | None, classes: int | None
) -> None:
    draft = draft_classifier("mine", "m.onnx", interface((1, 8, 8, 3), *widths))
    assert draft.fields["label_offset"] == offset
    assert draft.fields.get("classes") == classes
    assumed = draft.comments.get("classes", "")
    assert assumed == ("assumed, as there are 2 outputs" if classes and len(widths) > 1 else "")


def test_an_integer_input_takes_raw_pixels_unless_its_file_says_otherwise() -> None:
    shape = (1, 8, 8, 3)
    raw = interface(shape, 10, dtype="uint8", quantisation=(1 / 128, 128))
    assert "mean" not in drafted(raw)
    assert "mean" not in drafted(interface(shape, 10, dtype="int8"))
    odd = drafted(interface(shape, 10, dtype="uint8", quantisation=(2.0, 10)))
    assert (odd["mean"], odd["scale"]) == (None, None)


def test_a_name_of_the_catalogue_tells_what_the_file_leaves_open() -> None:
    draft = draft_classifier(LITE, "m.onnx", interface((None, 3, None, None)))
    assert (draft.fields["resolution"], draft.fields["label_offset"]) == (224, 0)
    assert draft.asked == ("mean", "scale")
    assert draft.comments["name"]
    assert draft.comments["scale"] == "fill in: 128 for the published weights"
    draft = draft_classifier("resnet50-v1.5", "m.onnx", interface((None, 3, 224, 224), 1001))
    assert draft.fields["interpolation"] == "area"
    means = "fill in: [123.68, 116.78, 103.94] for the published weights"
    assert draft.comments["mean"] == means
    assert "has 1000, not 10" in refusal(interface((None, 3, 224, 224), 10), LITE)
    assert "has 224, not 96" in refusal(interface((None, 3, 96, 96), 1000), LITE)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (Interface((), ()), "it has 0 inputs, not one"),
        (interface((1, 3, 8, 8), 10, dtype="int64"), "is int64 1x3x8x8, which can't take images"),
        (interface((1, 16000), 10), "is float32 1x16000, not a batch of images"),
        (interface((1, 1, 28, 28), 10), "1x1x28x28: images have 3 channels"),
        (interface((1, 3, 48, 320), 10), "1x3x48x320: images are square here"),
        (interface((1, 3, 5000, 5000), 10), "resolution: expected at most 4096, not 5000"),
        (interface((1, 3, 8, 8), 1), "classes: expected at least 2, not 1"),
    ],
)
def test_what_is_no_classifier_of_images(found: Interface, words: str) -> None:
    assert words in refusal(found)


SIZES = st.none() | st.sampled_from((1, 3, 8, 224))
SHAPES = st.none() | st.tuples(SIZES, SIZES, SIZES, SIZES)
STATED = st.none() | st.tuples(st.sampled_from((1 / 128, 1 / 255, 0.5)), st.integers(-9, 200))


@given(
    st.sampled_from(["mine", LITE, *list(CATALOGUE)[:2]]),
    SHAPES,
    st.lists(st.none() | st.sampled_from((10, 1000, 1001)), max_size=2),
    st.sampled_from((*INTEGERS, *FLOATS)),
    STATED,
)
def test_a_draft_that_is_filled_in_is_accepted(
    name: str,
    shape: tuple[int | None, ...] | None,
    widths: list[int | None],
    dtype: str,
    stated: tuple[float, int] | None,
) -> None:
    found = interface(shape, *widths, dtype=dtype, quantisation=stated)
    try:
        draft = draft_classifier(name, "m.onnx", found)
    except RequestError:
        return
    entry = {"name": name, "file": "m.onnx", "precision": "fp32", **draft.fields}
    lacking = {field for field, _ in ImageEntry.missing(entry)}
    assert lacking <= set(draft.asked)
    for field in draft.asked:
        entry[field] = ANSWERS[field]
    assert not list(ImageEntry.missing(entry))
    read = ImageEntry.model_validate_json(json.dumps(entry), strict=True)
    assert not list(read.faults(found, NO_FOLDER))
    for field, value in draft.fields.items():
        if value is not None:
            assert getattr(read, field) == value


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("mobilenet_v1_0.25_128", "mobilenet-v1-0.25-128"),
        ("mobilenet_v1_1.0_224_quant", "mobilenet-v1-1.0-224"),
        ("MobileNet_v2_0.35_96", None),
        ("MobileNet_v2_0.35_160", "mobilenet-v2-0.35-160"),
        ("v3-large-minimalistic_224_1.0_uint8", "mobilenet-v3-large-minimalistic"),
        ("efficientnet-lite4-int8", "efficientnet-lite4"),
        ("mobilenet_v3_large", None),
        ("model", None),  # the archives of several have a file of that name
    ],
)
def test_names_of_published_files(stem: str, name: str | None) -> None:
    assert recognise(stem) == name


def test_every_published_file_but_those_of_one_name_is_recognised() -> None:
    members = [download_source(CATALOGUE[name], kind).member for name, kind in published_files()]
    unknown = {member for member in members if recognise(Path(member).stem) is None}
    assert unknown == {"model.tflite"}
