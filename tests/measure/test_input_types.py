"""Classifiers of each input type through real runtimes: accuracies are those of arithmetic."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from dse.core.backend import Runtime
from dse.core.metrics import LATENCY
from dse.core.registry import backend
from dse.loadgen.logs import read_responses
from dse.measure.runs import take
from dse.tasks.image_classification._quality import ACCURACY
from dse.tasks.image_classification.labels import decode_labels
from dse.tasks.image_classification.preprocessing import Preprocessing
from tests import any_models
from tests.measure.specs import spec
from tests.models.quantised_inputs import quantised_onnx
from tests.small_models import CLASSES, SIDE, classifier_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

COLOURS = np.random.default_rng(11).integers(0, 256, (200, 3), np.uint8)
MEAN, SCALE = 127.5, 127.5
STEP, ZERO = 1 / 64, 70
"""Raw pixels would stand for -1.1 to 2.9."""
NORMALISED = Preprocessing(SIDE, mean=(MEAN,) * 3, scale=(SCALE,) * 3)


def predicted(
    folder: Path, name: str, kind: str, content: bytes, pixels: Preprocessing
) -> list[int]:
    """The labels of images of one colour each, by an accuracy run; a timed one follows."""
    file = folder / f"model.{kind}"
    file.write_bytes(content)
    wanted = spec(
        folder,
        *(ACCURACY.name, LATENCY.name),
        backend=name,
        model_file=file,
        preprocessing=pixels,
        labels=[0] * len(COLOURS),
    )
    images = np.broadcast_to(COLOURS[:, None, None], (len(COLOURS), SIDE, SIDE, 3))
    np.save(folder / "pixels.npy", images)
    runtime = backend(name)
    assert isinstance(runtime, Runtime)
    found = {measurement.metric: measurement for measurement in take(runtime, wanted)}
    assert found[LATENCY.name].value > 0
    labels = decode_labels(read_responses(wanted.folder / "accuracy"))
    return [label for _, label in sorted(labels.items())]


def best(colours: NDArray[Any], weights: NDArray[Any]) -> list[int]:
    """The labels of a dense layer over the means of the channels."""
    labels: list[int] = (colours.astype(np.float64) @ weights).argmax(axis=1).tolist()
    return labels


def share(one: list[int], other: list[int]) -> float:
    return float(np.mean(np.array(one) == np.array(other)))


TFLITE_WEIGHTS = np.random.default_rng(SIDE).standard_normal((CLASSES, 3)).astype(np.float32).T
ONNX_WEIGHTS = np.random.default_rng(5).standard_normal((3, CLASSES)).astype(np.float32)


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@pytest.mark.parametrize(
    ("name", "kind"),
    [("litert", "tflite"), ("openvino", "tflite"), ("onnxruntime", "onnx"), ("openvino", "onnx")],
)
def test_quantised_inputs(name: str, kind: str, dtype: str, tmp_path: Path) -> None:
    zero = ZERO if dtype == "uint8" else ZERO - 128
    if kind == "tflite":
        content, weights = classifier_bytes(SIDE, CLASSES, dtype, (STEP, zero)), TFLITE_WEIGHTS
    else:
        content, weights = quantised_onnx(dtype, (STEP, zero)), ONNX_WEIGHTS
    pixels = replace(
        NORMALISED,
        layout="NHWC" if kind == "tflite" else "NCHW",
        dtype="uint8" if dtype == "uint8" else "int8",
        quantisation=(STEP, zero),
    )
    real = (COLOURS.astype(np.float64) - MEAN) / SCALE
    stored = np.clip(np.rint(real / STEP) + ZERO, 0, 255)
    found = predicted(tmp_path, name, kind, content, pixels)
    assert share(found, best((stored - ZERO) * STEP, weights)) >= 0.99  # but for ties
    assert share(found, best(real, weights)) > 0.9
    raw = replace(pixels, mean=(0.0,) * 3, scale=(1.0,) * 3, quantisation=None)
    as_they_are = predicted(tmp_path, name, kind, content, raw)
    assert share(as_they_are, best(COLOURS - float(ZERO), weights)) >= 0.99
    assert share(as_they_are, best(real, weights)) < 0.7


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
def test_half_precision(name: str, tmp_path: Path) -> None:
    model = any_models.half()
    for dim in model.graph.input[0].type.tensor_type.shape.dim[2:]:
        dim.dim_value = SIDE
    pixels = replace(NORMALISED, layout="NCHW")
    half = predicted(
        tmp_path, name, "onnx", model.SerializeToString(), replace(pixels, dtype="float16")
    )
    wide = any_models.any_size()
    for dim in wide.graph.input[0].type.tensor_type.shape.dim[2:]:
        dim.dim_value = SIDE
    full = predicted(tmp_path, name, "onnx", wide.SerializeToString(), pixels)
    assert len(set(full)) > 1
    assert share(half, full) > 0.97
