"""What LoadGen's verdict on an official run says, and what to tell it the next time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.core.metrics import Scenario

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dse.loadgen.logs import DetailLog
    from dse.tasks.task import Rules

RAN_OUT = "Ran out of generated queries"
"""LoadGen's words where it was told to expect a latency twice the true one or more."""
EXPECTED_LATENCY = 1.3
"""LoadGen is told to expect this multiple of the mean latency. It generates twice the queries that
are due, so this leaves room for a mean that is a third lower."""
EXPECTED_RATE = 1.05
"""LoadGen is told to expect this multiple of the measured rate, and adds a tenth of its own."""
EXPECTED_AGAIN = 1.1
"""The same multiple after a run that was over too soon, which tells the rate less well."""
MAX_RISE = 2.0
"""The most that a rate is taken to rise once more, as it did beyond what was expected of it."""
SLOWER = 0.9
"""A Server rate that missed the bound is lowered to this share of it."""

RESULTS: Mapping[Scenario, tuple[str, float]] = {
    Scenario.SINGLE_STREAM: ("early_stopping_latency_ss", 1e-6),
    Scenario.MULTI_STREAM: ("early_stopping_latency_ms", 1e-6),
    Scenario.OFFLINE: ("result_samples_per_second", 1.0),
    Scenario.SERVER: ("result_completed_samples_per_sec", 1.0),
}
"""LoadGen's name of the result, and the factor from its unit to the metric's."""
MIN_DURATION_MS = 600_000
"""The shortest timed run by MLPerf's rules, whatever the task."""


def explain_invalid(log: DetailLog, scenario: Scenario, target: float, rules: Rules) -> str:
    """Why a run is INVALID, for the reader.

    Args:
        log: of the run.
        scenario: of the run.
        target: what user.conf told LoadGen to expect.
        rules: MLPerf's numbers for the task.
    """
    reasons = []
    if any(RAN_OUT in error for error in log.errors):
        mean = mean_ms(log, scenario)
        reasons.append(
            f"LoadGen ran out of queries: they took {mean:.4g} ms each, "
            f"where user.conf had it expect {target:.4g} ms"
        )
    elif scenario is Scenario.OFFLINE and not log.met("result_min_duration_met"):
        rate = log.number("result_samples_per_second")
        reasons.append(
            f"over before its time: {rate:.5g} samples/s, "
            f"where user.conf had LoadGen expect {target:.5g}"
        )
    elif not log.met("result_min_duration_met"):
        reasons.append("the minimum duration was not met")
    if not log.met("result_min_queries_met"):
        reasons.append("the minimum number of queries was not met")
    if scenario is Scenario.SERVER and not log.met("result_perf_constraints_met"):
        p99 = log.number("result_99.00_percentile_latency_ns") / 1e6
        bound = f"{rules.server_bound_ms:g} ms"
        reasons.append(f"the 99th percentile was {p99:.1f} ms, beyond {bound}, at {target:.5g}/s")
    elif not log.met("early_stopping_met"):
        reasons.append("too few queries within the bound for LoadGen's early stopping")
    others = [error for error in log.errors if RAN_OUT not in error]
    return "; ".join([*reasons, *others]) or log.invalid_reason


def next_target(log: DetailLog, scenario: Scenario, target: float) -> float:
    """What to tell LoadGen at the next try, after a run that was INVALID.

    Args:
        log: of the run.
        scenario: of the run.
        target: what it was told.

    Returns:
        In the same unit. Always other than before: what led to this verdict would do so again.
    """
    if scenario is Scenario.SERVER:
        return SLOWER * target
    if scenario is Scenario.OFFLINE:
        rate = log.number("result_samples_per_second")
        # A run that was far too short was slowed down by its start: a longer one is faster still.
        rise = min(MAX_RISE, max(1.0, rate / target))
        return max(EXPECTED_AGAIN * rise * rate, EXPECTED_RATE * target)
    return min(EXPECTED_LATENCY * mean_ms(log, scenario), target / EXPECTED_LATENCY)


def mean_ms(log: DetailLog, scenario: Scenario) -> float:
    """The mean latency of the queries, in milliseconds."""
    query = "query_" if scenario is Scenario.MULTI_STREAM else ""
    return log.number(f"result_mean_{query}latency_ns") / 1e6


def median_ms(log: DetailLog, scenario: Scenario) -> float:
    """The median latency of the queries, in milliseconds; not 0."""
    query = "per_query_" if scenario is Scenario.MULTI_STREAM else ""
    return max(1.0, log.number(f"result_50.00_percentile_{query}latency_ns")) / 1e6


def rule_violations(log: DetailLog, scenario: Scenario, rules: Rules) -> str:
    """What in a log breaks MLPerf's rules, whatever LoadGen's verdict; empty where nothing does.

    LoadGen calls a run VALID by the settings that it was given, and logs the samples that it was
    told to load even where there are fewer.

    Args:
        log: of the run.
        scenario: of the run.
        rules: MLPerf's numbers for the task.
    """
    least = {
        "effective_min_duration_ms": MIN_DURATION_MS,
        "effective_performance_sample_count": rules.performance_samples,
        "qsl_reported_performance_count": rules.performance_samples,
        "effective_qsl_rng_seed": 1,
        "effective_sample_index_rng_seed": 1,
        "effective_schedule_rng_seed": 1,
    }
    if scenario is Scenario.OFFLINE:
        least["effective_min_sample_count"] = rules.min_offline_samples
    found = {key: log.number(key) for key in least}
    return "; ".join(f"{key} is {v:.10g}" for key, v in found.items() if v < least[key])
