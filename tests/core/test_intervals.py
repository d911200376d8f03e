"""Intervals: their laws, figures from the literature, and how often they hold what they should."""

from __future__ import annotations

import math
from statistics import median, stdev

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.intervals import (
    CORRELATION_S,
    GAP_EFFICIENCY,
    MAX_PRIOR_DEGREES,
    MAX_REACHES,
    TAIL_DEGREES,
    Spread,
    bulk_deviation,
    chance_beyond,
    confidence_interval,
    in_blocks,
    pool_spread,
    student_t,
    typical_value,
    wilson,
)

LONG = pytest.mark.long
DESIGNS = [(3, 5, 1.0), (5, 40, 0.9), (10, 10, 1.0), (10, 40, 0.9), (20, 5, 1.0), (20, 40, 0.95)]
"""Minutes of a study, values of each rival, and the most that the naive interval holds."""


@st.composite
def shares(draw: st.DrawFn) -> tuple[int, int]:
    total = draw(st.integers(1, 10**6))
    return draw(st.integers(0, total)), total


# R. G. Newcombe, Statistics in Medicine 17 (1998), 857-872, table I, method 3.
@pytest.mark.parametrize(
    ("good", "total", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_published_figures(good: int, total: int, low: float, high: float) -> None:
    assert wilson(good, total) == pytest.approx((low, high), abs=5e-5)


@given(share=shares(), confidence=st.floats(0.01, 0.999))
def test_it_holds_the_share_and_stays_between_0_and_1(
    share: tuple[int, int], confidence: float
) -> None:
    low, high = wilson(*share, confidence)
    assert 0 <= low <= share[0] / share[1] <= high <= 1
    assert low < high


@given(shares())
def test_none_and_all_touch_the_ends(share: tuple[int, int]) -> None:
    _, total = share
    assert wilson(0, total)[0] == 0
    assert wilson(total, total)[1] == 1


@given(shares())
def test_failures_mirror_successes(share: tuple[int, int]) -> None:
    good, total = share
    low, high = wilson(good, total)
    mirrored_low, mirrored_high = wilson(total - good, total)
    assert (low, high) == pytest.approx((1 - mirrored_high, 1 - mirrored_low), abs=1e-12)


@given(share=shares(), times=st.integers(2, 50))
def test_it_narrows_with_more_trials(share: tuple[int, int], times: int) -> None:
    good, total = share
    low, high = wilson(good, total)
    lower, higher = wilson(times * good, times * total)
    assert higher - lower < high - low


@given(share=shares(), one=st.floats(0.01, 0.999), other=st.floats(0.01, 0.999))
def test_it_widens_with_the_confidence(share: tuple[int, int], one: float, other: float) -> None:
    less, more = sorted((one, other))
    low, high = wilson(*share, less)
    lower, higher = wilson(*share, more)
    assert lower <= low + 1e-12
    assert high - 1e-12 <= higher


@given(shares())
def test_it_moves_up_with_the_share(share: tuple[int, int]) -> None:
    good, total = share
    low, high = wilson(good, total + 1)
    better_low, better_high = wilson(good + 1, total + 1)
    assert low < better_low
    assert high < better_high or high == better_high == 1


# NIST/SEMATECH e-Handbook of Statistical Methods, section 1.3.6.7.2.
@pytest.mark.parametrize(
    ("degrees", "of_90", "of_95", "of_99"),
    [
        (1, 6.314, 12.706, 63.657),
        (2, 2.920, 4.303, 9.925),
        (3, 2.353, 3.182, 5.841),
        (4, 2.132, 2.776, 4.604),
        (5, 2.015, 2.571, 4.032),
        (6, 1.943, 2.447, 3.707),
        (10, 1.812, 2.228, 3.169),
        (30, 1.697, 2.042, 2.750),
        (100, 1.660, 1.984, 2.626),
    ],
)
def test_published_quantiles(degrees: int, of_90: float, of_95: float, of_99: float) -> None:
    found = [student_t(degrees, confidence) for confidence in (0.9, 0.95, 0.99)]
    assert found == pytest.approx([of_90, of_95, of_99], abs=5.1e-4)
    assert student_t(degrees) == found[1]


@given(degrees=st.integers(1, 200), confidence=st.floats(0.5, 0.999))
def test_the_density_between_the_quantiles_is_the_confidence(
    degrees: int, confidence: float
) -> None:
    # With x = sqrt(degrees) tan(angle) the density becomes a power of the cosine.
    end = math.atan(student_t(degrees, confidence) / math.sqrt(degrees))
    nodes, weights = np.polynomial.legendre.leggauss(200)
    angles = end / 2 * (nodes + 1)
    half = end / 2 * float(weights @ np.cos(angles) ** (degrees - 1))
    scale = math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2) - math.log(math.pi) / 2
    assert 2 * half * math.exp(scale) == pytest.approx(confidence, abs=2e-6)


VALUES = st.floats(1e-3, 1e6)


def apart(values: list[float]) -> list[list[float]]:
    """Values that are minutes apart: each in a block of its own."""
    return [[value] for value in values]


@given(st.lists(VALUES, min_size=1, max_size=9), st.floats(1e-3, 1e3))
def test_the_typical_value_is_a_median_in_any_unit(values: list[float], factor: float) -> None:
    found = typical_value(values)
    assert min(values) * (1 - 1e-12) <= found <= max(values) * (1 + 1e-12)
    if len(values) % 2:
        assert found == pytest.approx(median(values))
    assert typical_value([factor * value for value in values]) == pytest.approx(factor * found)


@given(st.lists(st.floats(1, 1.1), min_size=2, max_size=8), st.floats(1e-6, 1e6))
def test_one_disturbed_run_does_not_move_the_typical_value(
    values: list[float], disturbed: float
) -> None:
    assert 1 - 1e-9 <= typical_value([*values, disturbed]) <= 1.1 + 1e-9
    assert 1 - 1e-9 <= typical_value([*values, 1.05, disturbed]) <= 1.1 + 1e-9


GROUPS = st.lists(st.lists(VALUES, max_size=5), max_size=6)


@given(GROUPS)
def test_the_pooled_spread_lies_between_those_of_the_groups(groups: list[list[float]]) -> None:
    found = pool_spread(map(apart, groups))
    repeats = [[math.log(v) for v in group] for group in groups if len(group) > 1]
    if found is None:
        assert not repeats
        return
    assert found.degrees == sum(len(logs) - 1 for logs in repeats)
    own = [stdev(logs) for logs in repeats]
    assert min(own) - 1e-9 <= found.sd <= max(own) + 1e-9
    widest = max(max(logs) - min(logs) for logs in repeats)
    assert 0 <= found.bulk <= widest * 1.05 + 1e-9


@given(GROUPS, st.lists(st.floats(1e-3, 1e3), min_size=6, max_size=6))
def test_how_far_the_groups_lie_apart_does_not_count(
    groups: list[list[float]], factors: list[float]
) -> None:
    moved = [[f * v for v in group] for f, group in zip(factors, groups, strict=False)]
    one, other = pool_spread(map(apart, groups)), pool_spread(map(apart, moved))
    assert (one is None) is (other is None)
    if one is not None and other is not None:
        assert other.sd == pytest.approx(one.sd, abs=1e-6)
        assert other.bulk == pytest.approx(one.bulk, abs=1e-6)
        assert other.degrees == one.degrees


def test_of_one_value_nothing_is_known() -> None:
    assert confidence_interval([[3.0]], None) is None
    assert confidence_interval([[3.0]], Spread(0.1, 0.1, 1)) is not None


@given(st.lists(VALUES, min_size=1, max_size=6), st.floats(0, 1), st.integers(1, 100))
def test_an_interval_holds_the_typical_value_in_any_unit(
    values: list[float], sd: float, degrees: int
) -> None:
    known = Spread(sd, sd / 2, degrees)
    found = confidence_interval(apart(values), known)
    assert found is not None
    assert found[0] * (1 - 1e-9) <= typical_value(values) <= found[1] * (1 + 1e-9)
    scaled = confidence_interval(apart([1000 * value for value in values]), known)
    assert scaled == pytest.approx((1000 * found[0], 1000 * found[1]), rel=1e-6)


@given(st.lists(VALUES, min_size=1, max_size=6), st.integers(0, 100))
def test_the_spread_of_others_counts_up_to_a_bound(values: list[float], degrees: int) -> None:
    enough = math.ceil(MAX_PRIOR_DEGREES / GAP_EFFICIENCY) + len(values) - 1
    known, bound = Spread(0.1, 0.05, enough + degrees), Spread(0.1, 0.05, enough)
    own = apart(values)
    assert confidence_interval(own, known) == confidence_interval(own, bound)


SD = 0.05


@pytest.mark.parametrize("size", [2, 3, 4, 7, 9, 40])
def test_the_bulk_of_normal_values_is_all_of_them(size: int) -> None:
    rng = np.random.default_rng(size)
    groups = [rng.lognormal(n % 10, SD, size).tolist() for n in range(20_000 // size)]
    found = pool_spread(map(apart, groups))
    assert found is not None
    assert found.sd == pytest.approx(SD, rel=0.03)
    assert found.bulk == pytest.approx(SD, rel=0.03)


@given(
    st.lists(st.lists(st.floats(1, 1.1), min_size=3, max_size=9), min_size=4, max_size=8),
    st.floats(1e-6, 1e6),
)
def test_outliers_in_every_fourth_group_leave_the_bulk_in_its_bounds(
    groups: list[list[float]], disturbed: float
) -> None:
    spoilt = [[disturbed, *g[1:]] if n % 4 == 0 else g for n, g in enumerate(groups)]
    found = pool_spread(map(apart, spoilt))
    assert found is not None
    assert found.bulk <= math.log(1.1) / math.sqrt(2) / 0.6744 + 1e-9


def test_a_long_series_is_compared_with_its_neighbours() -> None:
    drifting = [math.exp(0.001 * n) * (1.02 if n % 2 else 1.0) for n in range(1000)]
    found = pool_spread([apart(drifting)])
    assert found is not None
    assert found.sd > 0.25
    assert found.bulk < 0.03


@pytest.mark.parametrize(
    "size", [pytest.param(n, marks=[] if n in (3, 4, 12) else LONG) for n in range(3, 13)]
)
def test_own_spread_of_few_normal_values_is_unbiased(size: int) -> None:
    rng = np.random.default_rng(size)
    own = [bulk_deviation(rng.normal(0, SD, size).tolist()) for _ in range(20_000)]
    assert sum(own) / len(own) == pytest.approx(SD, rel=0.02)


def noise(rng: np.random.Generator, count: int, outliers: float) -> list[float]:
    """Log-normal values around 1, of which a share is slower by half or so."""
    slow = np.abs(rng.normal(0, 10 * SD, count)) * (rng.random(count) < outliers)
    return list(map(float, np.exp(rng.normal(0, SD, count) + slow)))


def intervals(
    count: int, before: list[int], outliers: float = 0.0, runs: int = 4000
) -> tuple[float, float]:
    """How often the interval of some values holds 1, and how wide it is as a rule.

    Args:
        count: of values.
        before: sizes of the groups from which the spread was estimated.
        outliers: share of all values that is far off.
        runs: of the simulation.
    """
    rng = np.random.default_rng(count)
    held, widths = 0, []
    for _ in range(runs):
        own = apart(noise(rng, count, outliers))
        groups = [apart(noise(rng, size, outliers)) for size in before]
        found = confidence_interval(own, pool_spread([*groups, own]))
        assert found is not None
        held += found[0] <= 1 <= found[1]
        widths.append(math.log(found[1] / found[0]))
    return held / runs, median(widths)


@pytest.mark.parametrize(
    "count", [1, 2, pytest.param(3, marks=LONG), pytest.param(4, marks=LONG), 5]
)
def test_the_interval_holds_the_truth_in_95_of_100_cases(count: int) -> None:
    # A standard error of the simulation is 0.0035; the factor of the median is for many values,
    # and a little much for few.
    assert 0.94 <= intervals(count, [MAX_PRIOR_DEGREES + 1])[0] <= 0.99
    if count > 1:
        assert 0.94 <= intervals(count, [1])[0] <= 0.99


@pytest.mark.parametrize("outliers", [0.05, pytest.param(0.1, marks=LONG)])
@pytest.mark.parametrize("count", [3, pytest.param(4, marks=LONG), pytest.param(5, marks=LONG)])
def test_outliers_neither_spoil_nor_widen_the_interval_of_a_median(
    count: int, outliers: float
) -> None:
    before = [2] * 10 + [3] * 7
    undisturbed = intervals(count, before, runs=1000)
    held, width = intervals(count, before, outliers, runs=1000)
    assert held >= 0.95
    assert width <= 1.4 * undisturbed[1]


@pytest.mark.parametrize("outliers", [0.05, pytest.param(0.1, marks=LONG)])
@pytest.mark.parametrize("count", [1, 2])
def test_what_may_be_an_outlier_itself_gets_a_wide_interval(count: int, outliers: float) -> None:
    held, width = intervals(count, [3] * 10, outliers, runs=1000)
    assert held >= 0.94
    assert width > 1.5 * intervals(count, [3] * 10, runs=1000)[1]


@pytest.mark.parametrize("degrees", [3, 6, 40])
def test_further_values_of_a_minute_neither_widen_an_interval_nor_narrow_it_much(
    degrees: int,
) -> None:
    known = Spread(0.1, 0.1, degrees)
    found = [confidence_interval([[1.0] * count], known) for count in range(1, 10)]
    widths = [math.log(each[1] / each[0]) for each in found if each is not None]
    assert max(widths) == widths[0]
    assert min(widths) > 0.7 * widths[0]


TIMES = st.lists(st.tuples(st.sampled_from("ab"), st.floats(1e9, 1e9 + 600), VALUES), max_size=20)


@given(TIMES)
def test_a_block_holds_values_of_one_machine_within_a_minute(
    taken: list[tuple[str, float, float]],
) -> None:
    blocks = in_blocks(taken)
    assert sorted(v for block in blocks for v in block) == sorted(v for *_, v in taken)
    at = {value: (machine, at) for machine, at, value in taken}
    if len(at) == len(taken):
        for block in blocks:
            machines, times = zip(*(at[value] for value in block), strict=True)
            assert len(set(machines)) == 1
            assert max(times) - min(times) < CORRELATION_S
    # Where times are not told nothing is taken to be common.
    assert in_blocks((machine, 0.0, v) for machine, _, v in taken) == apart(
        [v for _, _, v in sorted(taken, key=lambda each: each[0])]
    )


def shared_noise(
    rng: np.random.Generator, minutes: float, count: int, rivals: int = 4
) -> list[list[tuple[str, float, float]]]:
    """Values of rivals that are measured in turn for some minutes, each with its time.

    Half of the variance (17 %) is common to all that runs meanwhile, and fades with a time constant
    of 20 s: a process of Ornstein and Uhlenbeck.
    """
    step, sd = 60 * minutes / (count * rivals), 0.17 * math.sqrt(0.5)
    fading, common = math.exp(-step / 20), rng.normal(0, sd)
    found: list[list[tuple[str, float, float]]] = [[] for _ in range(rivals)]
    for turn in range(count):
        for place, rival in enumerate(rng.permutation(rivals)):
            common = fading * common + rng.normal(0, sd * math.sqrt(1 - fading**2))
            at = 1e9 + step * (turn * rivals + place)
            found[rival].append(("here", at, math.exp(common + rng.normal(0, sd))))
    return found


@pytest.mark.parametrize(
    ("minutes", "count", "naive"),
    [(3, 20, 0.85), *(pytest.param(*each, marks=LONG) for each in DESIGNS)],
)
def test_the_interval_holds_the_level_of_a_machine_whose_noise_is_common_to_a_minute(
    minutes: float, count: int, naive: float
) -> None:
    rng, runs = np.random.default_rng(count), 100
    held = taken_apart = total = 0
    for _ in range(runs):
        rivals = shared_noise(rng, minutes, count)
        groups = [in_blocks(each) for each in rivals]
        single = [apart([value for *_, value in each]) for each in rivals]
        for blocks, known in ((groups, pool_spread(groups)), (single, pool_spread(single))):
            for own in blocks:
                found = confidence_interval(own, known)
                assert found is not None
                inside = found[0] <= 1 <= found[1]
                held += inside if blocks is groups else 0
                taken_apart += inside if blocks is single else 0
        total += len(rivals)
    assert held / total >= 0.93
    # What happens where each value counts as if it were of a time of its own.
    assert taken_apart / total <= naive


@pytest.mark.parametrize("confidence", [0.5, 0.8, 0.95, 0.99, 0.999])
def test_a_chance_is_that_of_students_distribution(confidence: float) -> None:
    reaches = student_t(TAIL_DEGREES, confidence) / student_t(TAIL_DEGREES)
    tail = (1 - confidence) / 2
    assert chance_beyond(reaches) == pytest.approx(tail, abs=1e-4)
    assert chance_beyond(-reaches) == pytest.approx(1 - tail, abs=1e-4)


def test_a_chance_has_bounds() -> None:
    assert chance_beyond(0.0) == 0.5
    assert [chance_beyond(sign * 2 * MAX_REACHES) for sign in (1, -1)] == [0, 1]
    assert [chance_beyond(sign * math.inf) for sign in (1, -1)] == [0, 1]
    assert math.isnan(chance_beyond(math.nan))
    found = [chance_beyond(each / 10) for each in range(-50, 50)]
    assert found == sorted(found, reverse=True)
