"""A study as it was asked for: its own frontier, or one among fewer points, by other objectives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dse.core.errors import RequestError
from dse.core.metrics import ENERGY, METRICS
from dse.core.pareto import Frontier, nondominated
from dse.derived.derivation import Derivation
from dse.report.text import mark_lines, marks
from dse.report.view import View, known_of, machine_of
from dse.study.folder import StudyFolder
from dse.study.frontier import point_of
from tests.objectives import DEFAULT_OBJECTIVES
from tests.study.studies import create, failed, filled, small_space

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dse.study.record import Record
    from dse.study.study import Study

ACCURACY, LATENCY, THROUGHPUT = DEFAULT_OBJECTIVES


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return filled(tmp_path / "mine", small_space())


def ids(records: Sequence[Record]) -> list[int]:
    return [record.id for record in records]


def view(
    study: Study, *metrics: str, where: tuple[str, ...] = (), by: tuple[str, ...] = ()
) -> View:
    return View(study, Derivation.parse(metrics, where, by))


def test_without_a_wish_it_is_the_study_itself(study: Study) -> None:
    for found in (View(study), view(study, "a = threads * 2")):
        assert ids(found.frontier) == ids(study.frontier())
        assert found.frontier.leading == study.results.frontier.leading
        assert found.metrics == study.about.metrics
        assert found.objectives == tuple(METRICS[name] for name in study.space.objectives)
        for record in found.frontier:
            assert found.frontier.certain(record) == study.results.frontier.certain(record)


def test_its_names_are_those_that_expressions_may_use(study: Study) -> None:
    found = view(study, "a = threads * 2")
    assert list(found.names) == sorted(found.names)
    assert {"a", "a_low", LATENCY, "threads", "delay_ms", "cpu", "ghz"} <= set(found.names)
    for name in found.names:
        View(study, Derivation.parse(["a = threads * 2"], [f"{name} == {name}"]))
    assert found.facts["cpus"] == machine_of(study).facts["cpus"]


def test_with_conditions_that_all_keep_it_is_the_same_frontier(study: Study) -> None:
    found = view(study, where=("threads > 0",))
    assert ids(found.frontier) == ids(study.frontier())
    assert found.frontier.leading == study.results.frontier.leading
    assert [found.frontier.certain(r) for r in found.frontier] == [
        study.results.frontier.certain(r) for r in study.frontier()
    ]


def test_the_frontier_is_found_among_what_the_conditions_leave(study: Study) -> None:
    found = view(study, where=("backend == 'null'", "threads == 2"))
    able = [
        r
        for r in study.records.values()
        if (r.configuration.backend, r.configuration.threads) == ("null", 2)
    ]
    assert sorted(ids(found.records)) == sorted(ids(able))
    alone = Frontier(DEFAULT_OBJECTIVES)
    for record in able:
        alone.add(record.id, point_of(record.outcome.measurements, study.results.measured))
    assert ids(found.frontier) == sorted(int(str(name)) for name in alone.names)
    # Some of them stand behind others in the study itself.
    assert not set(ids(found.frontier)) <= set(ids(study.frontier()))
    assert found.frontier.leading <= set(ids(found.frontier))
    assert list(found.tally.lines(found.derivation)) == [
        f"only where (backend == 'null') and (threads == 2): {len(able)} of 20 points"
    ]


def test_other_objectives_have_another_frontier(study: Study) -> None:
    metric = f"cost = threads * 100 + {LATENCY}"
    found = view(study, metric, by=("cost:minimize", f"{ACCURACY}:maximize"))
    assert [(m.name, m.direction) for m in found.objectives] == [
        ("cost", "minimize"),
        (ACCURACY, "maximize"),
    ]
    points = [
        {ACCURACY: r.outcome.values[ACCURACY], "cost": r.outcome.values[LATENCY]}
        for r in found.records
    ]
    for point, record in zip(points, found.records, strict=True):
        point["cost"] += 100 * record.configuration.threads
    best = {found.records[place].id for place in nondominated(points, found.objectives)}
    assert best <= set(ids(found.frontier))
    assert found.frontier.leading == best
    assert found.metrics == (ACCURACY, LATENCY, THROUGHPUT)
    one = found.frontier[0]
    assert found.value(one, "cost") == pytest.approx(
        100 * one.configuration.threads + one.outcome.values[LATENCY]
    )


def test_points_without_an_objective_are_left_out_and_counted(study: Study) -> None:
    found = view(study, "a = delay_ms", by=("a:minimize",))
    kept = {r.id for r in study.records.values() if "delay_ms" in dict(r.configuration.knobs)}
    assert set(ids(found.frontier)) < kept
    assert found.tally.lacking == {"delay_ms": 20 - len(kept)}
    nothing = view(study, by=(f"{ENERGY.name}:minimize",))
    assert list(nothing.frontier) == []
    assert nothing.frontier.leading == frozenset()
    assert nothing.tally.lacking == {ENERGY.name: 20}


def test_a_point_that_may_miss_a_condition_is_not_certain(study: Study) -> None:
    # Noise is known from here on: an interval reaches from 5 % below to 5 % above, about.
    record = min(study.frontier(), key=lambda r: r.outcome.values[LATENCY])
    bound = record.outcome.values[LATENCY] * 1.0001
    assert list(view(study, where=(f"{LATENCY} < {bound}",)).frontier) == [record]
    measurement = record.outcome.measurement(LATENCY)
    assert measurement is not None
    found = view(study, where=(f"{LATENCY} < {bound}",))
    kept = measurement.interval is None or measurement.interval[1] < bound
    assert found.frontier.certain(record) == kept
    assert marks(found.frontier)(record) == ("" if kept else "!")
    told = [line[0] for line in mark_lines(found.frontier, found.frontier)]
    assert told == ([] if kept else ["!"])
    assert found.notes(record) == ([] if kept else ["may miss a limit"])


def test_the_knobs_of_the_space_have_names_before_they_are_measured(tmp_path: Path) -> None:
    empty = create(StudyFolder(tmp_path / "empty"), small_space())
    assert list(view(empty, where=("delay_ms > 1",)).frontier) == []
    with pytest.raises(RequestError, match=r"nothing is called 'delay'; did you mean 'delay_ms'"):
        view(empty, where=("delay > 1",))


def test_failures_are_no_points(study: Study) -> None:
    record = study.frontier()[0]
    study.results.note(record.id, record.configuration, failed())
    assert record.id not in ids(view(study, where=("threads > 0",)).records)


def test_what_is_known_of_a_record_and_its_machine(study: Study) -> None:
    record = study.frontier()[0]
    known = known_of(record)
    assert known.values == record.outcome.values
    assert known.configuration == {"device": "cpu", **record.configuration.as_dict()}
    assert set(known.keys) == set(known.values)
    machine = machine_of(study)
    assert study.about.system["cpu"] in machine.names
    assert machine.facts["cpus"] == study.about.system["available_cpus"]
