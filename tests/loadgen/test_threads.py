"""Several callers at a time: all samples answered, errors end the run, CPUs are kept to."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from dse.core.metrics import Scenario
from dse.loadgen.harness import run
from dse.loadgen.logs import read_detail
from dse.loadgen.samples import Caller, PredictionError
from dse.loadgen.settings import RunSettings
from tests.loadgen.doubles import Echo, Numbers, encode, numbers

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

SAMPLES = 20


class Lane(Echo):
    """Takes its time, and notes where and by whom it is called."""

    def __init__(self, fails_at: int = 0, error: BaseException | None = None) -> None:
        super().__init__()
        self.threads: set[int] = set()
        self.cpus: set[frozenset[int]] = set()
        self.bound_by: list[int] = []
        self._fails_at, self._error = fails_at, error or RuntimeError("the runtime says no")

    def bind(self, batch: NDArray[Any]) -> NDArray[Any]:
        self.bound_by.append(threading.get_ident())
        return super().bind(batch)

    def predict(self, batch: NDArray[Any]) -> NDArray[np.generic]:
        time.sleep(0.001)  # another one has its turn
        self.threads.add(threading.get_ident())
        if sys.platform == "linux":
            self.cpus.add(frozenset(os.sched_getaffinity(0)))
        if self._fails_at and len(self.batches) + 1 >= self._fails_at:
            raise self._error
        return super().predict(batch)


class Refusing(Lane):
    """Can't take a batch."""

    def bind(self, batch: NDArray[Any]) -> NDArray[Any]:
        raise RuntimeError(f"no batch of shape {batch.shape}")


def settings(scenario: Scenario, batch_size: int = 4, **fields: Any) -> RunSettings:
    count = 10 if scenario is Scenario.MULTI_STREAM else 160
    return RunSettings(
        scenario,
        batch_size=batch_size,
        min_query_count=count,
        expected_samples_per_s=20_000.0,
        **fields,
    )


SHARING = (Scenario.MULTI_STREAM, Scenario.OFFLINE, Scenario.SERVER)


@pytest.mark.parametrize("scenario", SHARING)
@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize("count", [2, 3])
def test_the_work_is_shared(
    scenario: Scenario, batch_size: int, count: int, tmp_path: Path
) -> None:
    lanes = [Lane() for _ in range(count)]
    callers = [Caller(lane) for lane in lanes]
    run(callers, Numbers(SAMPLES), settings(scenario, batch_size), tmp_path)
    log = read_detail(tmp_path)
    assert log.errors == ()
    assert log.long_enough
    assert all(lane.batches for lane in lanes)
    assert {len(batch) for lane in lanes for batch in lane.batches} == {batch_size}
    assert all(len(lane.threads) == 1 for lane in lanes)
    assert len({thread for lane in lanes for thread in lane.threads}) == count
    assert threading.get_ident() not in {thread for lane in lanes for thread in lane.threads}


@pytest.mark.parametrize("scenario", SHARING)
@pytest.mark.parametrize("accuracy", [False, True])
def test_a_batch_is_bound_before_any_query(
    scenario: Scenario, accuracy: bool, tmp_path: Path
) -> None:
    """By who starts the run, and not by who answers the first query."""
    lanes = [Lane(), Lane()]
    wanted, callers = settings(scenario, accuracy=accuracy), [Caller(lane) for lane in lanes]
    run(callers, Numbers(SAMPLES), wanted, tmp_path, encode=encode)
    for lane in lanes:
        assert lane.bound_by == [threading.get_ident()]
        assert threading.get_ident() not in lane.threads


@pytest.mark.parametrize("scenario", Scenario)
@pytest.mark.parametrize(("batch_size", "accuracy"), [(1, False), (4, False), (4, True)])
@pytest.mark.parametrize("position", [0, 1])
def test_a_batch_that_is_refused_ends_the_run(
    scenario: Scenario, batch_size: int, accuracy: bool, position: int, tmp_path: Path
) -> None:
    lanes = [Lane(), Lane()]
    lanes[position] = Refusing()
    if scenario is Scenario.SINGLE_STREAM:
        lanes = [Refusing()]
    wanted = settings(scenario, batch_size, accuracy=accuracy)
    callers = [Caller(lane) for lane in lanes]
    with pytest.raises(PredictionError, match="RuntimeError: no batch of shape") as caught:
        run(callers, Numbers(SAMPLES), wanted, tmp_path, encode=encode)
    assert isinstance(caught.value.__cause__, RuntimeError)
    assert not any(lane.batches for lane in lanes)


@pytest.mark.parametrize("batch_size", [1, 3])
def test_responses_are_those_of_their_samples(batch_size: int, tmp_path: Path) -> None:
    lanes = [Lane(), Lane()]
    wanted = settings(Scenario.OFFLINE, batch_size, accuracy=True)
    run([Caller(lane) for lane in lanes], Numbers(50), wanted, tmp_path, encode=encode)
    assert numbers(tmp_path) == {index: index for index in range(50)}
    assert all(lane.batches for lane in lanes)


def test_a_single_stream_has_one_caller(tmp_path: Path) -> None:
    lanes = [Lane(), Lane()]
    wanted = settings(Scenario.SINGLE_STREAM)
    run([Caller(lane) for lane in lanes], Numbers(SAMPLES), wanted, tmp_path)
    assert lanes[0].threads == {threading.get_ident()}  # and no thread of its own
    assert lanes[1].threads == set()


@pytest.mark.parametrize("scenario", SHARING)
@pytest.mark.parametrize("fails_at", [1, 3])
@pytest.mark.parametrize("broken", [[0], [1], [0, 1]])
def test_an_error_in_any_of_them_ends_the_run(
    scenario: Scenario, fails_at: int, broken: list[int], tmp_path: Path
) -> None:
    lanes = [Lane(fails_at if number in broken else 0) for number in range(2)]
    with pytest.raises(PredictionError, match="RuntimeError: the runtime says no"):
        run([Caller(lane) for lane in lanes], Numbers(SAMPLES), settings(scenario), tmp_path)
    assert threading.active_count() == 1 + _others()
    healthy = tmp_path / "healthy"
    healthy.mkdir()
    run([Caller(Lane()), Caller(Lane())], Numbers(SAMPLES), settings(scenario), healthy)
    assert read_detail(healthy).errors == ()


def _others() -> int:
    """Threads that are not ours: those of the test run itself."""
    ours = [t for t in threading.enumerate() if "_serve" in t.name]
    assert not ours
    return threading.active_count() - 1


@pytest.mark.parametrize("error", [MemoryError(), SystemExit(3), KeyboardInterrupt()])
def test_whatever_is_raised_comes_out(error: BaseException, tmp_path: Path) -> None:
    lanes = [Lane(), Lane(2, error)]
    wanted = settings(Scenario.OFFLINE)
    with pytest.raises((PredictionError, type(error))) as caught:
        run([Caller(lane) for lane in lanes], Numbers(SAMPLES), wanted, tmp_path)
    assert error in (caught.value, caught.value.__cause__)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a thread choose its CPUs")
@pytest.mark.parametrize("scenario", Scenario)
def test_a_caller_keeps_to_its_cpus(scenario: Scenario, tmp_path: Path) -> None:
    if sys.platform == "linux":
        before = os.sched_getaffinity(0)
        own = sorted(before)[-1:]
        lane = Lane()
        run([Caller(lane, tuple(own))], Numbers(SAMPLES), settings(scenario), tmp_path)
        assert lane.cpus == {frozenset(own)}
        assert os.sched_getaffinity(0) == before


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a thread choose its CPUs")
@pytest.mark.parametrize("count", [1, 2])
def test_cpus_that_are_not_there_end_the_run(count: int, tmp_path: Path) -> None:
    callers = [Caller(Lane(), (1_000_000,)) for _ in range(count)]
    with pytest.raises((OSError, PredictionError), match="Invalid argument"):
        run(callers, Numbers(SAMPLES), settings(Scenario.OFFLINE), tmp_path)
