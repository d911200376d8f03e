"""Wilson's interval: its laws, and figures from the literature."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.intervals import wilson


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
