"""What runs of LoadGen say of a configuration, scenario by scenario."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dse.core.details import TimedDetails
from dse.core.intervals import typical_value
from dse.core.metrics import LATENCY, MULTI_STREAM, MULTI_STREAM_SAMPLES, SCENARIOS, Scenario

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dse.core.measurement import Measurement
    from dse.study.observations import ObservationStore
    from dse.study.record import Record

PERCENTILES = (50, 90, 99)
OWN = {LATENCY.name: 90, MULTI_STREAM.name: 99}
"""The percentile that a metric is."""


@dataclass(frozen=True, slots=True)
class BenchResult:
    """One configuration in one scenario; of several runs the medians.

    Attributes:
        scenario: how LoadGen asked.
        latencies_ms: of a query, by percentile; what the scenario does not tell is left out.
        samples_per_s: LoadGen's own figure where the scenario is about it, else what follows from
            the mean latency.
        measurement: the metric of the scenario.
    """

    scenario: Scenario
    latencies_ms: dict[int, float]
    samples_per_s: float | None
    measurement: Measurement

    @property
    def validity(self) -> str:
        """``valid`` for a run by MLPerf's own rules, ``probe`` for any shorter one."""
        return "valid" if self.measurement.fidelity == "valid" else "probe"


def results(record: Record, measured: ObservationStore) -> Iterator[BenchResult]:
    """Of each scenario that was measured, in the order of `SCENARIOS`."""
    for metric, scenario in SCENARIOS.items():
        found = record.outcome.measurement(metric)
        if found is not None:
            runs = measured.clean_or_all(found.key, found.fidelity)
            yield _result(scenario, found, runs or [found])


def _result(scenario: Scenario, found: Measurement, runs: Sequence[Measurement]) -> BenchResult:
    details = [TimedDetails.of(run.details) for run in runs]
    latencies_ms = {
        percentile: typical_value(values)
        for percentile in PERCENTILES
        if (values := [v for each in details if (v := _percentile(each, percentile)) is not None])
    }
    if found.metric not in OWN:
        return BenchResult(scenario, latencies_ms, found.value, found)
    latencies_ms[OWN[found.metric]] = found.value
    samples = MULTI_STREAM_SAMPLES if scenario is Scenario.MULTI_STREAM else 1
    means_ms = [each.mean_ms for each in details if each.mean_ms is not None]
    rate = 1e3 * samples / typical_value(means_ms) if means_ms else None
    return BenchResult(scenario, latencies_ms, rate, found)


def _percentile(details: TimedDetails, percentile: int) -> float | None:
    return {50: details.p50_ms, 90: details.p90_ms, 99: details.p99_ms}[percentile]
