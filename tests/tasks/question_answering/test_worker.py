"""The worker's half: inputs, checks and responses."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from dse.core.backend import UnsupportedError, arrays_of
from dse.core.errors import DseError
from dse.tasks import registry
from dse.tasks.question_answering._form import ModelInput, QuestionForm
from dse.tasks.question_answering._inputs import _find_shapes
from dse.tasks.question_answering.worker import QuestionAnsweringWorker
from dse.tasks.shapes import Selected, ShapedInputs, ShapedWorker
from dse.tasks.task import InputFiles
from tests.answering import FORM, LENGTH, TOKENS, right_logits, write_questions

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from dse.core.backend import Outputs

TASK = registry.task("question-answering")


def worker(form: QuestionForm = FORM, files: InputFiles | None = None) -> QuestionAnsweringWorker:
    return QuestionAnsweringWorker(json.loads(json.dumps(form.to_form())), files or InputFiles())


@pytest.fixture
def files(tmp_path: Path) -> InputFiles:
    dataset = TASK.open_dataset(write_questions(tmp_path / "data"))
    return TASK.prepare(dataset, FORM.to_form())


def logits(size: int, value: float = 0.0) -> NDArray[np.float32]:
    return np.full((size, LENGTH), value, np.float32)


def test_inputs_have_the_order_and_types_of_the_model(files: InputFiles) -> None:
    order = (
        ModelInput("s", "segments", "int32"),
        ModelInput("i", "ids"),
        ModelInput("m", "mask", "int32"),
    )
    inputs = worker(replace(FORM, inputs=order), files).inputs(1, seed=0)
    segments, ids, mask = arrays_of(inputs.call([4, 0]))
    assert [str(one.dtype) for one in (segments, ids, mask)] == ["int32", "int64", "int32"]
    tokens = [TOKENS[number] for number in ids[1, :7]]
    assert tokens == ["[CLS]", "w290", "w5", "?", "[SEP]", "w0", "w1"]
    # The last window of the second paragraph has six words, and marks around them.
    assert mask.sum(axis=1).tolist() == [5 + 6 + 1, 5 + 30 + 1]
    assert segments.sum(axis=1).tolist() == [7, 31]
    assert not segments[:, :5].any()
    assert not ids[mask == 0].any()


def test_a_model_may_take_ids_alone(files: InputFiles) -> None:
    form = replace(FORM, inputs=(ModelInput("i", "ids"),))
    (ids,) = arrays_of(worker(form, files).inputs(1, seed=0).call([0]))
    assert ids.shape == (1, LENGTH)


def test_made_up_samples_look_like_questions() -> None:
    inputs = worker().inputs(50, seed=3)
    ids, mask, segments = arrays_of(inputs.call(range(50)))
    assert ids.min() >= 0
    assert ids.max() < len(TOKENS)
    used = mask.sum(axis=1)
    assert LENGTH // 4 <= used.min() < used.max() <= LENGTH
    assert (segments.sum(axis=1) == used - LENGTH // 16).all()
    assert not ids[mask == 0].any()
    with pytest.raises(IndexError):
        inputs.call([50])


def test_a_file_of_another_length_is_refused(files: InputFiles, tmp_path: Path) -> None:
    with pytest.raises(DseError, match=r"shape \(8, 128\) instead of 200 tokens"):
        worker(replace(FORM, sequence_length=200), files).inputs(1, seed=0)
    (tmp_path / "x.npz").write_bytes(b"PK\x03\x04 not one")
    with pytest.raises(DseError, match="not a file of features"):
        worker(FORM, InputFiles({"features": tmp_path / "x.npz"})).inputs(1, seed=0)


@pytest.mark.parametrize(
    "names", [("end_logits", "start_logits"), ("END", "Start:0"), ("other", "START_x", "the_end")]
)
def test_outputs_are_told_by_their_names(names: tuple[str, ...]) -> None:
    values = [2.0 if "start" in name.lower() else 3.0 for name in names]
    outputs = tuple((name, logits(2, value)) for name, value in zip(names, values, strict=True))
    worker().check(outputs, 2)
    for response in worker().encode(outputs, 2):
        found = np.frombuffer(response, "<f4").reshape(LENGTH, 2)
        assert found.tolist() == [[2.0, 3.0]] * LENGTH


@pytest.mark.parametrize("names", [("a", "b"), ("start_1", "start_2"), ("end", "b")])
def test_other_outputs_are_taken_in_their_order(names: tuple[str, str]) -> None:
    outputs = ((names[0], logits(1, 2)), (names[1], logits(1, 3)), ("more", None))
    (response,) = worker().encode(outputs, 1)
    assert np.frombuffer(response, "<f4")[:2].tolist() == [2, 3]


@pytest.mark.parametrize(
    ("outputs", "told"),
    [
        ((("logits", logits(2)),), "no logits of the start and the end, but 'logits'"),
        ((("a", logits(2)), ("b", None)), "but 'a', 'b'"),
        ((("a", logits(2)), ("b", logits(2).astype(np.int64))), "no logits"),
        ((("a", logits(2)), ("b", logits(1))), r"'b' of a batch of 2 has the shape \(1, 128\)"),
        ((("a", logits(2)[:, 1:]), ("b", logits(2))), "not a number for each of 128 tokens"),
        ((("a", logits(2)), ("b", logits(2, np.nan))), "256 of 256 values of the output 'b'"),
    ],
)
def test_outputs_of_no_use_are_refused(outputs: Outputs, told: str) -> None:
    with pytest.raises(UnsupportedError, match=told):
        worker().check(outputs, 2)


def test_no_response_is_made_of_what_is_not_finite() -> None:
    outputs = (("start", logits(3)), ("end", logits(3)))
    array = outputs[1][1]
    array[2, 5] = np.inf
    assert len(worker().encode(outputs, 2)) == 2
    with pytest.raises(UnsupportedError, match="1 of 768 logits"):
        worker().encode(outputs, 3)


def test_half_precision_is_logged_in_full() -> None:
    outputs = (("start", logits(1, 0.5).astype(np.float16)), ("end", logits(1)))
    (response,) = worker().encode(outputs, 1)
    assert len(response) == 8 * LENGTH


def test_without_a_data_set_nothing_is_right() -> None:
    with pytest.raises(ValueError, match="without a data set"):
        worker().score({}, 0)


def test_the_logs_can_be_scored_again(files: InputFiles, tmp_path: Path) -> None:
    own = worker(FORM, files)
    start, end = right_logits(tmp_path)
    responses = dict(enumerate(own.encode((("start", start), ("end", end)), len(start))))
    own.save_truth(tmp_path, 3)
    some = {index: responses[index] for index in range(3)}
    assert TASK.score(some, tmp_path) == own.score(some, 3)
    assert TASK.score(some, tmp_path).details["total"] == 2


BUCKETED = replace(FORM, any_length=True, buckets=(16, 48))


def test_samples_go_to_the_shortest_length_that_holds_their_tokens(files: InputFiles) -> None:
    whole = worker(FORM, files).inputs(1, seed=0)
    cut = worker(BUCKETED, files).inputs(1, seed=0)
    assert isinstance(cut, ShapedInputs)
    used = arrays_of(whole.call(range(8)))[1].sum(axis=1).tolist()
    assert used == [36, 36, 128, 128, 12, 128, 128, 12]
    assert list(cut.shapes) == [1, 1, 2, 2, 0, 2, 2, 0]
    for index, length in enumerate((48, 48, 128, 128, 16, 128, 128, 16)):
        pairs = zip(arrays_of(whole.call([index])), arrays_of(cut.call([index])), strict=True)
        for one, other in pairs:
            np.testing.assert_array_equal(one[:, :length], other)


@pytest.mark.parametrize(("used", "shape"), [(1, 0), (16, 0), (17, 1), (48, 1), (49, 2), (128, 2)])
def test_a_sample_that_fits_exactly_is_cut_to_its_length(used: int, shape: int) -> None:
    assert _find_shapes(BUCKETED, np.array([used])).tolist() == [shape]


def test_made_up_samples_are_the_same_in_buckets() -> None:
    whole, cut = worker().inputs(50, seed=3), worker(BUCKETED).inputs(50, seed=3)
    assert isinstance(cut, ShapedInputs)
    assert set(cut.shapes) == {1, 2}  # none has a quarter of 128 tokens or fewer
    for index in (0, 7, 49):
        one, other = (arrays_of(each.call([index])) for each in (whole, cut))
        for left, right in zip(one, other, strict=True):
            assert right.shape[1] == (16, 48, LENGTH)[cut.shapes[index]]
            np.testing.assert_array_equal(left[:, : right.shape[1]], right)
            assert not left[:, right.shape[1] :].any()


def test_the_model_is_loaded_for_each_length() -> None:
    found = worker(BUCKETED)
    assert isinstance(found, ShapedWorker)
    shapes = [{one.shape for one in each.inputs} for each in found.signatures]
    assert shapes == [{(1, 16)}, {(1, 48)}, {(1, LENGTH)}]
    assert found.signature == found.signatures[-1]


@pytest.mark.parametrize("index", [0, 4])
def test_different_batches_have_the_shape_of_their_samples(files: InputFiles, index: int) -> None:
    found = worker(BUCKETED, files)
    inputs = found.inputs(1, seed=0)
    own = Selected(inputs, [index])
    length = arrays_of(own.call([0]))[0].shape[1]
    for batch in found.different_batches(own, 3, seed=0):
        assert {one.shape for one in arrays_of(batch)} == {(3, length)}


def test_a_cut_sample_has_no_chance_where_it_has_no_tokens() -> None:
    outputs = (("start", logits(2)[:, :48]), ("end", logits(2, 3.0)[:, :48]))
    own = worker(BUCKETED)
    own.check(outputs, 2)
    for response in own.encode(outputs, 2):
        found = np.frombuffer(response, "<f4").reshape(LENGTH, 2)
        assert found[:48].tolist() == [[0.0, 3.0]] * 48
        assert (found[48:] == -10_000).all()
    short = (("start", logits(2)[:, :40]), ("end", logits(2)[:, :40]))
    with pytest.raises(UnsupportedError, match="not a number for each of 16 or 48 or 128 tokens"):
        own.check(short, 2)
