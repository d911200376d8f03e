"""Accuracy on real images, in plain loops over the runtimes: is the preprocessing right?"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from dse.tasks.image_classification.data.dataset import Dataset, open_dataset
from dse.tasks.image_classification.data.pixel_cache import image_cache
from dse.tasks.image_classification.inputs import ImageInputs
from dse.tasks.image_classification.labels import top1
from dse.tasks.image_classification.preprocessing import Preprocessing

if TYPE_CHECKING:
    from pathlib import Path

LITE0 = Preprocessing(224, layout="NCHW", mean=(127.0,) * 3, scale=(128.0,) * 3)
MOBILENET = Preprocessing(128, dtype="uint8", label_offset=1)


@pytest.fixture
def dataset(shared_data: Path) -> Dataset:
    return open_dataset(shared_data / "imagenet-sample")


def accuracy_percent(predicted: list[np.ndarray[Any, Any]], dataset: Dataset) -> float:
    return float((np.concatenate(predicted) == np.array(dataset.labels)).mean() * 100)


def test_the_sample(dataset: Dataset) -> None:
    assert len(dataset) == 500
    assert dataset.labels == tuple(range(0, 1000, 2))


@pytest.mark.long
def test_efficientnet_lite0_fp32_onnx(dataset: Dataset, shared_data: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    inputs = ImageInputs(image_cache(dataset, LITE0), len(dataset), LITE0)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = len(os.sched_getaffinity(0))
    session = onnxruntime.InferenceSession(
        shared_data / "models/efficientnet-lite0_fp32.onnx",
        options,
        providers=["CPUExecutionProvider"],
    )
    name = session.get_inputs()[0].name
    predicted = [
        top1(session.run(None, {name: inputs.call(range(i, i + 10))})[0], 0)
        for i in range(0, 500, 10)
    ]
    assert 86 <= accuracy_percent(predicted, dataset) <= 89


def test_mobilenet_v1_quantised_tflite(dataset: Dataset, shared_data: Path) -> None:
    litert = pytest.importorskip("ai_edge_litert.interpreter")
    inputs = ImageInputs(image_cache(dataset, MOBILENET), len(dataset), MOBILENET)
    model = str(shared_data / "models/mobilenet_v1_0.25_128_quant.tflite")
    interpreter = litert.Interpreter(model, num_threads=1)
    interpreter.allocate_tensors()
    source = interpreter.get_input_details()[0]["index"]
    result = interpreter.get_output_details()[0]["index"]
    predicted = []
    for i in range(500):
        interpreter.set_tensor(source, inputs.call([i]))
        interpreter.invoke()
        predicted.append(top1(interpreter.get_tensor(result), MOBILENET.label_offset))
    assert 43 <= accuracy_percent(predicted, dataset) <= 47
