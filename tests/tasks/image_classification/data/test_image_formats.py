"""The kinds of images: what this Pillow reads is taken, what it can't read is not offered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, features

from dse.tasks.image_classification.data._class_folders import from_class_folders
from dse.tasks.image_classification.data._image_formats import (
    IMAGE_FORMATS,
    SUFFIXES,
    has_feature,
    supported_formats,
)
from dse.tasks.image_classification.data.pixel_cache import decode_image

if TYPE_CHECKING:
    from pathlib import Path

NEEDS = {".jp2": "jpg_2000", ".avif": "avif"}


@pytest.mark.parametrize("ending", [".jfif", ".JFIF", ".jpe", ".jp2", ".avif", ".pgm"])
def test_an_image_in_a_class_folder_is_taken_and_decoded(tmp_path: Path, ending: str) -> None:
    feature = NEEDS.get(ending)
    if feature is not None and not has_feature(feature):
        pytest.skip(f"this Pillow is built without {feature}")
    (tmp_path / "5").mkdir()
    path = tmp_path / "5" / f"x{ending}"
    grey = Image.fromarray(np.full((32, 32), 200, np.uint8))
    grey.save(path, format="PPM" if ending == ".pgm" else None)
    (entry,) = from_class_folders(tmp_path).entries
    assert (entry.name, entry.label) == (f"5/x{ending}", 5)
    pixels = np.frombuffer(decode_image(path, 8, 1.0, "bilinear"), np.uint8)
    assert pixels.shape == (8 * 8 * 3,)
    assert np.abs(pixels.astype(int) - 200).max() <= 2


def test_what_pillow_was_built_without_is_not_offered() -> None:
    none, all_of_it = supported_formats(lambda _: False), supported_formats(lambda _: True)
    assert set(all_of_it) - set(none) == {"JPEG2000", "AVIF"}
    assert not {".jp2", ".avif"} & {ending for endings in none.values() for ending in endings}
    assert set(none) <= set(IMAGE_FORMATS) <= set(all_of_it)
    assert {".jfif", ".jpeg", ".png"} <= SUFFIXES


def test_a_feature_that_pillow_has_never_heard_of_is_missing() -> None:
    assert not has_feature("heic")  # and no warning of Pillow's
    assert has_feature("jpg") == features.check("jpg")


@pytest.mark.parametrize("ending", sorted(SUFFIXES))
def test_pillow_knows_every_ending(ending: str) -> None:
    Image.init()
    assert Image.registered_extensions()[ending] in IMAGE_FORMATS
