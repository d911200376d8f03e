"""What every task keeps to, in both halves: the shipped ones and one of another distribution."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
from PIL import Image

from dse.core.backend import UnsupportedError, arrays_of
from dse.core.checksums import canonical_json
from dse.core.errors import RequestError
from dse.core.launcher import launch_command
from dse.core.signature import Input, Signature
from dse.tasks import registry
from dse.tasks.image_classification.preprocessing import Preprocessing, to_form
from dse.tasks.task import InputFiles, Task
from tests.answering import FORM, right_logits, write_questions
from tests.toy_task import TAGS, TOY, VOCABULARY, WORDS, documents

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from dse.core.backend import Batch, Outputs
    from dse.core.signature import Form
    from dse.tasks.task import TaskWorker

LABELS = (3, 0, 2, 1)
HEAVY = ("PIL", "pydantic", "yaml", "onnx", "onnxruntime", "optuna", "pandas", "importlib.metadata")
TELL = f"""
import importlib, json, sys
def main():
    importlib.import_module(sys.argv[1])
    print(json.dumps([name for name in {HEAVY} if name in sys.modules]))
    return 0
"""


def write_images(folder: Path) -> Path:
    """A data set of four images, one of each of four labels."""
    for number, label in enumerate(LABELS):
        place = folder / str(label)
        place.mkdir(parents=True)
        Image.new("RGB", (40, 30), (60 * number, 10, 200)).save(place / f"{number}.png")
    return folder


def write_documents(folder: Path) -> Path:
    """A data set of documents of the toy task."""
    folder.mkdir()
    (folder / "documents.json").write_text(json.dumps(documents()))
    return folder


def scores_of_images(_: Path) -> tuple[NDArray[np.float32], ...]:
    """What a model answers that knows all labels; images are counted by label."""
    return (np.eye(1000, dtype=np.float32)[sorted(LABELS)],)


def scores_of_documents(folder: Path) -> tuple[NDArray[np.float32], ...]:
    """What a model answers that knows all tags."""
    found = json.loads((folder / "documents.json").read_text())
    return (np.array([[tag in one["tags"] for tag in range(TAGS)] for one in found], np.float32),)


@dataclass(frozen=True)
class Case:
    """A task with what its tests need.

    Attributes:
        target: its class, as ``module:name``.
        form: of some model.
        write: writes a data set into a folder that is not there; None without data sets.
        right: the outputs that are right throughout, with a row for each sample in each.
    """

    target: str
    form: Form
    write: Callable[[Path], Path] | None = None
    right: Callable[[Path], tuple[NDArray[np.float32], ...]] | None = None

    @property
    def task(self) -> Task:
        module, _, name = self.target.partition(":")
        return cast("Task", getattr(importlib.import_module(module), name)())

    def worker(self, form: Form, files: InputFiles | None = None) -> TaskWorker:
        module, _, name = self.task.worker.partition(":")
        found = getattr(importlib.import_module(module), name)
        return cast("TaskWorker", found(json.loads(json.dumps(form)), files or InputFiles()))


SIGNATURE = Signature(
    (Input("ids", "int64", (1, 5), fill="ids", bound=7), Input("x", "float32", (1, 2, 3))),
    batched=True,
)
PIXELS = Preprocessing(8, "NCHW", mean=(127.0,) * 3, scale=(128.0,) * 3)
CASES = {
    "image-classification": Case(
        registry.TASKS["image-classification"],
        to_form(PIXELS, 1000),
        write_images,
        scores_of_images,
    ),
    "generated": Case(registry.TASKS["generated"], SIGNATURE.as_dict()),
    "question-answering": Case(
        registry.TASKS["question-answering"],
        FORM.to_form(),
        write_questions,
        right_logits,
    ),
    "tagging": Case(
        "toy_dse.task:Tagging",
        {"words": WORDS, "vocabulary": VOCABULARY, "tags": TAGS},
        write_documents,
        scores_of_documents,
    ),
}
SCORED = [name for name, case in CASES.items() if case.write is not None]


@pytest.fixture(autouse=True)
def _toy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(str(TOY))
    monkeypatch.setenv("DSE_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture(params=SCORED)
def scored(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


def rows(batch: Batch) -> list[NDArray[Any]]:
    """The arrays of a batch, each C-contiguous."""
    found = list(arrays_of(batch))
    assert all(one.flags.c_contiguous for one in found)
    return found


def test_every_shipped_task_is_here() -> None:
    assert set(registry.TASKS) <= set(CASES)


def test_it_has_all_that_a_task_has(case: Case) -> None:
    task = case.task
    members = {*Task.__annotations__, *vars(Task)}
    lacking = {name for name in members if not name.startswith("_") and not hasattr(task, name)}
    assert not lacking
    assert task.name in CASES
    assert task.max_sample_s > 0
    if task.quality is not None:
        assert task.quality.metric.quality
        assert not task.quality.metric.timed


def test_its_half_in_the_worker_loads_little(case: Case, tmp_path: Path) -> None:
    (tmp_path / "tell.py").write_text(TELL)
    module = case.task.worker.partition(":")[0]
    folders = {"tell": str(tmp_path / "tell.py")}
    words = launch_command(sys.executable, "tell", module, task=case.task.worker, folders=folders)
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def test_its_identity_is_plain_data(case: Case) -> None:
    for form in (case.form, case.task.plain_form):
        travelled = json.loads(json.dumps(form))
        assert canonical_json(case.task.identity(travelled)) == canonical_json(
            case.task.identity(form)
        )
    assert case.task.identity(case.form) != case.task.identity(case.task.plain_form)
    assert case.task.describe(case.form)


def test_a_sample_is_the_same_alone_and_among_others(case: Case) -> None:
    inputs = case.worker(case.form).inputs(8, seed=1)
    assert inputs.count >= 8
    many = rows(inputs.call([5, 0, 3]))
    for place, index in enumerate((5, 0, 3)):
        for one, alone in zip(many, rows(inputs.call([index])), strict=True):
            assert len(alone) == 1
            np.testing.assert_array_equal(one[place], alone[0])


def test_a_batch_goes_where_it_is_wanted(case: Case) -> None:
    inputs = case.worker(case.form).inputs(8, seed=1)
    expected, place = inputs.call([1, 2]), inputs.call([3, 4])
    found = inputs.call([1, 2], place)
    for one, other, own in zip(rows(found), rows(expected), rows(place), strict=True):
        np.testing.assert_array_equal(one, other)
        assert np.shares_memory(one, own)


def test_made_up_samples_depend_on_the_seed(case: Case) -> None:
    first, same, other = (case.worker(case.form).inputs(8, seed) for seed in (1, 1, 2))
    one, again, another = (rows(each.call(range(8))) for each in (first, same, other))
    for left, right in zip(one, again, strict=True):
        np.testing.assert_array_equal(left, right)
    assert any(not np.array_equal(a, b) for a, b in zip(one, another, strict=True))


@pytest.mark.parametrize("size", [1, 3])
def test_different_batches_show_whether_the_first_sample_answers_for_all(
    case: Case, size: int
) -> None:
    worker = case.worker(case.form)
    inputs = worker.inputs(8, seed=1)
    batches = [rows(batch) for batch in worker.different_batches(inputs, size, seed=1)]
    usual = rows(inputs.call(range(size)))
    assert len(batches) == 5
    for batch in batches:
        assert [one.shape for one in batch] == [one.shape for one in usual]
        assert [one.dtype for one in batch] == [one.dtype for one in usual]
    for one, other in zip(batches[2], usual, strict=True):
        np.testing.assert_array_equal(one, other)
    if size > 1:
        for place in (1, 3):
            for one, other in zip(batches[place], usual, strict=True):
                np.testing.assert_array_equal(one[0], other[0])
            pairs = zip(batches[place], usual, strict=True)
            assert any(not np.array_equal(one[1], other[1]) for one, other in pairs)


def test_a_data_set_says_what_it_is(scored: Case, tmp_path: Path) -> None:
    assert scored.write is not None
    folder = scored.write(tmp_path / "data")
    found = scored.task.open_dataset(folder)
    assert len(found) > 0
    assert str(len(found)) in found.description
    assert scored.task.noun in found.description
    assert found.origin
    assert len(found.fingerprint) == 64
    assert scored.task.open_dataset(folder).fingerprint == found.fingerprint
    changed = max(folder.rglob("*.*"))
    changed.write_bytes(changed.read_bytes() + b" ")
    assert scored.task.open_dataset(folder).fingerprint != found.fingerprint


def test_what_is_no_data_set_is_refused(case: Case, tmp_path: Path) -> None:
    with pytest.raises(RequestError):
        case.task.open_dataset(tmp_path)


def prepared(case: Case, folder: Path) -> tuple[TaskWorker, int]:
    """The worker's half with a data set, and the number of samples."""
    assert case.write is not None
    dataset = case.task.open_dataset(case.write(folder))
    files = case.task.prepare(dataset, case.form)
    assert files.dataset == dataset.fingerprint
    assert all(path.is_file() for path in files.files.values())
    worker = case.worker(case.form, files)
    count = worker.inputs(1, seed=0).count
    assert count >= len(dataset)
    return worker, count


def named(arrays: Sequence[NDArray[np.float32]]) -> Outputs:
    """Arrays as the outputs of a call."""
    return tuple((f"output {number}", array) for number, array in enumerate(arrays))


def responses(worker: TaskWorker, outputs: Sequence[NDArray[np.float32]]) -> Mapping[int, bytes]:
    """The responses to all samples, asked for in two calls."""
    half = len(outputs[0]) // 2
    parts = [[one[:half] for one in outputs], [one[half:] for one in outputs]]
    found = [each for part in parts for each in worker.encode(named(part), len(part[0]))]
    assert all(isinstance(each, bytes) for each in found)
    return dict(enumerate(found))


def test_right_answers_score_best_and_the_parent_scores_as_the_worker(
    scored: Case, tmp_path: Path
) -> None:
    assert scored.right is not None
    worker, count = prepared(scored, tmp_path / "data")
    right = scored.right(tmp_path / "data")
    worker.check(named(right), count)
    best = worker.score(responses(worker, right), count)
    mixed = [np.concatenate([one[:-2], one[:-3:-1]]) for one in right]
    worse = worker.score(responses(worker, mixed), count)
    assert scored.task.quality is not None
    upwards = scored.task.quality.metric.direction == "maximize"
    assert (best.value > worse.value) is upwards
    assert best.value != worse.value
    for score, outputs in ((best, right), (worse, mixed)):
        worker.save_truth(tmp_path, count)
        again = scored.task.score(responses(worker, outputs), tmp_path)
        assert (again.value, again.interval) == (score.value, score.interval)
        text = scored.task.accuracy_text(score, "0" * 64)
        assert scored.task.read_accuracy(text).value == pytest.approx(score.value, abs=1e-3)
        assert scored.task.read_accuracy(text).details.get("total", count) == count
        assert "hash=" + "0" * 64 in text


def test_a_part_of_the_data_set_is_scored_alone(scored: Case, tmp_path: Path) -> None:
    assert scored.right is not None
    worker, count = prepared(scored, tmp_path / "data")
    found = responses(worker, scored.right(tmp_path / "data"))
    some = {index: found[index] for index in range(count - 1)}
    assert worker.score(some, count - 1).value == worker.score(found, count).value
    with pytest.raises(ValueError, match=str(count)):
        worker.score(some, count)


def test_outputs_of_another_shape_are_refused(scored: Case, tmp_path: Path) -> None:
    worker, _ = prepared(scored, tmp_path / "data")
    with pytest.raises(UnsupportedError):
        worker.check((("s", np.zeros((2, 1, 1), np.float32)),), 2)


def test_text_of_another_form_is_no_accuracy(scored: Case) -> None:
    with pytest.raises(ValueError, match="form"):
        scored.task.read_accuracy("nothing of it")


def test_without_data_sets_nothing_is_scored(tmp_path: Path) -> None:
    for case in (CASES[name] for name in CASES if name not in SCORED):
        worker = case.worker(case.form)
        with pytest.raises(UnsupportedError):
            worker.encode((("s", np.zeros((1, 2), np.float32)),), 1)
        with pytest.raises(ValueError, match="right"):
            worker.score({}, 0)
        worker.save_truth(tmp_path, 0)
        with pytest.raises(RequestError):
            case.task.accuracy_text(cast("Any", None), "")
