"""Rivals: the evidence of their rounds, and the intervals that follow from it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dse.core.confidence_sequence import Series
from dse.study._rivals import Rivals

ALPHA = 0.01
TIE = math.log1p(0.02)


def rivals(count: int, difference: float, *, noise: float = 0.1, alike: bool = True) -> Rivals:
    """Two with noise of one side, of which the second is slower by a difference."""
    drawn = np.random.default_rng(count).exponential(noise, (count, 2))
    drawn += np.random.default_rng(1).normal(0, noise / 20, (count, 2))
    ours, theirs = drawn[:, 0].tolist(), (drawn[:, 1] + difference).tolist()
    apart = [one - other for one, other in zip(ours, theirs, strict=True)]
    return Rivals(Series.of(apart), tuple(ours), tuple(theirs), alike)


@pytest.mark.parametrize("alike", [True, False])
@pytest.mark.parametrize("count", [2, 5, 20, 60])
def test_outside_of_its_interval_all_is_excluded(count: int, *, alike: bool) -> None:
    known = rivals(count, 0.1, alike=alike)
    low, high = known.interval(ALPHA)
    assert low < known.centre < high
    assert not known.excludes(known.centre, ALPHA)
    if math.isfinite(low):
        assert known.excludes(low - 0.001, ALPHA)
        assert known.excludes(high + 0.001, ALPHA)


def test_the_order_tells_sooner_and_of_like_loads_only() -> None:
    assert rivals(40, 0.06).excludes(0.0, ALPHA)
    assert not rivals(40, 0.06, alike=False).excludes(0.0, ALPHA)


def test_a_large_difference_needs_few_rounds() -> None:
    assert rivals(5, 2.0, noise=0.01).excludes(0.0, ALPHA)


def test_the_mean_and_the_order_have_to_agree() -> None:
    """Seldom as fast as it can be, and slower as a rule."""
    usual, odd = rivals(60, 0.0, noise=0.01), rivals(60, 0.0)
    theirs = tuple(value - 0.05 for value in odd.ours)
    apart = [one - other for one, other in zip(usual.ours, theirs, strict=True)]
    known = Rivals(Series.of(apart), usual.ours, theirs, alike=True)
    turned = Rivals(Series.of([-each for each in apart]), theirs, usual.ours, alike=True)
    assert known.centre < 0
    assert not known.excludes(0.0, ALPHA)
    assert not turned.excludes(0.0, ALPHA)


def test_what_is_needed_comes_true() -> None:
    early, late = rivals(30, 0.04), rivals(300, 0.04)
    needed = early.needed(TIE, ALPHA)
    assert 30 < needed < 300
    assert late.excludes(0.0, ALPHA)
    assert late.needed(TIE, ALPHA) == 301  # one more at least, whatever is decided
    assert rivals(1, 0.0).needed(TIE, ALPHA) == math.inf


def test_what_hardly_differs_is_to_be_a_tie() -> None:
    known = rivals(400, 0.0, noise=0.02)
    assert not known.excludes(0.0, ALPHA)
    assert known.excludes(TIE, ALPHA)
    assert known.excludes(-TIE, ALPHA)
    assert rivals(40, 0.0, noise=0.02).needed(TIE, ALPHA) < 400
