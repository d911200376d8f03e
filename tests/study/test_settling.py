"""How much is undecided, and how long deciding it takes: on results written by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from dse.core.measurement import Measurement, Outcome, Source
from dse.study.decisions import OpenPair
from dse.study.observations import Observation
from dse.study.record import Record
from dse.study.results import StudyResults
from dse.study.settling import (
    MAX_BOUND_VALUES,
    START_S,
    expected_rounds,
    near_misses,
    open_bounds,
    pace_of,
    pairs_to_decide,
    round_seconds,
    rounds_to_tell,
    run_seconds,
    time_to_settle_s,
)
from tests.study.studies import planned, small_space

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dse.core.configuration import Configuration

LATENCY, THROUGHPUT, CPU_TIME = (
    "latency_p90_ms",
    "throughput_samples_per_s",
    "cpu_time_per_sample_ms",
)
ACCURACY = "accuracy_percent"
TWO = small_space(objectives=[ACCURACY, LATENCY], batch_sizes=1)
SPACE = small_space(objectives=[THROUGHPUT], constraints={LATENCY: {"max": 1.0}})
ONE, OTHER, THIRD = planned(SPACE).configurations[:3]


def record(configuration: Configuration, id_: int, **seconds: float) -> Record:
    measurements = (
        Measurement(metric, 1.0, f"{metric} {id_}", Source.MEASURED, seconds=taken)
        for metric, taken in seconds.items()
    )
    return Record(id_, configuration, Outcome(tuple(measurements)))


def test_a_run_gives_several_metrics() -> None:
    known = record(ONE, 1, **{LATENCY: 1.5, CPU_TIME: 0.0, THROUGHPUT: 2.0})
    assert run_seconds(known, [LATENCY]) == run_seconds(known, [CPU_TIME]) == START_S + 1.5
    assert run_seconds(known, [LATENCY, CPU_TIME]) == START_S + 1.5
    assert run_seconds(known, [LATENCY, THROUGHPUT]) == START_S + 3.5
    assert run_seconds(known, [LATENCY], share=0.5) == START_S + 0.75


def test_each_point_takes_its_rounds() -> None:
    points = [record(c, id_, **{LATENCY: 1.0}) for id_, c in enumerate((ONE, OTHER, THIRD))]

    def seconds_of(record: Record, metrics: Iterable[str]) -> float:
        return 1.0 + record.id * len([*metrics])

    first = OpenPair(points[0], points[1], (LATENCY,), 9, 10)
    second = OpenPair(points[1], points[2], (LATENCY, THROUGHPUT), 9, 4)
    assert time_to_settle_s([first], seconds_of) == 10 * 1.0 + 10 * 2.0
    assert time_to_settle_s([first, second], seconds_of) == 10 * 1.0 + 10 * 3.0 + 4 * 5.0
    assert time_to_settle_s([], seconds_of) == 0
    unknown = OpenPair(points[0], points[2], (LATENCY,), 0, math.inf)
    guess = expected_rounds(unknown)
    told = time_to_settle_s([first, unknown], seconds_of)
    assert told == pytest.approx(guess * 1.0 + 10 * 2.0 + guess * 3.0)


def explored(latencies: Sequence[float], accuracies: Sequence[float]) -> StudyResults:
    """Points that were measured once, on a machine with much noise, as another thing tells."""
    results, configurations = StudyResults(), planned(TWO).configurations
    results.start(TWO)
    for number, value in enumerate((1.0, 2.0, 0.5, 1.5, 0.7)):
        other = Measurement(LATENCY, value, "other", Source.MEASURED)
        results.measured.add(Observation(other, (0, number), "here"))
    known = zip(configurations, latencies, accuracies, strict=False)
    for number, (configuration, latency, accuracy) in enumerate(known):
        quality = Measurement(ACCURACY, accuracy, "published", Source.PUBLISHED)
        taken = Measurement(LATENCY, latency, configuration.key, Source.MEASURED)
        results.measured.add(Observation(taken, (1, number), "here"))
        results.note(number, configuration, Outcome((quality, taken)))
    return results


def decided_by(results: StudyResults) -> set[tuple[int, int]]:
    """The pairs that rounds are spent on, by the ids of their points."""
    found = pairs_to_decide(results.frontier)
    assert all(pair in results.frontier.open_pairs for pair in found)
    return {(min(p.one.id, p.other.id), max(p.one.id, p.other.id)) for p in found}


def test_a_point_behind_is_held_against_the_leader_that_is_furthest_ahead() -> None:
    """The first two lead; both are ahead of the third, the second by more."""
    results = explored([1.2, 1.0, 1.5, 1.1], [61.0, 60.0, 60.0, 50.0])
    assert [record.id for record in results.frontier] == [0, 1, 2, 3]
    assert results.frontier.leading == {0, 1}
    assert decided_by(results) == {(0, 1), (1, 2), (1, 3)}


def test_a_pair_needs_more_rounds_the_closer_it_is() -> None:
    near, far = explored([1.0, 1.01], [60.0] * 2), explored([1.0, 1.5], [60.0] * 2)
    (one,), (other,) = (pairs_to_decide(each.frontier) for each in (near, far))
    assert expected_rounds(one) > 10 * expected_rounds(other) > 0
    assert expected_rounds(replace(one, rounds=9, needed=7.0)) == 7.0
    # The first few tell nothing of how many are needed, and are some of them.
    early = replace(one, rounds=3, needed=7.0)
    assert expected_rounds(early) == expected_rounds(one) - 3


def test_what_the_noise_explains_takes_more_rounds_than_the_values_tell() -> None:
    """The told time is never too short because two values lie apart by luck."""
    (pair,) = pairs_to_decide(explored([1.0, 1.2], [60.0] * 2).frontier)
    assert rounds_to_tell(pair) > 4 * expected_rounds(pair)
    assert rounds_to_tell(replace(pair, rounds=9, needed=7.0)) == 7.0
    (far,) = pairs_to_decide(explored([1.0, 20.0], [60.0] * 2).frontier) or (pair,)
    assert rounds_to_tell(far) >= expected_rounds(far)


def test_members_take_as_long_as_those_before_them() -> None:
    """What loads slowly takes far longer than its runs; what had no rounds does so, too."""
    results = StudyResults()
    results.start(SPACE)
    for number, configuration in enumerate((ONE, OTHER)):
        taken = Measurement(LATENCY, 1.0, f"latency {number}", Source.MEASURED, seconds=1.0)
        rate = Measurement(THROUGHPUT, 1.0, f"rate {number}", Source.MEASURED, seconds=1.0)
        results.note(number, configuration, Outcome((taken, rate)))
    one, other = results.records[ONE.key], results.records[OTHER.key]
    both = [LATENCY, THROUGHPUT]
    expected = round_seconds(one, both)
    assert pace_of(results)(one, both) == expected
    for factor in (2, 4):
        results.pace.note(ONE.key, factor * expected)
    results.pace.note("gone", 1e6)  # of a configuration that the space has no more
    assert pace_of(results)(one, both) == pytest.approx(3 * expected)
    assert pace_of(results)(other, [LATENCY]) == pytest.approx(3 * round_seconds(other, [LATENCY]))


@pytest.mark.parametrize(
    ("values", "needed"),
    [
        ([0.8, 1.1, 0.9, 1.05], 4),
        ([0.8, 1.2, 1.1, 1.05], 4),  # beyond it, but not by more than the noise
        ([0.1] * 4, 0),
        ([9.0] * 4, 0),
    ],
)
def test_a_value_at_a_bound_is_measured_again(values: list[float], needed: int) -> None:
    """Eight times in all: then its side of the bound is left open."""
    results = StudyResults()
    results.start(SPACE)

    def measure(number: int, value: float) -> None:
        latency = Measurement(LATENCY, value, "latency", Source.MEASURED)
        throughput = Measurement(THROUGHPUT, 100.0, "throughput", Source.MEASURED)
        results.measured.add(Observation(latency, (1, number), "here"))
        results.note(number, ONE, Outcome((latency, throughput)))

    for number, value in enumerate(values):
        measure(number, value)
    found = open_bounds(results, SPACE.constraints)
    assert [(each.metrics, each.needed) for each in found] == [((LATENCY,), needed)] * bool(needed)
    assert open_bounds(results, ()) == []
    inside = sorted(values)[1] + sorted(values)[2] <= 2.0
    assert [each.id for each in results.frontier] == [0] * inside
    assert [each.id for each in near_misses(results, SPACE.constraints)] == [0] * (
        bool(needed) and not inside
    )
    for number in range(len(values), MAX_BOUND_VALUES):
        measure(number, values[number % len(values)])
    assert open_bounds(results, SPACE.constraints) == []


@pytest.mark.parametrize(
    ("latency", "source", "near"),
    [
        (1.4, Source.MEASURED, True),
        (1.6, Source.MEASURED, False),
        (1.01, Source.REPLAYED, False),
    ],
)
def test_a_value_of_unknown_noise_is_not_exact(
    latency: float, source: Source, *, near: bool
) -> None:
    """Nothing was measured twice: only a recorded value is as it is."""
    results = StudyResults()
    results.start(SPACE)
    taken = Measurement(LATENCY, latency, "latency", source)
    throughput = Measurement(THROUGHPUT, 100.0, "throughput", source)
    results.measured.add(Observation(taken, (1, 0), "here"))
    results.note(0, ONE, Outcome((taken, throughput)))
    assert [each.id for each in near_misses(results, SPACE.constraints)] == [0] * near
    needed = [each.needed for each in open_bounds(results, SPACE.constraints)]
    assert needed == [MAX_BOUND_VALUES - 1] * near


def test_a_value_that_does_not_vary_is_exact_without_an_interval() -> None:
    fields = {"backends": {"replay": {"table": "table.csv"}}, "objectives": [THROUGHPUT]}
    bounded = small_space(constraints={"model_size_mib": {"max": 1.0}}, **fields)
    results = StudyResults()
    results.start(bounded)
    size = Measurement("model_size_mib", 1.01, "size", Source.MEASURED)
    throughput = Measurement(THROUGHPUT, 100.0, "throughput", Source.MEASURED)
    results.note(0, ONE, Outcome((size, throughput)))
    assert near_misses(results, bounded.constraints) == []
