"""The parts of noise, on simulated series whose parts are known."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from random import Random
from statistics import median
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.exploration.noise_parts import (
    LAG_EDGES_S,
    MIN_VALUES,
    TimedValue,
    find_outliers,
    split_noise,
)

if TYPE_CHECKING:
    from dse.exploration.noise_parts import NoiseParts

GAP_S = 2.3
SERIES = 8


def simulate(
    seed: int,
    *,
    seconds: float = 300.0,
    sd: float = 0.17,
    common: float = 0.5,
    time_s: float = 20.0,
    within: float = 0.1,
    slow: float = 0.03,
) -> list[TimedValue]:
    """Two configurations in turn, the second twice as slow as the first.

    Args:
        seed: of the random numbers.
        seconds: how long the series is.
        sd: of the logarithm of a value.
        common: the share of the variance that is common at lag 0.
        time_s: the correlation time of that.
        within: the share of the variance within a process.
        slow: the share of processes that are slower by 30 to 300 %.
    """
    random = Random(seed)  # noqa: S311 (noise, not a secret)
    values: list[TimedValue] = []
    at_s, shared = 0.0, random.gauss(0, 1)
    while at_s < seconds:
        number = len(values)
        own = math.sqrt(1 - common - within) * random.gauss(0, 1)
        level = (1 + number % 2) * (random.uniform(1.3, 4.0) if random.random() < slow else 1.0)

        def run(level: float = level, all_: float = math.sqrt(common) * shared + own) -> float:
            return level * math.exp(sd * (all_ + math.sqrt(within) * random.gauss(0, 1)))

        twice = number // 2 % 4 == 2 * (number % 2)
        values.append(TimedValue(at_s, number % 2, run(), run() if twice else None))
        gap_s = GAP_S * (1.5 if twice else 1.0)
        decay = math.exp(-gap_s / time_s)
        shared = decay * shared + math.sqrt(1 - decay**2) * random.gauss(0, 1)
        at_s += gap_s
    return values


@cache
def found(**parts: float) -> list[NoiseParts]:
    """The parts of several series."""
    return [split_noise(simulate(seed, **parts)) for seed in range(SERIES)]


@pytest.mark.parametrize(
    ("common", "time_s", "sd"), [(0.5, 20.0, 0.17), (0.8, 20.0, 0.17), (0.5, 5.0, 0.03)]
)
def test_five_minutes_tell_the_common_share_and_its_time(
    common: float, time_s: float, sd: float
) -> None:
    series = found(common=common, time_s=time_s, sd=sd)
    at_neighbours = common * math.exp(-GAP_S / time_s)
    assert abs(median(one.common for one in series) - at_neighbours) < 0.1
    assert all(abs(one.common - at_neighbours) < 0.35 for one in series)
    low, high = (
        sum(one.common_interval[0] <= at_neighbours for one in series),
        sum(one.common_interval[1] >= at_neighbours for one in series),
    )
    assert min(low, high) >= SERIES - 1
    times = [one.correlation_s for one in series if one.correlation_s is not None]
    assert len(times) == SERIES
    assert time_s / 2 < median(one.value or 0.0 for one in times) < 2 * time_s
    held = [(one.low or 0.0) <= time_s <= (one.high or math.inf) for one in times]
    assert sum(held) >= SERIES - 1
    assert abs(median(one.sd for one in series) / sd - 1) < 0.15
    assert all(0.6 < one.sd / sd < 1.5 for one in series)
    ratio_sd = sd * math.sqrt(2 * (1 - at_neighbours))
    # Outliers count here, as far as decisions take them.
    assert 0.9 < median(one.ratio_sd for one in series) / ratio_sd < 1.6
    assert abs(median(one.within or 0.0 for one in series) - 0.1) < 0.05
    for one in series:
        assert one.within is not None
        assert one.between is not None
        assert math.isclose(one.common + one.within + one.between, 1.0)


def test_white_noise_has_hardly_anything_in_common() -> None:
    series = found(common=0.0)
    assert median(one.common for one in series) <= 0.1
    assert sum(one.common_interval[0] == 0 for one in series) >= SERIES - 1
    # When it is that nothing is common, its correlation time can't be told.
    times = [one.correlation_s for one in series if one.common_interval[0] == 0]
    assert all(one is not None and one.low is None for one in times)


def test_what_changes_slower_than_the_series_is_long_has_no_upper_bound() -> None:
    for one in found(common=0.8, time_s=2000.0, slow=0.0):
        assert one.correlation_s is not None
        assert one.correlation_s.high is None


def test_correlations_fall_with_the_lag() -> None:
    series = found(common=0.8, time_s=20.0, slow=0.0)
    for one in series:
        lags = [at.lag_s for at in one.correlations]
        assert lags == sorted(lags)
        assert LAG_EDGES_S[0] < lags[0] < 4
        assert 90 < lags[-1] < LAG_EDGES_S[-1]
        assert one.correlations[0].same is None  # a process of the other one lies between
    first = median(one.correlations[0].other or 0.0 for one in series)
    last = median(one.correlations[-1].other or 0.0 for one in series)
    assert abs(first - 0.7) < 0.15
    assert abs(last) < 0.35


def test_slow_processes_are_left_out_and_change_little() -> None:
    plain = simulate(1, slow=0.0, sd=0.05)
    spoilt = [
        replace(one, value=3 * one.value) if number in (10, 11, 57) else one
        for number, one in enumerate(plain)
    ]
    clean, rest = split_noise(plain), split_noise(spoilt)
    assert clean.left_out == 0
    assert rest.left_out == 3
    assert abs(rest.sd / clean.sd - 1) < 0.1
    assert abs(rest.common - clean.common) < 0.1
    assert clean.ratio_sd < rest.ratio_sd < 1.4 * clean.ratio_sd  # drawn in, as decisions do


def test_the_ratio_of_neighbours_varies_by_what_they_do_not_share() -> None:
    series = found(common=0.8, slow=0.0)
    ratio_sd = 0.17 * math.sqrt(2 * (1 - 0.8 * math.exp(-GAP_S / 20.0)))
    assert abs(median(one.ratio_sd for one in series) / ratio_sd - 1) < 0.1


@pytest.mark.parametrize("odd", [1.0, 2.0])
def test_constant_values_vary_in_nothing(odd: float) -> None:
    values = [TimedValue(2.0 * n, n % 2, 5.0 + n % 2, 5.0 + n % 2) for n in range(40)]
    values[17] = replace(values[17], value=odd * values[17].value)
    parts = split_noise(values)
    assert parts.left_out == 0
    if odd == 1:
        assert (parts.sd, parts.common) == (0, 0)
        assert parts.ratio_sd < 1e-9
        assert (parts.correlation_s, parts.correlations) == (None, ())
        assert (parts.within, parts.between) == (None, None)
    else:
        assert parts.sd > 0


@given(st.integers(0, 1000), st.floats(0.1, 10), st.floats(-1e6, 1e6))
def test_neither_the_unit_nor_the_beginning_matters(seed: int, unit: float, begun_s: float) -> None:
    values = simulate(seed, seconds=30.0)
    moved = [
        replace(one, at_s=one.at_s + begun_s, value=unit * one.value, again=None) for one in values
    ]
    one, other = split_noise([replace(each, again=None) for each in values]), split_noise(moved)
    assert math.isclose(one.sd, other.sd, rel_tol=1e-3)
    assert math.isclose(one.ratio_sd, other.ratio_sd, rel_tol=1e-6)
    assert one.left_out == other.left_out


def test_a_few_values_tell_little_and_say_so() -> None:
    values = simulate(3, seconds=60.0)[:MIN_VALUES]
    parts = split_noise(values)
    low, high = parts.common_interval
    assert high - low > 0.5
    assert parts.correlation_s is not None
    assert parts.correlation_s.high is None
    with pytest.raises(ValueError, match="7 values are too few: it takes 8"):
        split_noise(values[:-1])
    with pytest.raises(ValueError, match="too few"):
        split_noise([replace(one, configuration=0) for one in values])


def test_a_value_is_an_outlier_by_its_neighbours_not_by_its_level() -> None:
    slope = [0.1 * n + 0.1 * (-1) ** (n // 3) for n in range(30)]
    assert not any(find_outliers(slope))
    assert find_outliers([*slope[:9], slope[9] + 1.5, *slope[10:]])[9]
    assert not any(find_outliers([0.0] * 20 + [1.0]))
