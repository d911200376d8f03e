"""What is made of a file for inputs of certain sizes, and when."""

from __future__ import annotations

import gc
import importlib
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

inputs = importlib.import_module("dse.backends._onnx_inputs")
EXPECTED = inputs.Expected("a", (2, 3), "float32")


class Maker:
    """Makes the shapes themselves."""

    def __init__(self) -> None:
        self.made: list[Any] = []
        self.dropped: list[Any] = []

    def __call__(self, shapes: Sequence[tuple[int, ...]]) -> tuple[tuple[int, ...], ...]:
        self.made.append(tuple(shapes))
        return tuple(shapes)


def by_shape(maker: Maker, *shape: int | None) -> Any:
    return inputs.ByShape([inputs.Expected("a", shape, "float32")], maker, maker.dropped.append)


def zeros(*shape: int) -> np.ndarray[Any, Any]:
    return np.zeros(shape, np.float32)


def test_what_has_known_sizes_is_made_at_once_and_its_weights_are_let_go() -> None:
    maker = Maker()
    held, found = weakref.ref(maker), inputs.ByShape([EXPECTED], maker)
    assert maker.made == [((2, 3),)]
    assert found.find(zeros(2, 3)) == ((2, 3),)
    assert maker.made == [((2, 3),)]
    del maker
    gc.collect()
    assert held() is None
    assert found.find(zeros(2, 3)) == ((2, 3),)


def test_an_open_size_is_that_of_the_batch() -> None:
    maker = Maker()
    found = by_shape(maker, 2, None)
    assert maker.made == []
    for width in (3, 3, 4, 3):
        assert found.find(zeros(2, width)) == ((2, width),)
    assert maker.made == [((2, 3),), ((2, 4),), ((2, 3),)]
    assert maker.dropped == maker.made[:2]
    found.close()
    found.close()
    assert maker.dropped == maker.made


@pytest.mark.parametrize(
    ("batch", "said"),
    [
        (zeros(3, 3), r"float32 \(3, 3\) in the place of float32 \(2, None\)"),
        (zeros(2, 3, 1), r"float32 \(2, 3, 1\) in the place of"),
        (zeros(2, 3).astype(np.float64), r"float64 \(2, 3\) in the place of"),
    ],
)
def test_a_batch_that_does_not_fit_is_refused(batch: np.ndarray[Any, Any], said: str) -> None:
    maker = Maker()
    with pytest.raises(ValueError, match=said):
        by_shape(maker, 2, None).find(batch)
    assert maker.made == []
