"""Scales of int8 weights with which no two products saturate, whatever the weights are."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from dse.core.quantisation import Method
from dse.models._weight_scales import (
    Meeting,
    choose_grid,
    mean_shift,
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


SAFE = Method()
METHODS = st.builds(
    Method,
    weight_type=st.sampled_from(["int8", "uint8"]),
    weight_range=st.sampled_from(["safe", "full", "reduced"]),
    per_channel=st.booleans(),
)
MEETINGS = st.sampled_from(get_args(Meeting))


def steps(weights: Floats, meeting: Meeting) -> NDArray[np.int64]:
    return choose_grid(weights, meeting, SAFE).to_steps(weights).astype(np.int64)


def saturates(one: int, other: int) -> bool:
    """Whether VPMADDUBSW loses something of 8-bit activations times two weights."""
    sums = [a * one + b * other for a in (0, 255) for b in (0, 255)]
    return max(sums) > 32767 or min(sums) < -32768


@given(WEIGHTS)
def test_neighbours_never_saturate(weights: Floats) -> None:
    for row in steps(weights, "neighbours").tolist():
        assert not any(saturates(*pair) for pair in zip(row[::2], row[1::2], strict=False))


@given(WEIGHTS)
def test_no_two_saturate_where_any_may_meet(weights: Floats) -> None:
    for row in steps(weights, "any").tolist():
        assert not any(saturates(*pair) for pair in combinations(row, 2))


@given(WEIGHTS)
def test_each_freedom_costs_precision_and_none_more_than_half(weights: Floats) -> None:
    single, neighbours, worst = (
        scales(weights) for scales in (scales_of_single, scales_of_neighbours, scales_of_any)
    )
    assert (single <= neighbours).all()
    assert (neighbours <= worst).all()
    assert (worst <= single * 2).all()


@given(WEIGHTS, METHODS, MEETINGS)
def test_a_weight_is_off_by_half_a_step_at_most(
    weights: Floats, method: Method, meeting: Meeting
) -> None:
    grid = choose_grid(weights, meeting, method)
    errors = np.abs(grid.rounded(weights) - weights)
    # With a zero point that is rounded, too, an end of the range may be one further away.
    most = 0.5001 if method.weight_type == "int8" else 1.0001
    assert (errors <= grid.scales[:, None] * np.float32(most) + 1e-6).all()


@given(WEIGHTS, METHODS, MEETINGS)
def test_steps_keep_to_the_type_and_the_range_of_a_method(
    weights: Floats, method: Method, meeting: Meeting
) -> None:
    grid = choose_grid(weights, meeting, method)
    found = grid.to_steps(weights)
    assert found.dtype == grid.zeros.dtype == method.weight_type
    assert found.min() >= grid.low
    assert found.max() <= grid.high
    bits = np.log2(grid.high - grid.low + 1)
    assert bits <= (7.02 if method.weight_range == "reduced" else 8)
    if not method.per_channel:
        assert len(np.unique(grid.scales)) == len(np.unique(grid.zeros)) == 1
    # Zero stays zero: so padding does.
    assert not grid.rounded(np.zeros_like(weights)).any()


@given(WEIGHTS, MEETINGS)
def test_seven_bits_never_saturate(weights: Floats, meeting: Meeting) -> None:
    grid = choose_grid(weights, meeting, replace(SAFE, weight_range="reduced"))
    for row in grid.to_steps(weights).tolist():
        assert not any(saturates(*pair) for pair in combinations(row, 2))


def test_a_channel_of_zeros_sets_no_common_scale() -> None:
    weights = np.array([[0.0, 0.0], [0.5, -0.25]], np.float32)
    grid = choose_grid(weights, "none", replace(SAFE, per_channel=False))
    assert grid.scales == pytest.approx([0.5 / 127] * 2)


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
