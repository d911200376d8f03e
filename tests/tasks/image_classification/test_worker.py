"""Image classification in the worker: batches, answers, responses, accuracy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from dse.core.backend import Scores, UnsupportedError
from dse.core.metrics import Scenario
from dse.loadgen.harness import run
from dse.loadgen.samples import Caller
from dse.loadgen.settings import RunSettings
from dse.tasks.image_classification.labels import LABELS_FILE, read_labels
from dse.tasks.image_classification.preprocessing import Preprocessing, to_form
from dse.tasks.image_classification.worker import ImageClassificationWorker
from dse.tasks.task import InputFiles
from tests.loadgen.doubles import Echo, Numbers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dse.core.backend import Outputs

GOLDEN = Path(__file__).parents[2] / "loadgen" / "golden" / "accuracy" / "mlperf_log_accuracy.json"
SIDE = 4
LABELS = [3, 1, 4, 1, 5, 9, 2]


def worker(
    folder: Path | None = None, classes: int | None = None, label_offset: int = 0
) -> ImageClassificationWorker:
    """With a folder, the task on images that bear the labels."""
    files = {}
    if folder is not None:
        files = {name: folder / f"{name}.npy" for name in ("pixels", "labels")}
        shape = (len(LABELS), SIDE, SIDE, 3)
        np.save(files["pixels"], np.random.default_rng(1).integers(0, 256, shape, np.uint8))
        np.save(files["labels"], np.array(LABELS))
    form = to_form(Preprocessing(SIDE, label_offset=label_offset), classes)
    return ImageClassificationWorker(form, InputFiles(files))


def scores(*rows: list[float]) -> Outputs:
    return (("scores", np.array(rows, np.float32)),)


def test_what_a_backend_is_told() -> None:
    assert worker().signature is None
    assert worker().scores == Scores(None, (1000, 1001))
    assert worker(classes=10).scores == Scores(10, (1000, 1001))


def test_samples_are_those_of_the_data_set_or_at_least_64(tmp_path: Path) -> None:
    assert worker(tmp_path).inputs(1024, seed=0).count == len(LABELS)
    assert worker().inputs(8, seed=0).count == 64
    assert worker().inputs(1024, seed=0).count == 1024
    one, other = (worker().inputs(8, seed).call([0]) for seed in (0, 1))
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("size", [1, 2, 5])
@pytest.mark.parametrize("random", [False, True])
def test_batches_differ_where_they_should(size: int, random: bool, tmp_path: Path) -> None:
    task = worker(None if random else tmp_path)
    inputs = task.inputs(8, seed=0)
    batches: list[NDArray[np.float32]] = []
    for batch in task.different_batches(inputs, size, seed=0):
        assert isinstance(batch, np.ndarray)
        batches.append(batch)
    np.testing.assert_array_equal(batches[2], inputs.call(range(size)))
    assert {batch.shape for batch in batches} == {(size, SIDE, SIDE, 3)}
    assert len({batch.tobytes() for batch in batches}) == len(batches) == 5
    if size > 1:
        for number in (1, 3):
            np.testing.assert_array_equal(batches[number][0], batches[2][0])
            for row in range(1, size):
                assert not np.array_equal(batches[number][row], batches[2][row])


def test_scores_must_fit_the_batch_and_the_labels(tmp_path: Path) -> None:
    rows = [[0.0] * 10] * 2
    worker(tmp_path).check(scores(*rows), 2)
    for outputs, size, words in (
        (scores(*rows), 4, r"a batch of 4 with scores of shape \(2, 10\)"),
        ((("scores", np.zeros(10)),), 10, r"scores of shape \(10,\)"),
        (scores([np.nan, np.inf]), 1, "2 of 2 values of the output 'scores' are not finite"),
        (scores([0.0] * 9), 1, "label 9 of the data set"),
        ((("sequence", None),), 1, "'sequence' is not an array"),
    ):
        with pytest.raises(UnsupportedError, match=words):
            worker(tmp_path).check(outputs, size)
    with pytest.raises(UnsupportedError, match="gives 10 scores, not 11"):
        worker(tmp_path, classes=11).check(scores(*rows), 2)


def test_a_response_is_a_label() -> None:
    outputs = scores([0, 1, 0], [1, 0, 0], [0, 0, 1])
    assert worker().encode(outputs, 2) == [bytes([1, *[0] * 7]), bytes(8)]
    assert worker(label_offset=1).encode(outputs, 2) == [bytes(8), b"\xff" * 8]
    # What stands behind the samples that were asked for does not count.
    outputs = scores([0, 1], [np.nan, 0])
    assert len(worker().encode(outputs, 1)) == 1
    with pytest.raises(UnsupportedError, match="1 of 4 scores are not finite numbers"):
        worker().encode(outputs, 2)


def test_the_accuracy_log_is_what_it_always_was(tmp_path: Path) -> None:
    settings = RunSettings(Scenario.SINGLE_STREAM, accuracy=True, performance_samples=24)
    encode = worker(label_offset=1).encode
    run([Caller(Echo())], Numbers(64), settings, tmp_path, encode=encode)
    assert (tmp_path / GOLDEN.name).read_bytes() == GOLDEN.read_bytes()


def test_the_score_is_that_of_the_first_images(tmp_path: Path) -> None:
    task = worker(tmp_path)
    responses = {index: label.to_bytes(8, "little") for index, label in enumerate(LABELS)}
    assert task.score(responses, 7).value == 100
    first = {index: responses[index] for index in range(3)}
    assert task.score({**first, 2: bytes(8)}, 3).value == 100 * 2 / 3
    with pytest.raises(ValueError, match="covers 7 samples, the data set has 3"):
        task.score(responses, 3)


def test_the_labels_are_kept_beside_the_logs(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    worker(tmp_path).save_truth(logs, 4)
    assert read_labels(logs / LABELS_FILE).tolist() == LABELS[:4]


@pytest.mark.parametrize("task", ["image_classification", "generated"])
def test_a_worker_imports_nothing_but_numpy(task: str) -> None:
    code = (
        "import sys, numpy; before = set(sys.modules);"
        f"import dse.tasks.{task}.worker;"
        "print(*sorted({m.split('.')[0] for m in set(sys.modules) - before}"
        " - set(sys.stdlib_module_names) - {'numpy'}))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert answer.stdout.split() == ["dse"], answer.stderr
