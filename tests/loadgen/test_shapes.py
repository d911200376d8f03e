"""Samples of several shapes: each call has one of them, and every sample is answered once."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from dse.core.metrics import Scenario
from dse.loadgen._queries import by_shape
from dse.loadgen.harness import run
from dse.loadgen.logs import read_detail
from dse.loadgen.samples import Caller, PredictionError, Samples
from dse.loadgen.settings import RunSettings
from tests.loadgen.doubles import Echo, Numbers, encode, numbers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

COUNT = 50
SHAPES = (0, 2, 2, 3)
"""By the last two bits of a sample's index; no sample has the shape 1."""


class Wide(Numbers):
    """Samples that hold their index once for each step of their shape."""

    def __init__(self, count: int = COUNT) -> None:
        super().__init__(count)
        self.shapes = [SHAPES[index % 4] for index in range(count)]

    def call(self, indices: Sequence[int], out: Any = None) -> NDArray[Any]:
        (shape,) = {self.shapes[index] for index in indices}
        array = np.repeat(super().call(indices), 1 + shape, axis=1)
        if out is None:
            return array
        out[...] = array
        return np.asarray(out)


class Wider(Wide):
    """The same as a model with a signature takes them."""

    def call(self, indices: Sequence[int], out: Any = None) -> Any:
        return (super().call(indices, None if out is None else out[0]),)


class Checking(Echo):
    """Notes of each batch its width."""

    def __init__(self) -> None:
        super().__init__()
        self.widths: list[int] = []

    def bind(self, batch: Any) -> NDArray[Any]:
        return super().bind(batch[0] if isinstance(batch, tuple) else batch)

    def predict(self, batch: NDArray[Any]) -> NDArray[np.generic]:
        assert (batch == batch[:, :1]).all()
        assert {1 + SHAPES[number % 4] for number in batch[:, 0].astype(int)} == {batch.shape[1]}
        self.widths.append(batch.shape[1])
        return super().predict(batch)


class Failing(Checking):
    """Can't predict the widest samples."""

    def predict(self, batch: NDArray[Any]) -> NDArray[np.generic]:
        if batch.shape[1] == 1 + max(SHAPES):
            raise RuntimeError("too wide")
        return super().predict(batch)


def of(scenario: Scenario, batch_size: int, **fields: Any) -> RunSettings:
    return RunSettings(
        scenario,
        batch_size=batch_size,
        min_query_count=64,
        expected_samples_per_s=20_000.0,
        **fields,
    )


@pytest.mark.parametrize("scenario", Scenario)
@pytest.mark.parametrize("callers", [1, 2])
@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize("samples", [Wide, Wider])
def test_an_accuracy_run_answers_each_sample_with_its_own(
    scenario: Scenario, callers: int, batch_size: int, samples: type[Wide], tmp_path: Path
) -> None:
    models = [Checking() for _ in range(callers)]
    wanted = of(scenario, batch_size, accuracy=True)
    run([Caller(model) for model in models], samples(), wanted, tmp_path, encode=encode)
    assert numbers(tmp_path) == {index: index for index in range(COUNT)}
    assert read_detail(tmp_path).errors == ()


@pytest.mark.parametrize("scenario", Scenario)
@pytest.mark.parametrize("callers", [1, 2])
@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize("samples", [Wide, Wider])
def test_a_timed_run_predicts_each_shape_by_itself(
    scenario: Scenario, callers: int, batch_size: int, samples: type[Wide], tmp_path: Path
) -> None:
    models = [Checking() for _ in range(callers)]
    wanted = of(scenario, batch_size, performance_samples=COUNT)
    run([Caller(model) for model in models], samples(), wanted, tmp_path)
    log = read_detail(tmp_path)
    assert log.errors == ()
    assert log.long_enough
    asked = models[:1] if scenario is Scenario.SINGLE_STREAM else models
    assert {width for model in asked for width in model.widths} == {1, 3, 4}


@pytest.mark.parametrize("batch_size", [4, 7])
def test_offline_has_one_incomplete_batch_of_each_shape(batch_size: int, tmp_path: Path) -> None:
    model, samples = Checking(), Wide()
    run([Caller(model)], samples, of(Scenario.OFFLINE, batch_size), tmp_path)
    assert model.widths == sorted(model.widths, reverse=True)  # what takes longest comes first
    batches = Counter(model.widths)
    assert all(len(batch) == batch_size for batch in model.batches)
    assert sum(batches.values()) <= 64 // batch_size + len(batches)


def test_samples_of_one_shape_only_may_be_loaded(tmp_path: Path) -> None:
    model = Checking()
    wanted = of(Scenario.OFFLINE, 4, performance_samples=1)
    run([Caller(model)], Wide(), wanted, tmp_path)
    assert len(set(model.widths)) == 1
    assert len(model.batches) == 16


@pytest.mark.parametrize("scenario", Scenario)
@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize("accuracy", [False, True])
def test_an_error_in_one_shape_ends_the_run(
    scenario: Scenario, batch_size: int, accuracy: bool, tmp_path: Path
) -> None:
    wanted = of(scenario, batch_size, accuracy=accuracy, performance_samples=COUNT)
    with pytest.raises(PredictionError, match="too wide"):
        run([Caller(Failing())], Wide(), wanted, tmp_path, encode=encode)


def test_samples_of_one_shape_go_the_way_they_went() -> None:
    """Nothing stands between LoadGen and what answers, where there is one shape."""

    def answer(ids: list[int], indices: list[int]) -> None:
        raise AssertionError(f"{ids}, {indices}: nobody asks")

    assert by_shape({0: answer}, [0, 0]) is answer
    assert Samples(Numbers(3), [Caller(Echo())], 2).shape_count == 1
