"""The search for the highest rate, and what is measured at it."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.backend import Runtime
from dse.core.measurement import FailureKind
from dse.core.metrics import SERVER
from dse.core.registry import backend
from dse.loadgen.logs import read_detail
from dse.measure import _server
from dse.measure._run_result import RunFailedError
from dse.measure._server import MAX_STEPS, PRECISION, STEP, highest
from dse.measure.runs import take
from tests.measure.specs import QUICK, patient, spec
from tests.measure.test_loaded_model import Watched

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


@given(first=st.floats(1e-3, 1e6), distance=st.floats(0.2, 5))
def test_the_highest_rate_is_found(first: float, distance: float) -> None:
    limit, tried = first * distance, list[float]()

    def keeps(rate: float) -> bool:
        tried.append(rate)
        return rate <= limit

    found = highest(keeps, first, kept=keeps(first))
    assert found is not None
    assert found <= limit < found * PRECISION
    assert len(tried) == len(set(tried)) <= MAX_STEPS + 1
    assert found in tried


@given(first=st.floats(1e-3, 1e6), keeping=st.booleans())
def test_a_search_without_an_end_is_given_up(first: float, keeping: bool) -> None:
    tried = []

    def keeps(rate: float) -> bool:
        tried.append(rate)
        return keeping

    found = highest(keeps, first, kept=keeps(first))
    assert len(tried) == MAX_STEPS + 1
    if keeping:
        assert found == max(tried)
        assert found == pytest.approx(first * STEP**MAX_STEPS)
    else:
        assert found is None


def test_what_the_first_rate_showed_shortens_the_search() -> None:
    tried = [1.0]

    def keeps(rate: float) -> bool:
        tried.append(rate)
        return rate <= 1e4

    found = highest(keeps, 1.0, kept=True, likely=8e3)
    assert found is not None
    assert found <= 1e4 < found * PRECISION
    assert tried[:3] == [1.0, 8e3, 1e4]


@given(st.lists(st.booleans(), min_size=MAX_STEPS + 1, max_size=MAX_STEPS + 1))
def test_noise_ends_the_search_too(answers: list[bool]) -> None:
    kept = []

    def keeps(rate: float) -> bool:
        if answer := answers.pop():
            kept.append(rate)
        return answer

    found = highest(keeps, 100.0, kept=keeps(100.0))
    assert found in kept if kept else found is None


def test_the_value_is_that_of_the_confirming_run(tmp_path: Path) -> None:
    wanted = patient(spec(tmp_path, SERVER.name, knobs={"delay_ms": 2.0}))
    null = backend("null")
    assert isinstance(null, Runtime)
    [found] = take(null, wanted)
    runs = int(found.details["runs"])
    folders = sorted(wanted.folder.glob("server*"))
    assert len(folders) == runs >= 3
    last = wanted.folder / f"server-{runs}"
    log = read_detail(last)
    assert found.value == log.number("result_completed_samples_per_sec")
    assert log.values["result_perf_constraints_met"] is True
    p99_ms = found.details["p99_ms"]
    assert p99_ms == log.number("result_99.00_percentile_latency_ns") / 1e6
    assert float(p99_ms) <= log.number("effective_target_latency_ns") / 1e6
    assert log.values["requested_server_target_qps"] == pytest.approx(
        found.details["target_samples_per_s"], rel=1e-3
    )
    # One call at a time of 2 ms can't do more.
    assert 50 < found.value < 500


def test_a_model_slower_than_the_bound_has_no_rate(tmp_path: Path) -> None:
    def slow(_: int, batch: NDArray[Any]) -> NDArray[np.generic]:
        time.sleep(0.02)
        return np.zeros((len(batch), 10), np.float32)

    wanted = spec(tmp_path, SERVER.name)
    with pytest.raises(RunFailedError, match="no rate keeps the bound of 15 ms: one call takes 2"):
        list(take(Watched(slow), wanted))
    assert not list(wanted.folder.glob("server*"))


def test_a_slow_warm_up_is_no_reason_to_refuse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_server, "MAX_STEPS", 1)

    def slow_at_first(call: int, batch: NDArray[Any]) -> NDArray[np.generic]:
        time.sleep(0.02 if call <= QUICK.warm_up_calls else 0)
        return np.zeros((len(batch), 10), np.float32)

    wanted = spec(tmp_path, SERVER.name)
    with suppress(RunFailedError):  # a loaded machine may well keep no bound
        list(take(Watched(slow_at_first), wanted))
    assert list(wanted.folder.glob("server*"))


def test_no_rate_that_keeps_the_bound_is_a_failed_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_server, "MAX_STEPS", 4)  # low rates take long

    def stalling(call: int, batch: NDArray[Any]) -> NDArray[np.generic]:
        time.sleep(0.02 if call > 10 and call % 20 == 0 else 0)
        return np.zeros((len(batch), 10), np.float32)

    with pytest.raises(RunFailedError, match=r"no rate from .* samples/s on") as caught:
        list(take(Watched(stalling), spec(tmp_path, SERVER.name)))
    assert caught.value.kind is FailureKind.INVALID_RUN
