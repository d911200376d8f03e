"""Samples that are taken from others, with the shapes that they have."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dse.tasks.image_classification.inputs import RandomInputs
from dse.tasks.image_classification.preprocessing import Preprocessing
from dse.tasks.question_answering._form import QuestionForm
from dse.tasks.question_answering._inputs import RandomInputs as RandomQuestions
from dse.tasks.shapes import Selected, ShapedInputs, shapes_of, typical_samples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dse.core.backend import Batch


@given(
    st.lists(st.integers(0, 6), min_size=1, max_size=30),
    st.lists(st.integers(0, 1000), min_size=1, max_size=8),
)
def test_selected_samples_are_those_of_the_others(chosen: list[int], wanted: list[int]) -> None:
    inputs = RandomInputs(7, Preprocessing(5), seed=3)
    selected = Selected(inputs, chosen)
    assert selected.count == len(chosen)
    indices = [index % len(chosen) for index in wanted]
    expected = inputs.call([chosen[index] for index in indices])
    np.testing.assert_array_equal(selected.call(indices), expected)
    out = np.empty_like(expected)
    assert selected.call(indices, out) is out
    np.testing.assert_array_equal(out, expected)


def test_samples_have_one_shape_if_nobody_says_otherwise() -> None:
    inputs = RandomInputs(7, Preprocessing(5), seed=3)
    assert not isinstance(inputs, ShapedInputs)
    assert list(shapes_of(inputs)) == [0] * 7


def test_selected_samples_keep_their_shapes() -> None:
    inputs = RandomQuestions(40, QuestionForm(128, any_length=True, buckets=(64, 96)), seed=1)
    shapes = shapes_of(inputs)
    assert set(shapes) == {0, 1, 2}
    chosen = [30, 2, 30, 11]
    assert shapes_of(Selected(inputs, chosen)) == [shapes[index] for index in chosen]


class Sorted:
    """Samples of three shapes, all of one shape after all of another."""

    def __init__(self, *counts: int) -> None:
        self.shapes = [shape for shape, count in enumerate(counts) for _ in range(count)]
        self.count = len(self.shapes)

    def call(self, indices: Sequence[int], out: Batch | None = None) -> Batch:
        raise AssertionError(f"nobody reads {indices} into {out}")


@given(counts=st.lists(st.integers(1, 300), min_size=2, max_size=4), count=st.integers(1, 200))
def test_typical_samples_have_the_shapes_of_all(counts: list[int], count: int) -> None:
    inputs = Sorted(*counts)
    found = Counter(shapes_of(typical_samples(inputs, count)))
    chosen = min(count, inputs.count)
    assert found.total() == chosen
    for shape, own in enumerate(counts):
        assert abs(found[shape] - own / inputs.count * chosen) <= 1


def test_samples_of_one_shape_are_taken_as_they_are() -> None:
    inputs = Sorted(100)
    assert typical_samples(inputs, 10) is inputs
