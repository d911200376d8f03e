"""Which images calibrate, and what is made with them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dse.core.paths import cache_dir
from dse.tasks.image_classification.data.dataset import open_dataset
from dse.tasks.image_classification.data.pixel_cache import image_cache
from dse.tasks.image_classification.inputs import ImageInputs
from dse.tasks.image_classification.models._onnx_writer import onnx_bytes
from dse.tasks.image_classification.models.builtin import BuiltinProvider
from dse.tasks.image_classification.models.calibration import (
    MAX_IMAGES,
    calibration,
    calibration_indices,
    with_conversions,
)
from dse.tasks.image_classification.models.catalogue import CATALOGUE
from dse.tasks.image_classification.preprocessing import Preprocessing, to_form
from tests import small_models
from tests.commandline import command, here, tmp_path
from tests.exploration.test_measurer import write_images
from tests.image_models import image_folder
from tests.replays import write_space

__all__ = ["command", "here", "tmp_path"]

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from tests.commandline import Command

SMALL = {
    "name": "small",
    "precision": "fp32",
    "resolution": small_models.SIDE,
    "dtype": "float32",
    "mean": 127,
    "scale": 128,
    "label_offset": 0,
}
ONNX = {**SMALL, "file": "small.onnx", "layout": "NCHW"}
TFLITE = {**SMALL, "file": "small.tflite", "layout": "NHWC"}


def models(folder: Path, *entries: dict[str, Any]) -> Path:
    """A folder with the small models and a manifest."""
    (folder / "m").mkdir()
    (folder / "m" / "small.onnx").write_bytes(small_models.onnx_bytes())
    (folder / "m" / "small.tflite").write_bytes(small_models.tflite_bytes())
    (folder / "m" / "models.yaml").write_text(yaml.safe_dump({"models": list(entries)}))
    return folder / "m"


@given(st.integers(1, 60_000))
def test_the_images_are_spread_evenly(count: int) -> None:
    found = calibration_indices(count)
    assert len(found) == min(count, MAX_IMAGES)
    assert found[0] >= 0
    assert found[-1] < count
    gaps = np.diff(found)
    assert not len(gaps) or (gaps.min() >= 1 and gaps.max() - gaps.min() <= 1)
    # As much is left before the first as after the last.
    assert abs(found[0] - (count - 1 - found[-1])) <= 1


@pytest.mark.usefixtures("own_cache")
def test_the_samples_are_those_images(tmp_path: Path) -> None:
    folder = write_images(tmp_path, (0, 1, 2))
    found = calibration(open_dataset(folder))
    assert (found.count, found.description) == (3, "3 of the 3 images of the data set")
    pixels = Preprocessing(8, "NCHW", mean=(127.0,) * 3, scale=(128.0,) * 3)
    dataset, form = open_dataset(folder), to_form(pixels)
    images = ImageInputs(image_cache(dataset, pixels), len(dataset), pixels)
    samples = list(found.samples(form))
    assert len(samples) == 3
    for index, sample in enumerate(samples):
        assert sample.shape == (1, 3, 8, 8)
        np.testing.assert_array_equal(sample, images.call([index]))
    assert calibration(dataset).identity(form) == found.identity(form)
    assert found.identity(to_form(pixels, classes=9)) == found.identity(form)
    assert found.identity(to_form(replace(pixels, resolution=9))) != found.identity(form)
    other = calibration(replace(dataset, fingerprint="f" * 64))
    assert other.identity(form) != found.identity(form)


def test_untrained_models_stay_as_they_are() -> None:
    builtin = BuiltinProvider()
    assert with_conversions(builtin, None) is builtin


def test_a_study_says_what_was_calibrated_on_its_images(command: Command, here: Path) -> None:
    space = write_space(
        here,
        models="small",
        precisions=["fp32", "int8"],
        backends=["onnxruntime", "litert"],
        threads=1,
        batch_sizes=1,
        objectives=["accuracy_percent"],
    )
    folder = models(here, ONNX, TFLITE)
    done = command.good(
        "explore", "--settle", 0, space, "--models", folder, "--dataset", write_images(here)
    )
    assert command.counts("space") == (4, 0, 0, 4)
    points = command.frontier("space")["points"]
    assert points
    for point in points:
        seen = {"int8": 4}.get(point["configuration"]["precision"])
        assert point.get("calibrated_on") == seen
    line = "accuracy of int8 made here includes the 4 images that it was calibrated on"
    assert line in done.out
    built = (cache_dir() / "models" / "quantised").iterdir()
    assert sorted(path.suffix for path in built if path.suffix != ".lock") == [".onnx", ".tflite"]


def test_without_images_there_is_no_int8(command: Command, here: Path) -> None:
    space = write_space(
        here,
        models="small",
        precisions=["fp32", "int8"],
        backends=["onnxruntime"],
        threads=1,
        batch_sizes=1,
        objectives=["latency_p90_ms"],
    )
    done = command.good("explore", "--settle", 0, space, "--models", models(here, ONNX))
    told = " ".join(done.err.split())
    assert "int8 is calibrated on images: give a --dataset (1 configuration)" in told
    assert command.counts("space") == (1, 0, 0, 1)


def test_a_file_that_can_t_be_converted_fails_alone(command: Command, here: Path) -> None:
    name = "mobilenet-v1-0.25-128"
    other = {"name": name, "file": "v1.onnx", "precision": "fp32", "layout": "NCHW"}
    folder = models(here, TFLITE, {**other, "dtype": "float32", "mean": 127.5, "scale": 127.5})
    (folder / "v1.onnx").write_bytes(onnx_bytes(CATALOGUE["mobilenet-v1-0.5-128"].graph()))
    assert image_folder(folder).obstacle(name, "fp32", ("tflite",))
    space = write_space(
        here,
        models=[name, "small"],
        precisions="fp32",
        backends=["litert"],
        threads=1,
        batch_sizes=[1, 2],
        objectives=["throughput_samples_per_s"],
    )
    done = command.good("explore", "--settle", 0, space, "--models", folder, "--sampler", "grid")
    assert command.counts("space") == (2, 2, 0, 2)
    assert "v1.onnx can't be converted to TFLite" in done.err


def test_more_layers_in_float32_than_a_model_has_are_told(command: Command, here: Path) -> None:
    """They would be one file that is measured as several methods, or none in int8."""
    space = write_space(
        here,
        models="small",
        precisions="int8",
        backends={"onnxruntime": {"fp32_layers": [0, 1, 2, 32]}},
        threads=1,
        batch_sizes=1,
        objectives=["accuracy_percent"],
    )
    given = ("--models", models(here, ONNX), "--dataset", write_images(here))
    done = command.good("explore", "--settle", 0, space, *given, "--sampler", "grid")
    assert command.counts("space") == (2, 2, 0, 2)
    told = " ".join(done.err.split())
    assert "fp32_layers=32, but it has 2 layers that would gain accuracy in float32" in told
    assert "with so many layers in float32 none is left in int8" in told
