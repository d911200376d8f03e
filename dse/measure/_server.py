"""The Server scenario: the highest rate of queries at which the 99th percentile keeps its bound.

Queries arrive at random (LoadGen's Poisson process), one sample each. The rate is raised by a
quarter or halved until one rate is known that keeps the bound and one that does not; between them
it is bisected on a logarithmic scale; and the rate found is confirmed by a longer run of its own,
from which alone the value comes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dse.core.details import TimedDetails
from dse.core.measurement import FailureKind
from dse.core.metrics import Scenario
from dse.loadgen.logs import DetailLog, read_detail
from dse.loadgen.settings import RunSettings, server_bound_ms
from dse.loadgen.verdict import median_ms
from dse.measure._run_result import RunFailedError, RunResult, logs_of_try

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dse.measure._loaded_model import LoadedModel, LoadSettings

STEP = 1.25
PRECISION = 1.05
"""The search ends when the rate that fails is this much above the one that does not."""
FIRST_LOAD = 0.7
"""The first rate is this share of what the callers can do at most by the warm-up; queueing theory
puts the answer near it."""
MAX_STEPS = 12
MIN_CALLS, LOOK_S = 3, 0.5
"""Before the scenario is refused, a model is called this often, and for this long."""
CONFIRMING = 3
"""The confirming run is this many times as long as one of the search."""
MAX_CONFIRMED = 4
MAX_PER_S = 50_000.0
"""No higher rate is tried: LoadGen generates its queries in advance, at about 480 bytes each."""


def take_server(loaded: LoadedModel, folder: Path) -> RunResult:
    """The samples per second of the confirmed rate.

    Raises:
        RunFailedError: no rate keeps the bound, or a run failed.
        UnsupportedError, LoadError: the runtime refused the configuration or the model.
    """
    setup = loaded.whole
    call_s = loaded.warm_up(setup)
    bound_ms = server_bound_ms(loaded.spec.task.rules)
    if call_s * 1e3 > bound_ms:  # a busy machine may be to blame: look for longer
        call_s = min(call_s, loaded.warm_up(setup, max(MIN_CALLS, int(LOOK_S / call_s))))
    if call_s * 1e3 > bound_ms:
        raise RunFailedError(
            FailureKind.UNSUPPORTED,
            f"no rate keeps the bound of {bound_ms:g} ms: one call takes {call_s * 1e3:.1f} ms",
        )
    runs = _Runs(loaded, setup, folder / "server")
    callers = len(loaded.callers(setup))
    first = runs.run(min(FIRST_LOAD * callers * setup.batch_size / call_s, MAX_PER_S))
    rate = highest(
        lambda wanted: wanted <= MAX_PER_S and runs.run(wanted).kept,
        first.rate,
        kept=first.kept,
        likely=min(FIRST_LOAD * callers * 1e3 / median_ms(first.log, Scenario.SERVER), MAX_PER_S),
    )
    for _ in range(MAX_CONFIRMED):
        if rate is None:
            break
        confirmed = runs.run(rate, longer=CONFIRMING)
        if confirmed.kept:
            return confirmed.result(runs.count)
        rate /= PRECISION
    raise RunFailedError(
        FailureKind.INVALID_RUN,
        f"no rate from {runs.lowest:.3g} samples/s on keeps the bound of {bound_ms:g} ms",
    )


def highest(
    keeps: Callable[[float], bool], first: float, *, kept: bool, likely: float = 0.0
) -> float | None:
    """The highest rate that keeps a bound, to within `PRECISION`; None if none of those tried does.

    Args:
        keeps: tries a rate, which takes time.
        first: the first rate, which should be near the answer; it is not tried again.
        kept: whether it keeps the bound.
        likely: where the answer is by what the first rate showed.
    """
    low, high = (first, math.inf) if kept else (0.0, first)
    for _ in range(MAX_STEPS):
        if low > 0 and high <= low * PRECISION:
            break
        if math.isinf(high):
            rate = max(low * STEP, likely)
        elif low == 0:
            rate = high / 2
        else:
            rate = math.sqrt(low * high)
        if keeps(rate):
            low = rate
        else:
            high = rate
    return low or None


@dataclass(frozen=True, slots=True)
class _Run:
    log: DetailLog
    rate: float

    @property
    def kept(self) -> bool:
        """Whether it kept the bound; early stopping takes more queries than a probe has."""
        return self.log.long_enough and self.log.values.get("result_perf_constraints_met") is True

    def result(self, runs: int) -> RunResult:
        return RunResult(
            self.log.number("result_completed_samples_per_sec"),
            TimedDetails(
                target_samples_per_s=self.rate,
                p99_ms=self.log.number("result_99.00_percentile_latency_ns") / 1e6,
                queries=int(self.log.number("result_query_count")),
                early_stopping_met=self.log.values.get("early_stopping_met") is True,
                runs=runs,
            ),
        )


class _Runs:
    """Runs at one rate after the other; each keeps its logs."""

    def __init__(self, loaded: LoadedModel, setup: LoadSettings, folder: Path) -> None:
        self._loaded, self._setup, self._folder = loaded, setup, folder
        self.count, self.lowest = 0, math.inf

    def run(self, rate: float, *, longer: int = 1) -> _Run:
        fidelity = self._loaded.spec.fidelity
        settings = RunSettings(
            Scenario.SERVER,
            batch_size=self._setup.batch_size,
            min_duration_ms=longer * fidelity.min_duration_ms,
            min_query_count=longer * fidelity.min_query_count,
            performance_samples=fidelity.performance_samples,
            rules=self._loaded.spec.task.rules,
            expected_samples_per_s=rate,
        )
        logs = logs_of_try(self._folder, self.count)
        self.count, self.lowest = self.count + 1, min(self.lowest, rate)
        log = read_detail(self._loaded.run(self._setup, settings, logs))
        if log.errors:
            raise RunFailedError(FailureKind.INVALID_RUN, "; ".join(log.errors))
        return _Run(log, rate)
