"""What LoadGen's verdict says in words, and what follows from it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.metrics import Scenario
from dse.loadgen.logs import DetailLog
from dse.loadgen.verdict import RAN_OUT, explain_invalid, next_target, rule_violations
from dse.tasks.task import Rules

MET = {
    "result_validity": "INVALID",
    "result_min_duration_met": True,
    "result_min_queries_met": True,
    "early_stopping_met": True,
    "result_perf_constraints_met": True,
}
RULES = {
    "effective_min_duration_ms": 600_000,
    "effective_performance_sample_count": 1024,
    "qsl_reported_performance_count": 1024,
    "effective_qsl_rng_seed": 2085463073848966840,
    "effective_sample_index_rng_seed": 2747215439041700203,
    "effective_schedule_rng_seed": 16159082839903944936,
    "effective_min_sample_count": 24_576,
}
OF_IMAGES = Rules(
    loadgen_model="resnet50",
    benchmark="resnet",
    scenarios={},
    server_bound_ms=15.0,
    performance_samples=1024,
    accuracy_samples=50_000,
    min_offline_samples=24_576,
)
TOO_FEW = "too few queries within the bound for LoadGen's early stopping"
POSITIVE = st.floats(1e-3, 1e6)


def log(values: dict[str, Any], *errors: str) -> DetailLog:
    return DetailLog({**MET, **values}, errors)


def figures(value: float) -> dict[str, Any]:
    """The same number wherever a log has one: latencies in ns, a rate in samples per second."""
    return {
        "result_mean_latency_ns": value * 1e6,
        "result_mean_query_latency_ns": value * 1e6,
        "result_samples_per_second": value,
    }


@pytest.mark.parametrize(
    ("scenario", "values", "errors", "words"),
    [
        (
            Scenario.SINGLE_STREAM,
            figures(0.5) | {"result_min_duration_met": False},
            [f"error_runtime: Ending early: {RAN_OUT} to issue"],
            "LoadGen ran out of queries: they took 0.5 ms each, where user.conf had it expect 2 ms",
        ),
        (
            Scenario.OFFLINE,
            figures(120.0) | {"result_min_duration_met": False},
            [],
            "over before its time: 120 samples/s, where user.conf had LoadGen expect 2",
        ),
        (
            Scenario.SERVER,
            {"result_perf_constraints_met": False, "result_99.00_percentile_latency_ns": 17.23e6},
            [],
            "the 99th percentile was 17.2 ms, beyond 15 ms, at 2/s",
        ),
        (
            Scenario.MULTI_STREAM,
            {"early_stopping_met": False, "result_min_queries_met": False},
            [],
            "the minimum number of queries was not met; " + TOO_FEW,
        ),
        (Scenario.SINGLE_STREAM, {}, ["error_runtime: else"], "error_runtime: else"),
        (Scenario.SINGLE_STREAM, {}, [], "LoadGen calls the run INVALID"),
    ],
)
def test_verdicts_in_words(
    scenario: Scenario, values: dict[str, Any], errors: list[str], words: str
) -> None:
    assert explain_invalid(log(values, *errors), scenario, 2.0, OF_IMAGES) == words


@given(st.sampled_from(Scenario), POSITIVE, POSITIVE)
def test_the_next_target_is_another_one_on_the_safe_side(
    scenario: Scenario, measured: float, target: float
) -> None:
    better = next_target(log(figures(measured)), scenario, target)
    if scenario is Scenario.OFFLINE:
        assert better > target  # it was over too soon
        assert better >= measured
    else:
        assert 0 < better < target  # queries ran out, or the rate was too high
    if scenario in (Scenario.SINGLE_STREAM, Scenario.MULTI_STREAM):
        assert better < 2 * measured  # from where on they would run out again


@pytest.mark.parametrize("key", RULES)
@pytest.mark.parametrize("scenario", Scenario)
def test_a_log_that_is_not_by_the_rules(key: str, scenario: Scenario) -> None:
    assert rule_violations(log(RULES), scenario, OF_IMAGES) == ""
    short = 0 if "seed" in key else RULES[key] - 1
    found = rule_violations(log({**RULES, key: short}), scenario, OF_IMAGES)
    counts = scenario is Scenario.OFFLINE or key != "effective_min_sample_count"
    assert found == (f"{key} is {short}" if counts else "")
