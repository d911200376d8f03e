"""Scales of int8 weights with which no two products saturate, whatever the weights are."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from dse.models._weight_scales import (
    mean_shift,
    rounded,
    scales_of_any,
    scales_of_neighbours,
    scales_of_single,
)

Floats = NDArray[np.float32]
WEIGHTS = arrays(
    np.float32,
    array_shapes(min_dims=2, max_dims=2, max_side=9),
    elements=st.floats(-8, 8, width=32),
)


def steps(weights: Floats, scales: Floats) -> NDArray[np.int64]:
    return np.asarray(np.rint(rounded(weights, scales) / scales[:, None]), np.int64)


def saturates(one: int, other: int) -> bool:
    """Whether VPMADDUBSW loses something of 8-bit activations times two weights."""
    sums = [a * one + b * other for a in (0, 255) for b in (0, 255)]
    return max(sums) > 32767 or min(sums) < -32768


@given(WEIGHTS)
def test_neighbours_never_saturate(weights: Floats) -> None:
    for row in steps(weights, scales_of_neighbours(weights)).tolist():
        assert not any(saturates(*pair) for pair in zip(row[::2], row[1::2], strict=False))


@given(WEIGHTS)
def test_no_two_saturate_where_any_may_meet(weights: Floats) -> None:
    for row in steps(weights, scales_of_any(weights)).tolist():
        assert not any(saturates(*pair) for pair in combinations(row, 2))


@given(WEIGHTS)
def test_each_freedom_costs_precision_and_none_more_than_half(weights: Floats) -> None:
    single, neighbours, worst = (
        scales(weights) for scales in (scales_of_single, scales_of_neighbours, scales_of_any)
    )
    assert (single <= neighbours).all()
    assert (neighbours <= worst).all()
    assert (worst <= single * 2).all()


@given(WEIGHTS)
def test_a_weight_is_off_by_half_a_step_at_most(weights: Floats) -> None:
    scales = scales_of_any(weights)
    errors = np.abs(rounded(weights, scales) - weights)
    assert (errors <= scales[:, None] * np.float32(0.5001)).all()


@pytest.mark.parametrize(
    ("weights", "single", "neighbours", "worst"),
    [
        ([127.0, 127.0], 1, 254 / 128, 254 / 128),
        ([127.0, -127.0], 1, 1, 1),
        ([127.0, 0.0, 127.0, 0.0], 1, 1, 254 / 128),
        ([-127.0, -1.0], 1, 1, 1),
        ([-127.0, -2.0], 1, 129 / 128, 129 / 128),
        ([127.0], 1, 1, 1),
        ([0.0, 0.0], 1, 1, 1),
    ],
)
def test_scales(weights: list[float], single: float, neighbours: float, worst: float) -> None:
    row = np.array([weights], np.float32)
    assert scales_of_single(row) == pytest.approx(single)
    assert scales_of_neighbours(row) == pytest.approx(neighbours, rel=1e-5)
    assert scales_of_any(row) == pytest.approx(worst, rel=1e-5)


def test_the_shift_of_an_output_s_mean() -> None:
    changes = np.array([[0.5, -1.0], [0.0, 2.0]], np.float32)
    np.testing.assert_allclose(mean_shift(changes, np.array([4.0, 1.0])), [1, 2])
    # Two groups: the second output sees the last two inputs alone.
    np.testing.assert_allclose(mean_shift(changes, np.array([4.0, 1.0, 0, 3])), [1, 6])
    # Depthwise, with two outputs for each input.
    single = np.array([[1.0], [2.0], [3.0], [4.0]], np.float32)
    np.testing.assert_allclose(mean_shift(single, np.array([5.0, 7.0])), [5, 10, 21, 28])
