"""Accuracies on real images: the worker's are those of a plain loop over the runtime."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from dse.core.mcnemar import encode_right
from dse.loadgen.logs import read_detail, read_responses
from dse.measure._accuracy import ACCURACY_BATCH
from dse.measure.runner import Limits, run_worker
from dse.tasks.image_classification._plausibility import accuracy_notes
from dse.tasks.image_classification._quality import ACCURACY
from dse.tasks.image_classification.data.dataset import Dataset, open_dataset
from dse.tasks.image_classification.data.pixel_cache import image_cache, label_file
from dse.tasks.image_classification.inputs import ImageInputs
from dse.tasks.image_classification.labels import count_labels, decode_labels
from dse.tasks.image_classification.preprocessing import Preprocessing
from dse.tasks.task import InputFiles
from tests.measure.specs import spec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from dse.core.measurement import Measurement

    Scores = Callable[[NDArray[Any]], NDArray[np.generic]]

IMAGES = 500
THREADS = min(2, len(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else 1
LITE0 = Preprocessing(224, "NCHW", mean=(127.0,) * 3, scale=(128.0,) * 3)
MOBILENET = Preprocessing(128, dtype="uint8", label_offset=1)


@pytest.fixture(scope="module")
def dataset(shared_data: Path) -> Dataset:
    return open_dataset(shared_data / "imagenet-sample")


def onnxruntime(path: Path) -> Scores:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def scores(image: NDArray[Any]) -> NDArray[np.generic]:
        result: NDArray[np.generic] = session.run(None, {name: image})[0]
        return result

    return scores


def litert(path: Path) -> Scores:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path), num_threads=THREADS)
    interpreter.allocate_tensors()
    source = interpreter.get_input_details()[0]["index"]
    result = interpreter.get_output_details()[0]["index"]

    def scores(image: NDArray[Any]) -> NDArray[np.generic]:
        interpreter.set_tensor(source, image)
        interpreter.invoke()
        answer: NDArray[np.generic] = interpreter.get_tensor(result)
        return answer

    return scores


def told_of_another_offset(
    right: Measurement, predicted: Sequence[int], labels: Sequence[int]
) -> str:
    """The note where the manifest's label_offset is too small by one."""
    moved = [label + 1 for label in predicted]
    good = sum(found == label for found, label in zip(moved, labels, strict=True))
    details = {**right.details, **count_labels(dict(enumerate(moved)), labels), "good": good}
    (note,) = accuracy_notes(replace(right, value=100 * good / IMAGES, details=details))
    return str(note)


LONG = pytest.mark.long
RUNTIMES = {"onnxruntime": onnxruntime, "litert": litert}


@pytest.mark.parametrize(
    ("name", "file", "preprocessing", "low", "high"),
    [
        pytest.param(*("onnxruntime", "efficientnet-lite0_fp32.onnx", LITE0, 86, 89), marks=LONG),
        ("onnxruntime", "mobilenet_v1_0.25_128_fp32.onnx", MOBILENET, 43, 47),
        ("litert", "mobilenet_v1_0.25_128_quant.tflite", MOBILENET, 43, 47),
        pytest.param(
            *("litert", "efficientnet-lite0_fp32.tflite", replace(LITE0, layout="NHWC"), 86, 89),
            marks=LONG,
        ),
    ],
)
@pytest.mark.usefixtures("shared_cache")
def test_every_image_is_predicted_as_in_a_plain_loop(
    name: str,
    file: str,
    preprocessing: Preprocessing,
    low: float,
    high: float,
    dataset: Dataset,
    shared_data: Path,
    tmp_path: Path,
) -> None:
    model = shared_data / "models" / file
    pixels = image_cache(dataset, preprocessing)
    wanted = spec(
        tmp_path,
        ACCURACY.name,
        backend=name,
        threads=THREADS,
        model_file=model,
        preprocessing=preprocessing,
    )
    files = {"pixels": pixels, "labels": label_file(dataset)}
    wanted = replace(wanted, task=replace(wanted.task, inputs=InputFiles(files)))
    outcome = run_worker(wanted, Limits(timeout_s=300, memory_bytes=0))
    assert outcome.failure is None

    images = ImageInputs(pixels, len(dataset), preprocessing)
    scores = RUNTIMES[name](model)
    labels = [
        int(scores(images.call([index])).argmax()) - preprocessing.label_offset
        for index in range(IMAGES)
    ]
    predictions = decode_labels(read_responses(wanted.folder / "accuracy"))
    assert [predictions[index] for index in range(IMAGES)] == labels
    right = [one == other for one, other in zip(labels, dataset.labels, strict=True)]
    good = sum(right)
    [measurement] = outcome.measurements
    assert measurement.value == 100 * good / IMAGES
    # A model of a fixed batch is fed one by one.
    batch_size = 1 if "mobilenet" in file else ACCURACY_BATCH
    assert measurement.details == {
        "good": good,
        "total": IMAGES,
        "batch_size": batch_size,
        "right": encode_right(right, ""),
        **count_labels(dict(enumerate(labels)), dataset.labels),
    }
    assert accuracy_notes(measurement) == ()
    assert low <= measurement.value <= high
    assert "shift of -1" in told_of_another_offset(measurement, labels, dataset.labels)
    assert read_detail(wanted.folder / "accuracy").values["qsl_reported_total_count"] == IMAGES
