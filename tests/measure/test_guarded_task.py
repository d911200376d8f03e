"""What a task does that it must not do ends the run with a reason that names the task."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from dse.core.backend import UnsupportedError
from dse.core.measurement import FailureKind
from dse.core.registry import backend
from dse.measure._guarded_task import GuardedTask
from dse.measure._run_result import RunFailedError
from dse.measure.runs import take
from dse.tasks.image_classification._quality import ACCURACY
from dse.tasks.image_classification.worker import ImageClassificationWorker
from dse.tasks.task import Score
from tests.measure.specs import spec

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dse.core.backend import Outputs
    from dse.measure.spec import Spec


class Forgetful(ImageClassificationWorker):
    def encode(self, outputs: Outputs, count: int) -> Sequence[bytes]:
        return super().encode(outputs, count)[1:]


class Wordy(ImageClassificationWorker):
    def encode(self, outputs: Outputs, count: int) -> Sequence[bytes]:
        return [str(each) for each in super().encode(outputs, count)]  # type: ignore[misc]


class Stumbling(ImageClassificationWorker):
    def encode(self, *_: Any, **__: Any) -> Sequence[bytes]:
        raise KeyError("tokens")


class Refusing(ImageClassificationWorker):
    def encode(self, *_: Any, **__: Any) -> Sequence[bytes]:
        raise UnsupportedError("the outputs hold no answer")


class Dividing(ImageClassificationWorker):
    def score(self, *_: Any, **__: Any) -> Score:
        raise ZeroDivisionError("division by zero")


class Doubting(ImageClassificationWorker):
    def score(self, *_: Any, **__: Any) -> Score:
        raise ValueError("1 of 2 responses can't be read")


class Silent(ImageClassificationWorker):
    def score(self, *_: Any, **__: Any) -> Score:
        return None  # type: ignore[return-value]


class Counting(ImageClassificationWorker):
    def score(self, *_: Any, **__: Any) -> Score:
        return Score(50.0, right=[True])


class Grouping(ImageClassificationWorker):
    def score(self, *_: Any, **__: Any) -> Score:
        return Score(50.0, details={"total": 1}, right=[True])


class Weighing(ImageClassificationWorker):
    def score(self, *_: Any, **__: Any) -> Score:
        return Score(50.0, right=[True, 0.5])  # type: ignore[list-item]


class Unready(ImageClassificationWorker):
    def __init__(self, *_: Any, **__: Any) -> None:
        raise RuntimeError("no vocabulary")


def done_by(kind: type[Any], folder: Path) -> Spec:
    wanted = spec(folder, ACCURACY.name, labels=[0, 1])
    worker = f"{kind.__module__}:{kind.__qualname__}"
    return replace(wanted, task=replace(wanted.task, worker=worker, name="tagging"))


@pytest.mark.parametrize(
    ("kind", "failure", "told"),
    [
        (Forgetful, FailureKind.INVALID_RUN, "encode: 1 response to 2 samples"),
        (Wordy, FailureKind.CRASH, "encode: TypeError: a response is str, not bytes"),
        (Stumbling, FailureKind.CRASH, "encode: KeyError: 'tokens'"),
        (Dividing, FailureKind.CRASH, "score: ZeroDivisionError: division by zero"),
        (Doubting, FailureKind.INVALID_RUN, "score: 1 of 2 responses can't be read"),
        (Silent, FailureKind.CRASH, "score: TypeError: the score is NoneType, not Score"),
        (
            Counting,
            FailureKind.INVALID_RUN,
            "score: it tells of 1 answer, not of 2, what is right",
        ),
        (Weighing, FailureKind.INVALID_RUN, "score: answer 1 is right: 0.5, not True or False"),
        (Unready, FailureKind.CRASH, "its constructor: RuntimeError: no vocabulary"),
    ],
)
def test_it_is_a_failure_with_a_reason(
    kind: type[Any], failure: FailureKind, told: str, tmp_path: Path
) -> None:
    with pytest.raises(RunFailedError) as caught:
        list(take(backend("null"), done_by(kind, tmp_path)))  # type: ignore[arg-type]
    assert caught.value.kind is failure
    assert str(caught.value) == f"the task tagging failed in {told}"


def test_several_samples_may_have_one_answer(tmp_path: Path) -> None:
    (found,) = take(backend("null"), done_by(Grouping, tmp_path))  # type: ignore[arg-type]
    assert found.value == 50
    assert str(found.details["right"]).startswith("1 ")


def test_what_a_task_refuses_is_told_in_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match=r"^the outputs hold no answer$"):
        list(take(backend("null"), done_by(Refusing, tmp_path)))  # type: ignore[arg-type]


def test_a_spec_without_a_name_names_the_class(tmp_path: Path) -> None:
    task = replace(done_by(Unready, tmp_path).task, name="")
    with pytest.raises(RunFailedError, match=f"^the task {__name__}:Unready failed"):
        GuardedTask(task)
    with pytest.raises(RunFailedError, match="failed in its constructor: AttributeError: "):
        GuardedTask(replace(task, worker=f"{__name__}:Missing"))
    with pytest.raises(ImportError):
        GuardedTask(replace(task, worker="not_here:Missing"))
