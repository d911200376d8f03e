"""Intervals that hold at all numbers of values: their level, and what narrows them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.confidence_sequence import (
    Prior,
    Series,
    half_width,
    rounds_needed,
    values_needed,
)

ALPHA = 0.05
VALUES = st.lists(st.floats(-1, 1), min_size=2, max_size=30)
ALPHAS = st.floats(1e-6, 0.2)


@given(values=VALUES, shift=st.floats(-3, 3), scale=st.floats(0.1, 10), alpha=ALPHAS)
def test_it_moves_and_stretches_with_the_values(
    values: list[float], shift: float, scale: float, alpha: float
) -> None:
    own = Series.of(values)
    moved = Series.of([shift + scale * value for value in values])
    assert moved.centre == pytest.approx(shift + scale * own.centre, abs=1e-6)
    width = scale * own.half_width(alpha)
    assert moved.half_width(alpha) == pytest.approx(width, rel=1e-4, abs=1e-6)


@given(values=VALUES, alpha=ALPHAS)
def test_the_order_of_the_values_does_not_matter(values: list[float], alpha: float) -> None:
    one, other = Series.of(values), Series.of(sorted(values))
    assert one.centre == pytest.approx(other.centre, abs=1e-12)
    assert one.half_width(alpha) == pytest.approx(other.half_width(alpha))


@given(count=st.integers(2, 1000), degrees=st.floats(0, 6), alpha=ALPHAS)
def test_less_risk_makes_it_wider_and_more_values_narrower(
    count: int, degrees: float, alpha: float
) -> None:
    def width(count: int, alpha: float) -> float:
        return half_width(count, count - 1 + degrees, degrees, alpha)

    assert width(count, alpha / 2) >= width(count, alpha)
    assert width(2 * count, alpha) <= width(count, alpha)


def test_it_is_infinite_where_a_few_values_can_tell_nothing() -> None:
    assert Series.of([0.1]).half_width(ALPHA) == math.inf
    assert Series.of([0.1, 0.2]).half_width(0.001) == math.inf
    known = replace(Series.of([0.1, 0.2]), prior=Prior(0.05, 6.0))
    assert known.half_width(0.001) < math.inf


def test_a_prior_says_how_wide_it_is_before_the_values_do() -> None:
    steady, restless = (
        replace(Series.of([0.1, 0.11, 0.09]), prior=Prior(sd, 6.0)) for sd in (0.01, 0.1)
    )
    assert steady.half_width(ALPHA) < 0.5 * restless.half_width(ALPHA)
    assert math.isnan(Series.of([0.1]).sd)


def test_an_outlier_neither_moves_nor_widens_it_much() -> None:
    values = [0.01 * (number % 5 - 2) for number in range(20)]
    usual, disturbed = Series.of(values), Series.of([*values[:-1], 5.0])
    assert abs(disturbed.centre - usual.centre) < 0.005
    assert disturbed.half_width(ALPHA) < 1.5 * usual.half_width(ALPHA)


def ever_misses(chooser: np.random.Generator, draw: str, looks: int = 40) -> bool:
    """Whether the true centre, 0, is outside after any number of values."""
    values: list[float] = []
    for _ in range(looks):
        value = chooser.normal(0, 1) - chooser.normal(0, 1)
        if draw == "outliers" and chooser.random() < 0.05:
            value += float(chooser.choice([-1, 1])) * chooser.uniform(5, 50)
        values.append(value)
        known = Series.of(values)
        if abs(known.centre) > known.half_width(ALPHA):
            return True
    return False


@pytest.mark.parametrize("draw", ["normal", "outliers"])
def test_it_misses_at_any_look_as_seldom_as_it_says(draw: str) -> None:
    chooser = np.random.default_rng(1)
    misses = sum(ever_misses(chooser, draw) for _ in range(300))
    assert misses <= 24  # 15 are expected at most; 25 or more happen in 1 of 100 such tests


@given(difference=st.floats(0.01, 1), sd=st.floats(0.001, 0.5), alpha=ALPHAS)
def test_what_is_needed_is_the_smallest_number_that_suffices(
    difference: float, sd: float, alpha: float
) -> None:
    count = int(rounds_needed(difference, sd, alpha))
    assert half_width(count, sd**2 * (count + 5), 6, alpha) <= difference
    if count > 1:
        assert half_width(count - 1, sd**2 * (count + 4), 6, alpha) > difference
    assert rounds_needed(-difference, sd, alpha) == count


def test_what_cannot_be_told_needs_for_ever() -> None:
    assert rounds_needed(1e-9, 0.1) == math.inf
    assert values_needed(0.1, math.nan, ALPHA) == math.inf
    assert values_needed(0.5, 0.01, ALPHA, more_than=30) == 31
