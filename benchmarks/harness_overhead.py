"""What a SingleStream query costs beyond the model's own call.

    python -m benchmarks.harness_overhead [--json] [--pairs N]

The time per query of a run with a model that does nothing, LoadGen's own work between two queries
included, less the time per call of a bare loop over the same samples. Exit code 1 if the median of
the pairs is above 3 us.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.pairs import alternate, arguments, report, summary
from dse.core.metrics import Scenario
from dse.loadgen.harness import run
from dse.loadgen.logs import read_detail
from dse.loadgen.samples import Caller
from dse.loadgen.settings import RunSettings
from dse.tasks.image_classification.inputs import RandomInputs
from dse.tasks.image_classification.preprocessing import Preprocessing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dse.core.backend import Outputs

LIMIT_US = 3.0
QUERIES = 100_000
SAMPLES = 64


class Nothing:
    """A model whose answer is always the same."""

    def __init__(self) -> None:
        self._scores = np.zeros((1, 1000), np.float32)

    def bind(self, batch: NDArray[Any]) -> NDArray[Any]:
        return batch

    def predict(self, batch: NDArray[Any]) -> NDArray[np.generic]:  # noqa: ARG002
        return self._scores

    def outputs(self, bound: NDArray[Any]) -> Outputs:
        return (("scores", self.predict(bound)),)

    def close(self) -> None:
        pass


def main() -> int:
    options = arguments(__doc__ or "")
    model, inputs = Nothing(), RandomInputs(SAMPLES, Preprocessing(8), seed=0)
    settings = RunSettings(
        Scenario.SINGLE_STREAM, min_query_count=QUERIES, performance_samples=SAMPLES
    )

    def through_the_harness() -> float:
        with TemporaryDirectory() as folder:
            run([Caller(model)], inputs, settings, Path(folder))
            log = read_detail(Path(folder))
        return 1e6 / log.number("result_qps_with_loadgen_overhead")

    def bare() -> float:
        batches = inputs.call(range(SAMPLES))
        samples = [batches[i : i + 1] for i in range(SAMPLES)]
        indices = np.random.default_rng(0).integers(0, SAMPLES, QUERIES).tolist()
        predict = model.predict
        started = time.perf_counter_ns()
        for index in indices:
            predict(samples[index])
        return (time.perf_counter_ns() - started) / 1e3 / QUERIES

    through_the_harness(), bare()  # the first of each is slower
    pairs = alternate(options.pairs, through_the_harness, bare)
    added = summary("harness overhead per query", "us", LIMIT_US, pairs, lambda a, b: a - b)
    return report([added], as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
