"""How settling is told: how many points are decided, and how long the others would take."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.cli.options import LIMIT
from dse.core.wording import WIDTH
from dse.report.settling import MAX_TOLD_S, describe_frontier, describe_need, describe_round
from dse.study.settling import Settling


@pytest.mark.parametrize(
    ("needed_s", "told"),
    [
        (31.0, "40 s more may tell, or several times that: --settle 40s"),
        (85.0, "1.5 min more may tell, or several times that: --settle 1.5m"),
        (341.0, "6 min more may tell, or several times that: --settle 6m"),
        (9e3, "3 h more may tell, or several times that: --settle 3h"),
        (2e5, "3 d more may tell, or several times that: --settle 3d"),
        (1e6, "to tell takes more than a week, it seems"),
        (math.inf, "to tell takes more than a week, it seems"),
    ],
)
def test_more_of_a_frontier_takes_time(needed_s: float, told: str) -> None:
    assert describe_need(needed_s) == told


@pytest.mark.parametrize(
    ("points", "decided", "undecided", "told"),
    [
        (1, 1, 0, "1 point, 1 decided"),
        (22, 14, 8, "22 points, 14 decided against all, 8 undecided"),
        (3, 1, 0, "3 points, 1 decided, 2 that rounds can't decide"),
        (4, 1, 2, "4 points, 1 decided against all, 2 undecided, 1 that rounds can't decide"),
    ],
)
def test_a_frontier_says_what_is_decided(
    points: int, decided: int, undecided: int, told: str
) -> None:
    assert describe_frontier(Settling(0, points, decided, undecided, 1.0, 0.0)) == told


@pytest.mark.parametrize(
    ("needed_s", "budget_s", "left"),
    [
        (341.0, 900.0, "perhaps 5.7 min of rounds left"),
        (341.0, 15.0, "about 15 s of rounds left"),
        (math.inf, 14.2, "about 15 s of rounds left"),
        (341.0, -1.0, "the time is spent"),
        (math.inf, math.inf, "time left unknown"),
    ],
)
def test_a_round_tells_the_time_that_is_left(needed_s: float, budget_s: float, left: str) -> None:
    told = describe_round(Settling(12, 22, 14, 8, needed_s, budget_s))
    assert told == f"settling: round 12, 8 of 22 points undecided, {left}"


def test_the_last_round_tells_what_is_decided() -> None:
    told = describe_round(Settling(3, 5, 4, 0, 0.0, 9.0))
    assert told == "settling: round 3, 5 points, 4 decided, 1 that rounds can't decide"


@given(st.floats(1e-6, MAX_TOLD_S), st.integers(0, 9_999))
def test_the_time_told_is_one_to_give_that_suffices_and_lines_are_short(
    needed_s: float, points: int
) -> None:
    given_s = LIMIT.convert(describe_need(needed_s).partition("--settle ")[2], None, None)
    assert needed_s <= given_s <= max(2 * needed_s + 10, 10)
    assert len(f"undecided: {describe_need(needed_s)}") <= WIDTH
    assert len(describe_round(Settling(9_999, points + 2, points, 2, needed_s, math.inf))) < 80
