"""What is made of two samples: shares, and what counts as a disturbance."""

from __future__ import annotations

import math
import sys
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dse.machine.clock_jump import JUMP_S
from dse.machine.conditions import (
    MAX_OTHER_LOAD_PERCENT,
    MAX_STEAL_PERCENT,
    MAX_SWAPPED_PAGES,
    MIN_SPAN_S,
    Conditions,
    conditions_between,
)
from dse.machine.sample import CpuTimes, Sample, sample
from tests.machine.samples import START, busy_loop

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc")


def later(
    seconds: float, busy: float = 0.0, idle: float = 0.0, steal: float = 0.0, here: float = 0.0
) -> Sample:
    """The sample after some seconds in which the CPUs spent their time so."""
    return replace(
        START,
        monotonic_s=START.monotonic_s + seconds,
        times=CpuTimes(1000.0 + busy, 3000.0 + idle, 5.0 + steal),
        process_cpu_s=START.process_cpu_s + here,
    )


def test_a_quiet_machine_whose_worker_is_busy() -> None:
    found = conditions_between(
        START, later(2.0, busy=2.06, idle=1.92, steal=0.02, here=0.02), own_cpu_s=2.0
    )
    assert found.disturbance == ""
    assert found.as_details() == {"steal_percent": 0.5, "other_load_percent": 1.0, "mhz": 3000}


def test_load_of_others_and_steal_are_told_together() -> None:
    found = conditions_between(START, later(2.0, busy=2.5, idle=1.1, steal=0.4), own_cpu_s=1.3)
    assert found.disturbance == "10 % steal, other load of 30 %"
    assert found.as_details()["disturbed"] == found.disturbance


def test_whose_worker_is_gone_does_not_know_the_load_of_others() -> None:
    found = conditions_between(START, later(2.0, busy=4.0), own_cpu_s=None)
    assert (found.other_load_percent, found.steal_percent) == (None, 0.0)
    assert found.disturbance == ""


def test_a_short_time_has_no_shares_but_the_rest() -> None:
    after = replace(later(0.2, busy=0.2, steal=0.2), throttles=5)
    found = conditions_between(START, after, own_cpu_s=0.0)
    assert (found.steal_percent, found.other_load_percent) == (None, None)
    assert found.disturbance == "thermal throttling"


def test_one_tick_of_steal_is_none_however_large_its_share() -> None:
    found = conditions_between(
        replace(START, cpus=(0,)), replace(later(0.31, 0.3, 0, 0.01), cpus=(0,)), 0.3
    )
    assert found.steal_percent is not None
    assert found.steal_percent > MAX_STEAL_PERCENT
    assert found.disturbance == ""


@pytest.mark.parametrize("jump", [-3.0, -0.06, 0.06, 3600.0])
def test_a_clock_that_was_set(jump: float) -> None:
    after = replace(later(1.0, idle=2.0), offset_s=START.offset_s + jump)
    found = conditions_between(START, after, own_cpu_s=0.0)
    assert math.isclose(found.clock_jump_s, jump, abs_tol=1e-6)
    assert found.disturbance == f"the clock jumped by {jump:+.2g} s"


def test_a_clock_that_is_slewed_has_not_jumped() -> None:
    after = replace(later(1.0, idle=2.0), offset_s=START.offset_s + 0.9 * JUMP_S)
    assert conditions_between(START, after, own_cpu_s=0.0).disturbance == ""


@pytest.mark.parametrize(("before", "after"), [(True, False), (False, True)])
def test_heat(before: bool, after: bool) -> None:
    first = replace(START, cooling=before)
    assert conditions_between(first, replace(later(1.0), cooling=after), 0.0).throttled
    assert conditions_between(replace(START, throttles=None), later(1.0), 0.0).throttled is False


def test_single_pages_from_the_swap_do_not_count() -> None:
    few, many = (
        replace(later(1.0), swap_ins=90 + n) for n in (MAX_SWAPPED_PAGES, MAX_SWAPPED_PAGES + 1)
    )
    assert conditions_between(START, few, 0.0).disturbance == ""
    assert conditions_between(START, many, 0.0).disturbance == "swapping"


@pytest.mark.parametrize(
    ("stops", "words"),
    [
        (0, ""),
        (1, "stopped by the CPU quota in 1 period"),
        (162, "stopped by the CPU quota in 162 periods"),
    ],
)
def test_a_quota_that_was_used_up(stops: int, words: str) -> None:
    found = conditions_between(START, replace(later(2.0, idle=4.0), quota_stops=7 + stops), 0.0)
    assert found.disturbance == words
    assert found.as_details().get("quota_stops", 0) == stops
    assert found.as_details().get("disturbed", "") == words


def test_a_quota_that_can_not_be_seen_stops_nothing() -> None:
    for before, after in ((None, 9), (9, None), (9, 2)):
        first = replace(START, quota_stops=before)
        assert (
            conditions_between(first, replace(later(1.0), quota_stops=after), 0.0).quota_stops == 0
        )


@pytest.mark.parametrize(
    "after", [replace(later(2.0, busy=4.0), cpus=(0,)), replace(later(2.0), times=None), later(2.0)]
)
def test_shares_of_what_can_not_be_compared_are_unknown(after: Sample) -> None:
    found = conditions_between(START, after, own_cpu_s=0.0)
    assert (found.steal_percent, found.other_load_percent) == (None, None)
    assert found.disturbance == ""


def test_the_mean_of_the_clocks_that_are_known() -> None:
    slower = replace(later(1.0), mhz=2000.0)
    assert conditions_between(START, slower, 0.0).mhz == 2500
    assert conditions_between(replace(START, mhz=None), slower, 0.0).mhz == 2000
    assert (
        "mhz"
        not in conditions_between(
            replace(START, mhz=None), replace(slower, mhz=None), 0
        ).as_details()
    )


TIMES = st.floats(-0.05, 1e4)


@example(1.0, 0.0, 0.0, 1311.323057960077, 0.0, 0.0)  # rounding went beyond 100
@given(st.floats(MIN_SPAN_S, 1e4), TIMES, TIMES, TIMES, st.floats(0, 1e4), st.floats(0, 10))
def test_shares_lie_between_0_and_100_and_what_is_own_is_no_load_of_others(
    seconds: float, busy: float, idle: float, steal: float, own: float, here: float
) -> None:
    after = later(seconds, busy, idle, steal, here)
    found, alone = (
        conditions_between(START, after, own),
        conditions_between(START, after, max(0.0, busy)),
    )
    if found.steal_percent is None or found.other_load_percent is None:
        assert max(busy, idle, steal) <= 1e-9
        return
    assert 0 <= found.steal_percent <= 100
    assert 0 <= found.other_load_percent <= 100
    assert alone.other_load_percent is not None
    assert alone.other_load_percent <= 1e-6


@given(st.floats(0, 100), st.floats(0, 100), st.floats(0, 1e4))
def test_disturbed_is_what_exceeds_a_limit_by_more_than_rounding(
    steal: float, others: float, available: float
) -> None:
    found = Conditions(available, steal, others, None, False, False, 0.0)
    expected = (
        (steal > MAX_STEAL_PERCENT and steal * available > 3)
        or (others > MAX_OTHER_LOAD_PERCENT and others * available > 3)
    )  # fmt: skip
    assert ("disturbed" in found.as_details()) is bool(found.disturbance)
    if abs(steal * available - 3) > 1e-6 and abs(others * available - 3) > 1e-6:
        assert bool(found.disturbance) is expected


@LINUX
def test_what_this_process_does_is_no_load_of_others() -> None:
    before = sample()
    busy_loop(0.5)
    found = conditions_between(before, sample(), own_cpu_s=0.0)
    claimed = conditions_between(before, sample(), own_cpu_s=1e6)
    assert found.available_cpu_s is not None
    assert found.other_load_percent is not None
    # Whatever else runs: at least this process's share is missing from the load of others.
    most = 100 * (1 - 0.5 / found.available_cpu_s)
    assert found.other_load_percent <= most + 100 * 0.05 / found.available_cpu_s
    assert claimed.other_load_percent == 0
