"""How runs use a runtime: what is loaded and when, in which batches, and how it may fail."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest

from dse.core.backend import UnsupportedError
from dse.core.mcnemar import encode_right
from dse.core.measurement import FailureKind
from dse.core.metrics import LATENCY, THROUGHPUT
from dse.loadgen.logs import read_detail
from dse.machine import clock_jump
from dse.measure._accuracy import ACCURACY_BATCH
from dse.measure._run_result import RunFailedError
from dse.measure.runs import OFFLINE_BATCHES, _queries, take
from dse.tasks.image_classification._quality import ACCURACY
from tests.measure.specs import ALL, QUICK, spec

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from dse.core.backend import Knob, LoadRequest, Outputs
    from dse.core.configuration import ModelFormat
    from dse.measure.spec import Spec

    Predict = Callable[[int, NDArray[Any]], NDArray[np.generic]]
    """From the number of the call and the batch to scores."""

SLOW_S = 0.005


def constant(_: int, batch: NDArray[Any]) -> NDArray[np.generic]:
    time.sleep(0.001)
    return np.zeros((len(batch), 10), np.float32)


class RefusedError(Exception):
    """What the runtime raises to refuse."""


class Watched:
    """A runtime that remembers what was asked of it."""

    name: ClassVar[str] = "watched"
    formats: ClassVar[tuple[ModelFormat, ...]] = ()
    precisions: ClassVar[tuple[str, ...]] = ()
    knobs: ClassVar[tuple[Knob, ...]] = ()
    settings: ClassVar[tuple[str, ...]] = ()

    def __init__(self, predict: Predict = constant) -> None:
        self.models: list[_Model] = []
        self._predict = predict

    def version(self) -> str:
        return "1"

    def refusals(self) -> tuple[type[Exception], ...]:
        return (RefusedError,)

    def load(self, request: LoadRequest) -> _Model:
        assert all(model.closed for model in self.models)  # one at a time
        self.models.append(_Model(request.configuration.batch_size, self._predict))
        return self.models[-1]


class _Model:
    def __init__(self, batch_size: int, predict: Predict) -> None:
        self.batch_size, self.batches, self.closed = batch_size, list[int](), False
        self._predict = predict

    def bind(self, batch: NDArray[Any]) -> NDArray[Any]:
        return batch

    def predict(self, batch: NDArray[Any]) -> NDArray[np.generic]:
        assert not self.closed
        self.batches.append(len(batch))
        return self._predict(len(self.batches), batch)

    def outputs(self, bound: NDArray[Any]) -> Outputs:
        return (("scores", self.predict(bound)),)

    def close(self) -> None:
        self.closed = True


def failed(runtime: Watched, wanted: Spec) -> tuple[FailureKind, str]:
    with pytest.raises(RunFailedError) as caught:
        list(take(runtime, wanted))
    return caught.value.kind, str(caught.value)


def test_a_model_is_loaded_once_for_each_batch_size(tmp_path: Path) -> None:
    runtime = Watched()
    list(take(runtime, spec(tmp_path, *ALL, batch_size=4, labels=[0, 1])))
    assert [model.batch_size for model in runtime.models] == [ACCURACY_BATCH, 1, 4]
    assert all(model.closed for model in runtime.models)
    assert [set(model.batches) for model in runtime.models] == [{ACCURACY_BATCH}, {1}, {4}]
    runtime = Watched()
    list(take(runtime, spec(tmp_path, LATENCY.name, THROUGHPUT.name, batch_size=1)))
    assert [model.batch_size for model in runtime.models] == [1]


def test_how_much_runs_where_it_was_asked_to_is_stored(tmp_path: Path) -> None:
    class Assigning(Watched):
        def load(self, request: LoadRequest) -> _Model:
            model = super().load(request)
            model.assigned = "2 of 3 operators"  # type: ignore[attr-defined]
            return model

    [told] = take(Assigning(), spec(tmp_path, LATENCY.name))
    assert told.details["assigned"] == "2 of 3 operators"
    [plain] = take(Watched(), spec(tmp_path, LATENCY.name))
    assert "assigned" not in plain.details


@pytest.mark.parametrize("batch_size", [1, 3, 32])
def test_offline_predicts_full_batches_only(batch_size: int, tmp_path: Path) -> None:
    runtime = Watched()
    wanted = spec(tmp_path, THROUGHPUT.name, batch_size=batch_size)
    [measurement] = take(runtime, wanted)
    assert set(runtime.models[0].batches) == {batch_size}
    samples = read_detail(max(wanted.folder.glob("offline*"))).number("effective_min_sample_count")
    assert measurement.details["samples"] == samples
    assert samples % batch_size == 0
    assert samples >= OFFLINE_BATCHES * batch_size


@pytest.mark.parametrize(
    ("expected_s", "queries"), [(0.001, 500), (0.02, 500), (0.05, 200), (0.5, 64), (10.0, 64)]
)
def test_a_slow_model_is_asked_less_often(expected_s: float, queries: int) -> None:
    many = replace(QUICK, min_query_count=500)
    assert _queries(many, expected_s) == queries
    assert _queries(replace(many, name="valid"), expected_s) == 500


def test_warm_up_comes_before_the_clock(tmp_path: Path) -> None:
    def slow_at_first(call: int, batch: NDArray[Any]) -> NDArray[np.generic]:
        time.sleep(SLOW_S if call < QUICK.warm_up_calls else 0)
        return constant(call, batch)

    runtime, wanted = Watched(slow_at_first), spec(tmp_path, LATENCY.name)
    [measurement] = take(runtime, wanted)
    assert measurement.details["queries"] == len(runtime.models[0].batches) - QUICK.warm_up_calls


def test_what_was_measured_just_now_is_not_warmed_up_again(tmp_path: Path) -> None:
    runtime, wanted = Watched(), spec(tmp_path, LATENCY.name, THROUGHPUT.name)
    list(take(runtime, wanted))
    [model] = runtime.models
    logs = [read_detail(folder) for folder in wanted.folder.iterdir()]
    asked = sum(
        log.number("effective_min_sample_count" if "Offline" in scenario else "result_query_count")
        for log in logs
        for scenario in [str(log.values["effective_scenario"])]
    )
    assert len(model.batches) == asked + QUICK.warm_up_calls


def test_too_few_queries_are_an_invalid_run(tmp_path: Path) -> None:
    few = replace(QUICK, min_query_count=63, min_duration_ms=0)
    wanted = spec(tmp_path, LATENCY.name, fidelity=few)
    assert failed(Watched(), wanted) == (FailureKind.INVALID_RUN, "early stopping not met")
    # It was tried twice, and both logs are kept.
    for folder in ("single_stream", "single_stream-2"):
        assert read_detail(wanted.folder / folder).values["result_validity"] == "INVALID"
    assert not (wanted.folder / "single_stream-3").exists()


def test_a_run_that_was_planned_too_short_is_taken_again(tmp_path: Path) -> None:
    """The first run is over before its time; the second one is planned for more queries."""
    duration = 400
    fidelity = replace(QUICK, min_duration_ms=duration)

    def fast_at_first(call: int, batch: NDArray[Any]) -> NDArray[np.generic]:
        # LoadGen prepares 2 x duration / expected latency queries, which are fewer than these.
        first_run = range(QUICK.warm_up_calls + 1, QUICK.warm_up_calls + 2 * duration // 5 + 2)
        time.sleep(0 if call in first_run else SLOW_S)
        return np.zeros((len(batch), 10), np.float32)

    wanted = spec(tmp_path, LATENCY.name, fidelity=fidelity)
    [measurement] = take(Watched(fast_at_first), wanted)
    first = read_detail(wanted.folder / "single_stream")
    second = read_detail(wanted.folder / "single_stream-2")
    assert "Ran out of generated queries" in first.invalid_reason
    assert second.valid
    expected = "requested_single_stream_expected_latency_ns"
    median_ns = first.number("result_50.00_percentile_latency_ns")
    assert second.number(expected) == pytest.approx(median_ns / 2, abs=1)
    assert measurement.details["queries"] == second.values["result_query_count"]


ERRORS = {
    "refused": (
        RefusedError("no such operator"),
        FailureKind.UNSUPPORTED,
        "RefusedError: no such operator",
    ),
    "error": (RuntimeError("it broke"), FailureKind.CRASH, "RuntimeError: it broke"),
    "silent": (ValueError(), FailureKind.CRASH, "ValueError"),
    "memory": (MemoryError(), FailureKind.OUT_OF_MEMORY, "MemoryError"),
    "refused for memory": (
        RefusedError("std::bad_alloc"),
        FailureKind.OUT_OF_MEMORY,
        "RefusedError: std::bad_alloc",
    ),
}


@pytest.mark.parametrize("when", ["in the warm-up", "in a run"])
@pytest.mark.parametrize(("error", "kind", "message"), ERRORS.values(), ids=ERRORS)
def test_an_error_is_one_kind_of_failure_whenever_it_is_raised(
    error: Exception, kind: FailureKind, message: str, when: str, tmp_path: Path
) -> None:
    healthy = 0 if when == "in the warm-up" else QUICK.warm_up_calls + 2

    def fail(call: int, batch: NDArray[Any]) -> NDArray[np.generic]:
        if call > healthy:
            raise error
        return constant(call, batch)

    for metric in ALL:
        labels = [0] * 5 * ACCURACY_BATCH
        wanted = spec(tmp_path, metric, batch_size=2, labels=labels)
        assert failed(Watched(fail), wanted) == (kind, message)


def test_what_a_backend_itself_refuses_in_a_run_is_unsupported(tmp_path: Path) -> None:
    def fail(call: int, batch: NDArray[Any]) -> NDArray[np.generic]:
        if call > QUICK.warm_up_calls + 2:
            raise UnsupportedError("this one not")
        return constant(call, batch)

    with pytest.raises(UnsupportedError, match=r"^this one not$"):
        list(take(Watched(fail), spec(tmp_path, LATENCY.name)))


def test_accuracy_is_taken_of_single_samples_where_a_batch_fails(tmp_path: Path) -> None:
    for error in (RefusedError("a batch"), RuntimeError("a batch")):

        def fail(call: int, batch: NDArray[Any], error: Exception = error) -> NDArray[np.generic]:
            if len(batch) > 1:
                raise error
            return constant(call, batch)

        wanted = spec(tmp_path, ACCURACY.name, labels=[0, 1])
        [measurement] = take(Watched(fail), wanted)
        assert measurement.details["batch_size"] == 1


@pytest.mark.parametrize("shape", [(10,), (1, 10), (2, 10, 1), (), (3, 10)])
def test_scores_of_another_shape_are_unsupported(shape: tuple[int, ...], tmp_path: Path) -> None:
    def answer(*_: Any) -> NDArray[np.generic]:
        return np.zeros(shape, np.float32)

    wanted = spec(tmp_path, THROUGHPUT.name, batch_size=2)
    with pytest.raises(UnsupportedError) as caught:
        list(take(Watched(answer), wanted))
    assert str(caught.value) == f"the model answers a batch of 2 with scores of shape {shape}"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_scores_that_are_not_finite_end_an_accuracy_run(value: float, tmp_path: Path) -> None:
    def answer(call: int, batch: NDArray[Any]) -> NDArray[np.generic]:
        scores = np.zeros((len(batch), 10), np.float32)
        if call > QUICK.warm_up_calls + 2:
            scores[1, 3:5] = value
        return scores

    wanted = spec(tmp_path, ACCURACY.name, labels=[0] * 5 * ACCURACY_BATCH)
    with pytest.raises(UnsupportedError) as caught:
        list(take(Watched(answer), wanted))
    assert str(caught.value) == "2 of 160 scores are not finite numbers"


def test_accuracy_counts_what_is_right(tmp_path: Path) -> None:
    labels = [0, 0, 0, 1, 2, 0, 5, 0]
    [measurement] = take(Watched(), spec(tmp_path, ACCURACY.name, labels=labels))
    assert measurement.value == 62.5
    assert measurement.details == {
        "good": 5,
        "total": 8,
        "batch_size": ACCURACY_BATCH,
        "labels": 4,
        "commonest_label_images": 5,
        "predicted": 1,
        "commonest_predicted": 0,
        "commonest_predicted_images": 8,
        "good_shifted_up": 1,
        "good_shifted_down": 0,
        "classes_seen": 6,
        "right": encode_right([label == 0 for label in labels], ""),
    }


@pytest.mark.parametrize("jump_s", [-3.0, 0.2])
def test_a_run_in_which_the_clock_was_set_is_void(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jump_s: float
) -> None:
    real = clock_jump.offset_s
    runtime = Watched()

    def offset_s() -> float:
        """Someone sets the clock after the warm-up."""
        running = any(len(model.batches) > QUICK.warm_up_calls for model in runtime.models)
        return real() + (jump_s if running else 0.0)

    monkeypatch.setattr(clock_jump, "offset_s", offset_s)
    kind, message = failed(runtime, spec(tmp_path, LATENCY.name))
    assert kind is FailureKind.INVALID_RUN
    assert f"the system's clock, which LoadGen reads, jumped by {jump_s:+.2g} s" in message
