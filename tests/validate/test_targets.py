"""What LoadGen is told to expect: laws over all measurements and any memory."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.measurement import Measurement, Source
from dse.core.metrics import SCENARIOS, Scenario
from dse.measure.spec import REHEARSAL, STREAMS, VALID
from dse.tasks.benchmark import Benchmark
from dse.validate import _targets

VALUES = st.floats(1e-3, 1e6)
MEMORY = st.integers(1, 1 << 40)
SCENARIO = st.sampled_from(Scenario)
FIDELITY = st.sampled_from([VALID, REHEARSAL])
METRIC = {scenario: metric for metric, scenario in SCENARIOS.items()}


RULES = Benchmark.of().rules


def measured(scenario: Scenario, value: float, **details: float) -> Measurement:
    return Measurement(METRIC[scenario], value, "key", Source.MEASURED, details=details)


@given(SCENARIO, VALUES, FIDELITY, MEMORY)
def test_targets_stay_where_a_run_is_valid_and_fits(
    scenario: Scenario, value: float, fidelity: object, memory: int
) -> None:
    assert fidelity in (VALID, REHEARSAL)
    chosen = VALID if fidelity == VALID else REHEARSAL
    target = _targets.target_of(scenario, measured(scenario, value), chosen, RULES, memory)
    if target is None:
        cheapest = _targets.cheapest_target(scenario, measured(scenario, value))
        assert _targets.generated_bytes(scenario, cheapest, chosen, RULES) > memory - 1000
        return
    assert _targets.generated_bytes(scenario, target, chosen, RULES) <= memory
    # Queries are generated for twice the duration: up to half the expected latency there is room.
    low, high = {
        Scenario.SINGLE_STREAM: (1.3, 1.5),
        Scenario.MULTI_STREAM: (1.3, 1.5),
        Scenario.OFFLINE: (1.0, 1.05),
        Scenario.SERVER: (1.0, 1.0),
    }[scenario]
    assert low * value * (1 - 1e-9) <= target <= high * value * (1 + 1e-9)


@given(SCENARIO, VALUES, FIDELITY)
def test_with_enough_memory_there_is_room_on_the_safe_side(
    scenario: Scenario, value: float, fidelity: object
) -> None:
    chosen = VALID if fidelity == VALID else REHEARSAL
    target = _targets.target_of(scenario, measured(scenario, value), chosen, RULES, 1 << 62)
    best = {Scenario.OFFLINE: 1.05, Scenario.SERVER: 1.0}.get(scenario, 1.3)
    assert target == pytest.approx(best * value)


@given(SCENARIO, VALUES, MEMORY, MEMORY)
def test_less_memory_never_asks_for_more(
    scenario: Scenario, value: float, one: int, other: int
) -> None:
    less, more = (
        _targets.target_of(scenario, measured(scenario, value), VALID, RULES, memory)
        for memory in sorted((one, other))
    )
    if less is not None:
        assert more is not None
        cost = [_targets.generated_bytes(scenario, target, VALID, RULES) for target in (less, more)]
        assert cost[0] <= cost[1]


def test_the_mean_counts_where_it_is_known() -> None:
    known = measured(Scenario.SINGLE_STREAM, 9.0, mean_ms=2.0)
    target = _targets.target_of(Scenario.SINGLE_STREAM, known, VALID, RULES, 1 << 40)
    assert target == pytest.approx(2.6)
    unknown = measured(Scenario.SINGLE_STREAM, 9.0)
    assert _targets.mean_of(unknown) == 9.0


@given(SCENARIO, VALUES)
def test_no_run_is_shorter_than_the_rules_have_it(scenario: Scenario, value: float) -> None:
    target = _targets.target_of(scenario, measured(scenario, value), VALID, RULES, 1 << 62)
    assert target is not None
    seconds = _targets.expected_s(scenario, measured(scenario, value), target, VALID, RULES)
    assert seconds >= 600
    if scenario is Scenario.OFFLINE:
        assert seconds >= 24_576 / value
    if scenario in STREAMS:
        assert seconds >= _targets.MIN_QUERIES[scenario] * value / 1e3


def test_the_memory_of_a_run_of_a_millisecond() -> None:
    """About half a gigabyte, as LoadGen was seen to take."""
    assert _targets.generated_bytes(Scenario.SINGLE_STREAM, 1.0, VALID, RULES) == 480 * 1_200_000


def test_the_samples_of_offline_are_those_of_the_task() -> None:
    """A rate so low that ten minutes take fewer samples than the rules want."""
    for name, samples in (("image-classification", 24_576), ("question-answering", 10_833)):
        rules = Benchmark.of(name).rules
        assert _targets.generated(Scenario.OFFLINE, 1.0, VALID, rules) == samples
        offline = measured(Scenario.OFFLINE, 1.0)
        assert _targets.expected_s(Scenario.OFFLINE, offline, 1.0, VALID, rules) == samples + 3


def test_accuracy_runs_go_over_all_images() -> None:
    single = measured(Scenario.SINGLE_STREAM, 9.0, mean_ms=2.0)
    assert _targets.expected_accuracy_s(Scenario.SINGLE_STREAM, single, 2.6, 50_000) == 103
    several = measured(Scenario.MULTI_STREAM, 9.0, mean_ms=8.0)
    assert _targets.expected_accuracy_s(Scenario.MULTI_STREAM, several, 9.0, 50_000) == 53
    offline = measured(Scenario.OFFLINE, 1000.0)
    assert _targets.expected_accuracy_s(Scenario.OFFLINE, offline, 1050.0, 50_000) == 53
    server = measured(Scenario.SERVER, 500.0)
    assert _targets.expected_accuracy_s(Scenario.SERVER, server, 500.0, 50_000) == 103
