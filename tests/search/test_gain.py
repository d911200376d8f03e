"""Gains of hypervolume, against the difference of two hypervolumes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dse.search._gain import MAX_BOXES, free_boxes, volume

COORDINATES = st.integers(-3, 12).map(lambda n: n / 10)


@st.composite
def fronts(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Points of one to four objectives, and others that come later; none need be good."""
    objectives = draw(st.integers(1, 4))
    old = draw(arrays(np.float64, (draw(st.integers(0, 6)), objectives), elements=COORDINATES))
    new = draw(arrays(np.float64, (draw(st.integers(1, 4)), objectives), elements=COORDINATES))
    return old, new


@given(fronts())
def test_a_gain_is_the_difference_of_two_volumes(points: tuple[np.ndarray, np.ndarray]) -> None:
    old, new = points
    reference = np.ones(old.shape[1])
    before = volume(old, reference)
    gains = free_boxes(old, reference).gains(new)
    for point, gain in zip(new, gains, strict=True):
        after = volume(np.concatenate([old, point[None]]), reference)
        assert gain == pytest.approx(after - before, abs=1e-9)


def test_a_large_frontier_is_thinned_to_what_adds_most() -> None:
    rng = np.random.default_rng(0)
    points = np.abs(rng.standard_normal((300, 4)))
    front = points / np.linalg.norm(points, axis=1, keepdims=True)
    reference = np.full(4, 1.1)
    left = free_boxes(front, reference)
    assert len(left.lower) <= MAX_BOXES
    # Never less than the truth, since points are left out; and nothing where all are beaten.
    better = front[:5] * 0.9
    exact = [volume(np.concatenate([front, p[None]]), reference) for p in better]
    assert (left.gains(better) >= np.array(exact) - volume(front, reference) - 1e-9).all()
    assert left.gains(np.full(4, 1.2)) == 0
