from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.signature import DTYPE_BYTES, Input, Signature, shape_text

SHAPES = st.lists(st.integers(0, 5), max_size=4).map(tuple)
INPUTS = st.builds(
    Input,
    name=st.text(),
    dtype=st.sampled_from(sorted(DTYPE_BYTES)),
    shape=SHAPES,
    fill=st.sampled_from(["noise", "ids", "positions", "ones", "zeros", "values"]),
    bound=st.integers(0, 2**31),
    values=st.lists(st.integers() | st.floats(allow_nan=False), max_size=3).map(tuple),
)
SIGNATURES = st.builds(
    Signature,
    inputs=st.lists(INPUTS, min_size=1, max_size=3).map(tuple),
    batched=st.just(False),
    subgraph=st.integers(0, 3),
)


def test_the_sizes_of_types_are_those_of_numpy() -> None:
    assert {name: np.dtype(name).itemsize for name in DTYPE_BYTES} == DTYPE_BYTES


@given(SIGNATURES)
def test_it_travels_as_json(signature: Signature) -> None:
    assert Signature.from_dict(json.loads(json.dumps(signature.as_dict()))) == signature


def test_without_values_it_is_written_as_it_always_was() -> None:
    """So the keys of older studies stay the same."""
    one = {"name": "a", "dtype": "int64", "shape": [1, 3], "fill": "ids", "bound": 9}
    written = {"inputs": [one], "batched": True}
    signature = Signature((Input("a", "int64", (1, 3), "ids", 9),), batched=True)
    assert signature.as_dict() == written
    assert Signature.from_dict(written) == signature


@given(SIGNATURES)
def test_the_memory_of_a_sample_is_that_of_its_arrays(signature: Signature) -> None:
    arrays = [np.empty(one.shape, one.dtype) for one in signature.inputs]
    assert signature.sample_bytes == sum(array.nbytes for array in arrays)


def test_a_batch_is_the_first_dimension_of_every_input() -> None:
    signature = Signature((Input("a", "float32", (1, 3)), Input("b", "int64", (1,))), batched=True)
    assert [one.shape for one in signature.of_batch(4)] == [(4, 3), (4,)]
    assert signature.of_batch(1) == signature.inputs


def test_a_model_without_batches_gets_none() -> None:
    signature = Signature((Input("a", "float32", (2, 3)), Input("b", "int64", ())), batched=False)
    assert signature.of_batch(1) == signature.inputs
    with pytest.raises(ValueError, match="takes none"):
        signature.of_batch(2)


@pytest.mark.parametrize(
    ("sizes", "text"),
    [
        ((1, 3, 224), "1x3x224"),
        ((None, "batch"), "?xbatch"),
        ((), "a single number"),
        (None, "of any shape"),
    ],
)
def test_shapes_in_words(sizes: tuple[int | str | None, ...] | None, text: str) -> None:
    assert shape_text(sizes) == text
    assert shape_text((2, 3), " x ") == "2 x 3"
