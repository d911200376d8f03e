"""What trials amount to: the same however it came about, and derived anew where it must be."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.configuration import Configuration
from dse.core.measurement import Failure, FailureKind, Measurement, Outcome, Source
from dse.core.metrics import LATENCY, THROUGHPUT
from dse.core.pareto import Frontier, feasible
from dse.study.frontier import point_of
from dse.study.observations import Observation
from dse.study.results import StudyResults
from dse.tasks.image_classification._quality import ACCURACY
from tests.study.studies import small_space

if TYPE_CHECKING:
    from dse.core.configuration import KnobValue
    from dse.core.measurement import FidelityName

SPACE = small_space(constraints={LATENCY.name: {"max": 8}})
PUBLISHED = {"a": 60.0, "b": 70.0}


def configuration(number: int) -> Configuration:
    """Two models; batch sizes share their latency, as they do in a study."""
    return Configuration("ab"[number % 2], "fp32", "null", 1 + number // 2 % 2, 1 + number // 4)


@st.composite
def trials(draw: st.DrawFn) -> tuple[Configuration, Outcome]:
    """Some metrics of a configuration at some fidelity, or a failure."""
    own = configuration(draw(st.integers(0, 7)))
    fidelity: FidelityName = draw(st.sampled_from(["probe", "probe", "probe", "standard"]))
    if draw(st.integers(0, 5)) == 0:
        kind = draw(st.sampled_from(list(FailureKind)))
        return own, Outcome(failure=Failure(kind, "", key=own.key))
    speeds = {
        LATENCY.name: f"latency {own.model} {own.threads}",
        THROUGHPUT.name: f"throughput {own}",
    }
    taken = [
        Measurement(metric, draw(st.floats(1, 10)), key, Source.MEASURED, fidelity)
        for metric, key in speeds.items()
    ]
    accuracy = Measurement(ACCURACY.name, PUBLISHED[own.model], "published", Source.PUBLISHED)
    return own, Outcome((accuracy, *taken))


TRIALS = st.lists(trials(), max_size=25)
Trials = list[tuple[Configuration, Outcome]]


def take(results: StudyResults, number: int, trial: tuple[Configuration, Outcome]) -> None:
    own, outcome = trial
    for measurement in outcome.measurements:
        if measurement.source is Source.MEASURED:
            results.measured.add(Observation(measurement, (1, number), "here"))
    results.note(number, own, outcome)


def derived(results: StudyResults) -> list[object]:
    """Everything that is to be known of them."""
    frontier = results.frontier
    return [
        dict(results.records),
        list(frontier),
        [frontier.certain(record) for record in frontier],
        results.anchor,
        results.stale(),
        +results.failed,
        results.failures,
    ]


@given(TRIALS, st.sets(st.integers(0, 24)))
def test_it_is_the_same_whether_it_was_asked_for_meanwhile(made: Trials, asked: set[int]) -> None:
    watched, quiet = StudyResults(), StudyResults()
    for results in (watched, quiet):
        results.start(SPACE)
        for number, trial in enumerate(made):
            take(results, number, trial)
            if results is watched and number in asked:
                derived(results)
    assert derived(watched) == derived(quiet)


@st.composite
def probed_once(draw: st.DrawFn) -> Trials:
    """Nearly all of them; only the last one again, which tells how noisy the machine is."""
    values = draw(st.lists(st.tuples(st.floats(1, 3), st.floats(1, 3)), min_size=1, max_size=12))
    made = [single(number, *pair) for number, pair in enumerate(values)]
    noise = draw(st.lists(st.floats(0.8, 1.25), min_size=1, max_size=4))
    latency, rate = values[-1]
    made += [single(len(values) - 1, factor * latency, factor * rate) for factor in noise]
    return made


def single(number: int, latency: float, rate: float) -> tuple[Configuration, Outcome]:
    """An outcome that shares no measurement with another configuration."""
    own = Configuration("a", "fp32", "null", 1 + number, 1)
    values = {ACCURACY.name: 60.0, LATENCY.name: latency, THROUGHPUT.name: rate}
    return own, Outcome(
        tuple(
            Measurement(name, value, f"{name} {number}", Source.MEASURED)
            for name, value in values.items()
        )
    )


@given(TRIALS | probed_once())
def test_the_frontier_is_that_of_all_records_one_by_one(made: Trials) -> None:
    results = StudyResults()
    results.start(SPACE)
    for number, trial in enumerate(made):
        take(results, number, trial)
    expected = Frontier(SPACE.objectives)
    for key, record in results.records.items():
        outcome = record.outcome
        if outcome.failure is None and feasible(outcome.values, SPACE.constraints):
            expected.add(key, point_of(outcome.measurements, results.measured))
    candidates = {record.configuration.key for record in results.frontier.candidates}
    assert candidates == set(expected.names)
    assert {record.configuration.key for record in results.frontier} <= candidates
    assert [r.id for r in results.frontier] == sorted(r.id for r in results.frontier)


@given(TRIALS)
def test_records_have_their_first_number_and_their_last_failure(made: Trials) -> None:
    results = StudyResults()
    results.start(SPACE)
    first: dict[str, int] = {}
    last: dict[str, Failure | None] = {}
    for number, trial in enumerate(made):
        take(results, number, trial)
        key = trial[0].key
        first.setdefault(key, number)
        last[key] = trial[1].failure
    records = results.records
    assert list(records) == list(first)
    assert len(records) == len(first)
    assert {key: record.id for key, record in records.items()} == first
    assert {key: record.outcome.failure for key, record in records.items()} == last
    kinds = [failure.kind for failure in last.values() if failure is not None]
    assert {kind: kinds.count(kind) for kind in kinds} == dict(+results.failed)


@given(TRIALS)
def test_the_anchor_is_the_first_that_was_timed_and_did_not_fail(made: Trials) -> None:
    results = StudyResults()
    results.start(SPACE)
    for number, trial in enumerate(made):
        take(results, number, trial)
        able = [
            record
            for record in results.records.values()
            if record.outcome.failure is None and record.outcome.measurements
        ]
        assert results.anchor == min(able, key=lambda record: record.id, default=None)


def test_what_is_not_known_is_no_record() -> None:
    results = StudyResults()
    results.start(SPACE)
    assert results.records.get("nothing") is None
    with pytest.raises(KeyError):
        results.records["nothing"]
    assert list(results.frontier) == []
    assert results.anchor is None


def test_a_further_revision_forgets_the_configurations_and_not_what_was_measured() -> None:
    results = StudyResults()
    results.start(SPACE)
    speed = Measurement(LATENCY.name, 3.0, "a", Source.MEASURED)
    rate = Measurement(THROUGHPUT.name, 3.0, "b", Source.MEASURED)
    accuracy = Measurement(ACCURACY.name, 70.0, "published", Source.PUBLISHED)
    take(results, 0, (configuration(0), Outcome((accuracy, speed, rate))))
    take(results, 1, (configuration(1), Outcome(failure=Failure(FailureKind.LOAD, "", key="c"))))
    assert len(results.frontier) == 1
    results.start(SPACE)
    assert (dict(results.records), list(results.frontier), results.anchor) == ({}, [], None)
    assert not +results.failed
    assert results.measured.latest("a") == speed
    assert list(results.failures) == ["c"]


@pytest.mark.parametrize("source", [Source.PUBLISHED, Source.REPLAYED])
def test_only_measured_qualities_are_judged(source: Source) -> None:
    details: dict[str, KnobValue] = {"dataset_notes": "2 files are left out"}
    accuracy = Measurement(ACCURACY.name, 70.0, "a", Source.MEASURED, details=details)
    results = StudyResults()
    assert results.notes(Outcome((accuracy,))) == ()  # of no task yet
    results.start(SPACE)
    assert list(map(str, results.notes(Outcome((accuracy,))))) == ["data set: 2 files are left out"]
    assert results.notes(Outcome((replace(accuracy, source=source),))) == ()
    assert results.notes(Outcome()) == ()
