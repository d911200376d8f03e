"""What int8 costs in accuracy: trained files quantised here, on real images, in each runtime."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml

from dse.tasks.image_classification.data.dataset import Dataset, open_dataset
from dse.tasks.image_classification.data.pixel_cache import image_cache
from dse.tasks.image_classification.inputs import ImageInputs
from dse.tasks.image_classification.models.calibration import with_conversions
from tests.image_models import image_folder, preprocessing_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from dse.core.configuration import ModelFormat
    from dse.models.provider import Artefact, Provider

    Scores = Callable[[NDArray[Any]], NDArray[np.generic]]

MODELS = ("efficientnet-lite0", "efficientnet-lite1")
IMAGES = 500
BATCH = 20
MAX_POINTS_LOST = 1.5
"""In any runtime: a few images whose best two labels are as good as level decide about a point."""
MEAN_POINTS_LOST = 1.0
LARGEST_ERROR = 0.012
"""Mean square of the scores' errors, as a share of the variance of the scores."""
THREADS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@pytest.fixture(scope="module")
def dataset(shared_data: Path) -> Dataset:
    return open_dataset(shared_data / "imagenet-sample")


@pytest.fixture
def provider(shared_data: Path, dataset: Dataset, tmp_path: Path, shared_cache: Path) -> Provider:
    """The two models, as fp32 ONNX files and no others."""
    assert shared_cache.is_dir()
    entries = []
    for model in MODELS:
        file = f"{model}_fp32.onnx"
        (tmp_path / file).write_bytes((shared_data / "models" / file).read_bytes())
        entry = {"name": model, "file": file, "precision": "fp32", "layout": "NCHW"}
        entries.append({**entry, "dtype": "float32", "mean": 127, "scale": 128})
    (tmp_path / "models.yaml").write_text(yaml.safe_dump({"models": entries}))
    return with_conversions(image_folder(tmp_path), dataset)


def onnxruntime(path: Path) -> Scores:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda images: np.asarray(session.run(None, {name: images})[0])


def openvino(path: Path) -> Scores:
    import openvino as ov

    options = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": THREADS}
    model = ov.Core().compile_model(str(path), "CPU", options)
    return lambda images: np.asarray(model(images)[0])


def litert(path: Path) -> Scores:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path), num_threads=THREADS)
    source = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(
        source, [BATCH, *interpreter.get_input_details()[0]["shape"][1:]]
    )
    interpreter.allocate_tensors()

    def scores(images: NDArray[Any]) -> NDArray[np.generic]:
        interpreter.set_tensor(source, images)
        interpreter.invoke()
        answer: NDArray[np.generic] = interpreter.get_tensor(
            interpreter.get_output_details()[0]["index"]
        )
        return answer

    return scores


RUNTIMES = {"onnxruntime": onnxruntime, "openvino": openvino, "litert": litert}
FORMATS: dict[str, ModelFormat] = {"onnxruntime": "onnx", "openvino": "onnx", "litert": "tflite"}


def all_scores(
    runtime: str, artefact: Artefact, dataset: Dataset, count: int = IMAGES
) -> NDArray[Any]:
    pixels = preprocessing_of(artefact)
    images = ImageInputs(image_cache(dataset, pixels), len(dataset), pixels)
    scores = RUNTIMES[runtime](artefact.path)
    starts = range(0, count, BATCH)
    return np.concatenate([scores(images.call(range(i, i + BATCH))).copy() for i in starts])


def percent(scores: NDArray[Any], dataset: Dataset) -> float:
    return float(100 * (scores.argmax(axis=1) == np.array(dataset.labels)).mean())


@pytest.mark.parametrize("model", [MODELS[0], pytest.param(MODELS[1], marks=pytest.mark.long)])
def test_the_scores_of_a_converted_file_are_those_of_its_source(
    model: str, provider: Provider, dataset: Dataset
) -> None:
    # Scores that near each other have the same accuracy; few images tell as much as all.
    source, converted = (
        all_scores(runtime, provider.artefact(model, "fp32", (form,)), dataset, count=40)
        for runtime, form in FORMATS.items()
        if runtime != "openvino"
    )
    np.testing.assert_allclose(converted, source, atol=1e-4)
    np.testing.assert_array_equal(converted.argmax(axis=1), source.argmax(axis=1))


@pytest.mark.long
@pytest.mark.parametrize("model", MODELS)
def test_int8_is_near_fp32_in_every_runtime(
    model: str, provider: Provider, dataset: Dataset, record_property: Callable[[str, float], None]
) -> None:
    given = all_scores("onnxruntime", provider.artefact(model, "fp32", ("onnx",)), dataset)
    expected = percent(given, dataset)
    lost = []
    for runtime, form in FORMATS.items():
        artefact = provider.artefact(model, "int8", (form,))
        assert artefact.calibrated_on == 64
        scores = all_scores(runtime, artefact, dataset)
        found = percent(scores, dataset)
        record_property(f"{runtime} int8 percent", found)
        assert found >= expected - MAX_POINTS_LOST, f"{runtime}: {found} of {expected} %"
        lost.append(expected - found)
        variance = (given - given.mean(axis=0)).var()
        assert np.square(scores - given).mean() < LARGEST_ERROR * variance
    assert np.mean(lost) <= MEAN_POINTS_LOST
