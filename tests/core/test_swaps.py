"""The order of pairs as evidence: its level, what it gains, and what leaves it alone."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.confidence_sequence import Series
from dse.core.swaps import MIN_BEFORE, swap_evidence

ALPHA = 0.05
PAIRS = st.lists(st.tuples(st.floats(-1, 1), st.floats(-1, 1)), min_size=1, max_size=30)
Pairs = list[tuple[float, float]]


def evidence(pairs: Pairs, difference: float = 0.0) -> float:
    ours, theirs = zip(*pairs, strict=True)
    return swap_evidence(ours, theirs, difference)


def one_sided(chooser: np.random.Generator, count: int, difference: float) -> Pairs:
    """Pairs with a sharp lower end and a long tail, the other one slower by a difference."""
    drawn = chooser.exponential(0.1, (count, 2)) + chooser.normal(0, 0.005, (count, 2))
    return [(float(ours), float(other) + difference) for ours, other in drawn]


@given(pairs=PAIRS, difference=st.floats(-1, 1))
def test_a_bet_doubles_a_fortune_at_most(pairs: Pairs, difference: float) -> None:
    bets = max(0, len(pairs) - MIN_BEFORE)
    assert evidence(pairs, difference) <= bets * math.log(2) + 1e-9
    if not bets:
        assert evidence(pairs, difference) == 0


@given(pairs=PAIRS, shift=st.integers(-8, 8), scale=st.sampled_from([0.25, 2.0, 8.0]))
def test_neither_the_unit_nor_the_zero_matters(pairs: Pairs, shift: int, scale: float) -> None:
    grid = [(round(ours, 2), round(other, 2)) for ours, other in pairs]
    moved = [(scale * (ours + shift), scale * (other + shift)) for ours, other in grid]
    assert evidence(moved) == pytest.approx(evidence(grid), abs=1e-3)


@given(pairs=PAIRS)
def test_what_is_alike_gains_nothing(pairs: Pairs) -> None:
    assert evidence([(ours, ours) for ours, _ in pairs]) == 0


def test_it_misses_at_any_look_as_seldom_as_it_says() -> None:
    chooser = np.random.default_rng(1)
    misses = 0
    for _ in range(300):
        pairs = one_sided(chooser, 40, 0.0)
        looks = range(MIN_BEFORE, 41, 3)
        misses += any(evidence(pairs[:look]) > -math.log(ALPHA) for look in looks)
    assert misses <= 24  # 15 are expected at most; 25 or more happen in 1 of 100 such tests


def test_noise_of_one_side_tells_more_by_its_lower_end_than_by_its_mean() -> None:
    chooser = np.random.default_rng(2)
    sooner = 0
    for _ in range(20):
        pairs = one_sided(chooser, 40, 0.05)
        known = Series.of([ours - other for ours, other in pairs])
        sooner += evidence(pairs) > known.evidence(0.0)
    assert sooner >= 18


def test_the_difference_is_that_of_both() -> None:
    pairs = one_sided(np.random.default_rng(3), 80, 0.2)
    assert evidence(pairs) > 10
    assert evidence(pairs, -0.1) > 5
    assert evidence(pairs, -0.3) < 1
    assert evidence([(other, ours) for ours, other in pairs]) < 1
