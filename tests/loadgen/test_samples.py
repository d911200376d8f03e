"""What is ready once samples are loaded, and what becomes of an error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from dse.loadgen.samples import Caller, PredictionError, Samples
from tests.loadgen.doubles import Echo, Numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

COUNT = 9
LOADED = [5, 2, 7]


class Noting(Echo):
    """Keeps what was bound."""

    def __init__(self) -> None:
        super().__init__()
        self.bound: list[NDArray[Any]] = []

    def bind(self, batch: NDArray[Any]) -> NDArray[Any]:
        self.bound.append(batch)
        return super().bind(batch)


class Owning(Noting):
    """Predicts from memory of its own."""

    def __init__(self, batch_size: int) -> None:
        super().__init__()
        self.memory = np.zeros((batch_size, 1), np.float32)

    def buffer(self) -> NDArray[Any]:
        return self.memory


class Broken(Echo):
    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self._error = error

    def bind(self, batch: NDArray[Any]) -> NDArray[Any]:
        super().bind(batch)
        raise self._error


class Gone(Numbers):
    def call(self, indices: Sequence[int], out: Any = None) -> NDArray[Any]:
        super().call(indices, out)
        raise OSError("the samples are gone")


def loaded(*models: Echo, batch_size: int) -> Samples:
    samples = Samples(Numbers(COUNT), [Caller(model) for model in models], batch_size)
    samples.load(LOADED)
    return samples


def test_a_single_sample_is_bound_as_it_was_loaded() -> None:
    models = [Noting(), Noting()]
    samples = loaded(*models, batch_size=1)
    assert samples.buffers == []
    for model, bound in zip(models, samples.bound, strict=True):
        assert [float(one[0, 0]) for one in model.bound] == LOADED
        assert [index for index, one in enumerate(bound) if one is not None] == sorted(LOADED)
        assert all(bound[index] is samples.arrays[index] for index in LOADED)


@pytest.mark.parametrize("batch_size", [2, 16])
def test_each_caller_has_a_buffer_full_of_a_loaded_sample(batch_size: int) -> None:
    models = [Noting(), Owning(batch_size), Noting()]
    samples = loaded(*models, batch_size=batch_size)
    assert len(samples.buffers) == len(models)
    for model, (batch, bound) in zip(models, samples.buffers, strict=True):
        assert batch.tolist() == [[LOADED[0]]] * batch_size
        assert len(model.bound) == 1
        assert bound is batch is model.bound[0]
        assert batch.flags.c_contiguous
        assert not any(np.shares_memory(batch, array) for array in samples.arrays)
    first, own, last = (batch for batch, _ in samples.buffers)
    assert not np.shares_memory(first, last)
    assert isinstance(models[1], Owning)
    assert own is models[1].memory


@pytest.mark.parametrize("batch_size", [1, 4])
def test_what_is_unloaded_is_let_go(batch_size: int) -> None:
    samples = loaded(Noting(), batch_size=batch_size)
    samples.unload(LOADED)
    assert samples.buffers == []
    assert samples.bound == [[None] * COUNT]
    assert all(array.size == 0 for array in samples.arrays)


@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize("error", [RuntimeError("no"), MemoryError()])
def test_what_a_runtime_refuses_is_kept(batch_size: int, error: Exception) -> None:
    (kept,) = loaded(Echo(), Broken(error), batch_size=batch_size).errors
    assert isinstance(kept, PredictionError)
    assert kept.__cause__ is error


@pytest.mark.parametrize("batch_size", [1, 4])
def test_an_interruption_is_kept_as_it_is(batch_size: int) -> None:
    interruption = KeyboardInterrupt()
    assert loaded(Broken(interruption), batch_size=batch_size).errors == [interruption]


def test_what_the_inputs_raise_is_kept_as_it_is_and_nothing_more_is_loaded() -> None:
    samples = Samples(Gone(COUNT), [Caller(Noting())], 4)
    samples.load(LOADED)
    samples.load(LOADED)
    (kept,) = samples.errors
    assert isinstance(kept, OSError)
    assert samples.buffers == []
