"""The offset of the clocks, and that a process which had to wait looks again."""

from __future__ import annotations

import time

import pytest

from dse.machine import clock_jump


def test_it_is_what_the_clocks_say() -> None:
    assert clock_jump.offset_s() == pytest.approx(time.time() - time.monotonic(), abs=1.0)


def test_waiting_between_two_readings_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    # The first pair is 3 s apart, for the process had to wait; the second one is not.
    readings = iter([100.0, 103.0, 104.0, 104.0002])
    walls = iter([1102.9, 1104.0001])
    monkeypatch.setattr(time, "monotonic", lambda: next(readings))
    monkeypatch.setattr(time, "time", lambda: next(walls))
    assert clock_jump.offset_s() == pytest.approx(1000.0, abs=1e-6)


def test_a_machine_that_always_waits_has_its_best_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = iter([n * 0.5 for n in range(2 * clock_jump.MAX_READINGS)])
    monkeypatch.setattr(time, "monotonic", lambda: next(steps))
    monkeypatch.setattr(time, "time", lambda: 10.0)
    assert clock_jump.offset_s() == pytest.approx(10.0 - 0.25)
