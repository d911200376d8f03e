"""Models with several inputs under LoadGen: the arrays of a call belong to the same samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from dse.core.generated_inputs import GeneratedInputs
from dse.core.metrics import Scenario
from dse.core.signature import Input, Signature
from dse.loadgen.harness import run
from dse.loadgen.logs import read_responses
from dse.loadgen.samples import Caller, PredictionError
from dse.loadgen.settings import RunSettings

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from dse.core.backend import Outputs

    Arrays = tuple[NDArray[Any], ...]

COUNT = 8
PAIR = Signature(
    (Input("ids", "int64", (1, 3), "ids", 1 << 30), Input("x", "float32", (1, 2, 2))), batched=True
)
STATE = Signature((Input("state", "float32", (2, 3)), Input("rate", "int64", ())), batched=False)


class Noting:
    """Remembers what it was called with."""

    def __init__(self, fails_at: int = -1) -> None:
        self.calls: list[Arrays] = []
        self._fails_at = fails_at

    def bind(self, batch: Arrays) -> Arrays:
        assert isinstance(batch, tuple)
        assert all(array.flags.c_contiguous for array in batch)
        return batch

    def predict(self, bound: Arrays) -> NDArray[np.generic]:
        self.calls.append(tuple(array.copy() for array in bound))
        if len(self.calls) == self._fails_at:
            raise RuntimeError("it broke")
        return np.zeros(1)

    def outputs(self, bound: Arrays) -> Outputs:
        return (("scores", self.predict(bound)),)

    def close(self) -> None:
        pass


def ran(
    model: Noting, signature: Signature, scenario: Scenario, folder: Path, batch_size: int = 1
) -> GeneratedInputs:
    inputs = GeneratedInputs(COUNT, signature, seed=0)
    settings = RunSettings(
        scenario,
        batch_size=batch_size,
        min_query_count=72,
        performance_samples=COUNT,
        expected_latency_ns=10_000_000,
        expected_samples_per_s=500.0,
    )
    run([Caller(model)], inputs, settings, folder)
    return inputs


@pytest.mark.parametrize("scenario", Scenario)
@pytest.mark.parametrize("batch_size", [1, 3])
def test_the_arrays_of_a_call_are_of_the_same_samples(
    scenario: Scenario, batch_size: int, tmp_path: Path
) -> None:
    model = Noting()
    inputs = ran(model, PAIR, scenario, tmp_path, batch_size)
    alone = [inputs.call([index]) for index in range(COUNT)]
    seen = set()
    for ids, x in model.calls:
        assert len(ids) == len(x)
        for row in range(len(ids)):
            fitting = [i for i, one in enumerate(alone) if np.array_equal(one[0][0], ids[row])]
            assert len(fitting) == 1
            np.testing.assert_array_equal(alone[fitting[0]][1][0], x[row])
            seen.update(fitting)
    assert seen == set(range(COUNT))
    if scenario is Scenario.OFFLINE:
        assert {len(ids) for ids, _ in model.calls} == {batch_size}


@pytest.mark.parametrize("scenario", Scenario)
def test_a_model_without_batches_is_called_for_each_sample(
    scenario: Scenario, tmp_path: Path
) -> None:
    model = Noting()
    ran(model, STATE, scenario, tmp_path)
    assert {tuple(array.shape for array in call) for call in model.calls} == {((2, 3), ())}
    assert len(model.calls) >= COUNT


@pytest.mark.parametrize("batch_size", [1, 3])
def test_a_prediction_that_fails_fails_the_run(batch_size: int, tmp_path: Path) -> None:
    with pytest.raises(PredictionError, match="it broke"):
        ran(Noting(fails_at=5), PAIR, Scenario.OFFLINE, tmp_path, batch_size)


def test_an_accuracy_run_needs_responses(tmp_path: Path) -> None:
    settings = RunSettings(Scenario.OFFLINE, accuracy=True)
    with pytest.raises(ValueError, match="makes its responses"):
        run([Caller(Noting())], GeneratedInputs(COUNT, PAIR, 0), settings, tmp_path)


@pytest.mark.parametrize("batch_size", [1, 3])
def test_an_accuracy_run_answers_with_bytes_of_any_length(batch_size: int, tmp_path: Path) -> None:
    """The arrays of an accuracy run are written into one batch, a part of it at the end."""

    class Copying(Noting):
        def outputs(self, bound: Arrays) -> Outputs:
            self.predict(bound)
            return (("ids", bound[0]),)

    def encode(outputs: Outputs, count: int) -> list[bytes]:
        (_, ids), *_ = outputs
        assert ids is not None
        return [row.tobytes()[: row[0] % 25] for row in ids[:count]]

    inputs = GeneratedInputs(COUNT, PAIR, seed=0)
    settings = RunSettings(
        Scenario.OFFLINE, accuracy=True, batch_size=batch_size, performance_samples=COUNT
    )
    run([Caller(Copying())], inputs, settings, tmp_path, encode=encode)
    wanted = {n: encode((("ids", inputs.call([n])[0]),), 1)[0] for n in range(COUNT)}
    assert read_responses(tmp_path) == wanted
    assert len({len(data) for data in wanted.values()}) > 2
