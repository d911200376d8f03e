"""Random inputs: what is in them, and what they depend on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.generated_inputs import GeneratedInputs
from dse.core.signature import DTYPE_BYTES, Input, Signature

COUNT = 8


def inputs(*given: Input, seed: int = 0, batched: bool = True) -> GeneratedInputs:
    return GeneratedInputs(COUNT, Signature(given, batched), seed)


@pytest.mark.parametrize("dtype", DTYPE_BYTES)
def test_noise_fills_the_range_of_its_type(dtype: str) -> None:
    (array,) = inputs(Input("x", dtype, (1, 5000))).call([0, 1])
    assert array.dtype == dtype
    assert array.shape == (2, 5000)
    assert array.flags.c_contiguous
    if np.issubdtype(array.dtype, np.floating):
        low, high = -1.0, 1.0
    elif array.dtype == bool:
        low, high = 0.0, 1.0
    else:
        bounds = np.iinfo(dtype)
        low, high = float(bounds.min), float(bounds.max)
    wide = array.astype(float)
    assert low <= wide.min() < low + 0.01 * (high - low)
    assert high - 0.01 * (high - low) < wide.max() <= high
    assert abs(wide.mean() - (low + high) / 2) < 0.05 * (high - low)


@given(bound=st.integers(1, 2**31), dtype=st.sampled_from(["int32", "int64", "uint32"]))
def test_ids_lie_below_their_bound(bound: int, dtype: str) -> None:
    (array,) = inputs(Input("x", dtype, (1, 300), "ids", bound)).call([3])
    assert array.min() >= 0
    assert array.max() < bound
    assert bound < 50 or len(np.unique(array)) > 30


def test_other_fills() -> None:
    found = inputs(
        Input("mask", "int64", (1, 4), "ones"),
        Input("types", "int32", (1, 4), "zeros"),
        Input("places", "int64", (1, 4), "positions"),
        Input("few", "int64", (1, 4), "positions", 3),
        Input("open", "bool", (1, 2), "ones"),
        Input("steps", "int64", (1, 2), "values", values=(20,)),
        Input("size", "float32", (1, 2), "values", values=(0.5, -2)),
        Input("most", "uint64", (1, 1), "values", values=(2**64 - 1,)),
    ).call([0, 1])
    expected = [
        *([1, 1, 1, 1], [0, 0, 0, 0], [0, 1, 2, 3], [0, 1, 2, 0], [True, True]),
        *([20, 20], [0.5, -2.0], [2**64 - 1]),
    ]
    assert [array.tolist() for array in found] == [[row, row] for row in expected]


@given(
    seed=st.integers(0, 5),
    indices=st.lists(st.integers(0, COUNT - 1), min_size=1, max_size=4),
)
def test_a_sample_depends_on_seed_and_index_alone(seed: int, indices: list[int]) -> None:
    made = inputs(
        Input("a", "float32", (1, 7)), Input("b", "int64", (1, 2, 3), "ids", 9), seed=seed
    )
    together = made.call(indices)
    alone = [made.call([index]) for index in indices]
    for place, whole in enumerate(together):
        np.testing.assert_array_equal(whole, np.concatenate([each[place] for each in alone]))


def test_samples_inputs_and_seeds_differ() -> None:
    one = Input("a", "float32", (1, 7))
    first, second = inputs(one, one).call([0])
    (other,) = inputs(one).call([1])
    (reseeded,) = inputs(one, seed=1).call([0])
    for array in (second, other, reseeded):
        assert not np.array_equal(first, array)


def test_a_model_without_batches_has_its_own_shapes() -> None:
    made = inputs(
        Input("a", "float32", (2, 3)), Input("rate", "int64", (), "ids", 5), batched=False
    )
    alone = made.call([4])
    assert [array.shape for array in alone] == [(2, 3), ()]
    with pytest.raises(ValueError, match="takes none"):
        made.call([0, 1])


def test_an_empty_dimension_stays_empty() -> None:
    (array,) = inputs(Input("past", "float32", (1, 2, 0, 4))).call([0, 1])
    assert array.shape == (2, 2, 0, 4)


def test_there_are_no_more_samples_than_there_are() -> None:
    with pytest.raises(IndexError, match="sample 8 of 8"):
        inputs(Input("a", "float32", (1,))).call([COUNT])


def test_samples_go_where_they_are_to_go() -> None:
    made = inputs(Input("a", "float32", (1, 2)), Input("ids", "int64", (1, 3), "ids", 9))
    expected = made.call([4, 1])
    own = tuple(np.empty_like(array) for array in expected)
    found = made.call([4, 1], own)
    assert all(one is other for one, other in zip(found, own, strict=True))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)
