"""What user.conf tells LoadGen to expect, and what that costs in memory and time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dse.core.details import TimedDetails
from dse.core.metrics import MULTI_STREAM_SAMPLES, Scenario
from dse.loadgen.verdict import EXPECTED_LATENCY, EXPECTED_RATE
from dse.measure.spec import STREAMS

if TYPE_CHECKING:
    from dse.core.measurement import Measurement
    from dse.measure.spec import Fidelity
    from dse.tasks.task import Rules

HIGHEST_LATENCY = 1.5
"""Times the mean: more leaves too little room for a mean that is lower than it was."""
QUERY_BYTES = {
    Scenario.SINGLE_STREAM: 480,
    Scenario.MULTI_STREAM: 800,
    Scenario.OFFLINE: 256,
    Scenario.SERVER: 480,
}
"""What LoadGen 6.0 allocates for a query that it generates in advance, for Offline for a sample of
its one query: measured 320, 690, 180 and 330 as resident, the rest is reserve."""
MIN_QUERIES = {
    Scenario.SINGLE_STREAM: 100,
    Scenario.MULTI_STREAM: 662,
    Scenario.SERVER: 100,
}
"""Queries of a run at least, by LoadGen's mlperf.conf; the samples of Offline are a rule of the
task."""
START_S = 3.0
"""Starting a worker, loading model and samples."""


def generated(scenario: Scenario, target: float, fidelity: Fidelity, rules: Rules) -> int:
    """How many queries (Offline: samples) LoadGen generates before a run.

    The target is in milliseconds per query, or in samples per second.
    """
    if scenario in STREAMS:
        due = 2e3 * _duration_s(fidelity) / target
    else:
        due = _duration_s(fidelity) * target * (1.1 if scenario is Scenario.OFFLINE else 1.0)
    return max(_fewest(scenario, fidelity, rules), math.ceil(due))


def _duration_s(fidelity: Fidelity) -> float:
    return fidelity.min_duration_ms / 1e3


def _fewest(scenario: Scenario, fidelity: Fidelity, rules: Rules) -> int:
    if fidelity.name != "valid":
        return fidelity.min_query_count
    return MIN_QUERIES.get(scenario, rules.min_offline_samples)


def generated_bytes(scenario: Scenario, target: float, fidelity: Fidelity, rules: Rules) -> int:
    """The memory that takes."""
    return QUERY_BYTES[scenario] * generated(scenario, target, fidelity, rules)


def mean_of(measurement: Measurement) -> float:
    """The mean latency of a SingleStream or MultiStream run, in milliseconds."""
    mean_ms = TimedDetails.of(measurement.details).mean_ms
    return measurement.value if mean_ms is None else float(mean_ms)


def target_of(
    scenario: Scenario,
    measurement: Measurement,
    fidelity: Fidelity,
    rules: Rules,
    most_bytes: int,
) -> float | None:
    """What to tell LoadGen, from a shorter measurement in the same scenario.

    A latency above the mean, but below twice of it, where LoadGen would run out of queries; the
    higher, the less memory. A rate slightly above the measured one for Offline, so that the run is
    long enough; for Server the rate that kept the bound.

    Returns:
        Milliseconds per query or samples per second; None where the generated queries of every such
        number take more than ``most_bytes``.
    """
    low, high = _range(scenario, measurement)
    if scenario in STREAMS:
        most = max(1, most_bytes // QUERY_BYTES[scenario])
        # A little more than that, or rounding could add a query.
        target = min(high, max(low, 2e3 * _duration_s(fidelity) / most * (1 + 1e-9)))
    else:
        target = high
        if generated_bytes(scenario, target, fidelity, rules) > most_bytes:
            target = low
    return target if generated_bytes(scenario, target, fidelity, rules) <= most_bytes else None


def cheapest_target(scenario: Scenario, measurement: Measurement) -> float:
    """Of the numbers that LoadGen may be told, the one for which it generates least."""
    low, high = _range(scenario, measurement)
    return high if scenario in STREAMS else low


def _range(scenario: Scenario, measurement: Measurement) -> tuple[float, float]:
    """The lowest and the highest number that LoadGen may be told."""
    if scenario in STREAMS:
        mean = mean_of(measurement)
        return EXPECTED_LATENCY * mean, HIGHEST_LATENCY * mean
    if scenario is Scenario.OFFLINE:
        return measurement.value, EXPECTED_RATE * measurement.value
    return measurement.value, measurement.value


def expected_s(
    scenario: Scenario,
    measurement: Measurement,
    target: float,
    fidelity: Fidelity,
    rules: Rules,
) -> float:
    """How long a timed run takes, in seconds."""
    if scenario is Scenario.OFFLINE:
        return START_S + generated(scenario, target, fidelity, rules) / measurement.value
    query_s = mean_of(measurement) / 1e3 if scenario in STREAMS else 1 / target
    return START_S + max(_duration_s(fidelity), _fewest(scenario, fidelity, rules) * query_s)


def expected_accuracy_s(
    scenario: Scenario, measurement: Measurement, target: float, samples: int
) -> float:
    """How long an accuracy run over a number of samples takes, in seconds."""
    if scenario is Scenario.SINGLE_STREAM:
        per_sample_s = mean_of(measurement) / 1e3
    elif scenario is Scenario.MULTI_STREAM:
        per_sample_s = mean_of(measurement) / 1e3 / MULTI_STREAM_SAMPLES
    else:
        per_sample_s = 1 / (measurement.value if scenario is Scenario.OFFLINE else target)
    return START_S + samples * per_sample_s
