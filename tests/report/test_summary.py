"""The frontier in order, and what a reader is told of the values."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.configuration import Configuration
from dse.core.measurement import FailureKind, Measurement, Outcome, Source
from dse.report.summary import accuracy_source, frontier, notes, ordered, point, status
from dse.report.view import View
from dse.study.folder import StudyFolder
from dse.study.record import Record
from tests.objectives import DEFAULT_OBJECTIVES
from tests.study.studies import create, failed, fill, small_space

if TYPE_CHECKING:
    from pathlib import Path

    from dse.core.measurement import FidelityName
    from dse.study.study import Study

ACCURACY, LATENCY, THROUGHPUT = DEFAULT_OBJECTIVES
NUMBERS = st.floats(0, 100, allow_nan=False)


def measured(number: int, values: dict[str, float], **changes: Any) -> Record:
    measurements = [
        replace(Measurement(name, value, f"{number}-{name}", Source.MEASURED), **changes)
        for name, value in values.items()
    ]
    configuration = Configuration("m", "fp32", "null", 1, number + 1)
    return Record(number, configuration, Outcome(tuple(measurements)))


@given(st.lists(st.fixed_dictionaries(dict.fromkeys(DEFAULT_OBJECTIVES, NUMBERS)), max_size=6))
def test_the_most_accurate_comes_first_then_the_fastest(values: list[dict[str, float]]) -> None:
    records = [measured(number, each) for number, each in enumerate(values)]
    rows = ordered(records)
    assert sorted(rows, key=lambda r: r.id) == records
    for one, other in itertools.pairwise(rows):
        mine, theirs = one.outcome.values, other.outcome.values
        signed = [
            (-each[ACCURACY], each[LATENCY], -each[THROUGHPUT], number)
            for each, number in ((mine, one.id), (theirs, other.id))
        ]
        assert signed[0] < signed[1]


def test_records_without_an_accuracy_are_ordered_by_speed() -> None:
    records = [measured(n, {LATENCY: latency}) for n, latency in enumerate((3.0, 1.0, 2.0))]
    assert [r.id for r in ordered(records)] == [1, 2, 0]


def test_a_point_has_the_objectives_and_the_intervals_that_are_known() -> None:
    record = measured(3, {ACCURACY: 50.0, LATENCY: 2.0}, interval=(1.0, 60.0))
    assert point(record, (LATENCY,)) == {
        "id": 3,
        "configuration": record.configuration.as_dict(),
        "values": {LATENCY: 2.0},
        "intervals": {LATENCY: [1.0, 60.0]},
        "accuracy_source": "measured",
        "validity": "probe",
        "fidelity": "probe",
    }


@pytest.mark.parametrize(
    ("fidelities", "lowest", "validity"),
    [
        (("probe", "standard"), "probe", "probe"),
        (("standard", "valid"), "standard", "probe"),
        (("valid", "valid"), "valid", "valid"),
    ],
)
def test_a_point_is_as_valid_as_its_shortest_run(
    fidelities: tuple[FidelityName, FidelityName], lowest: str, validity: str
) -> None:
    one = measured(3, {ACCURACY: 50.0, LATENCY: 2.0, THROUGHPUT: 9.0})
    accuracy, *timed = one.outcome.measurements
    rungs = (replace(m, fidelity=f) for m, f in zip(timed, fidelities, strict=True))
    found = point(replace(one, outcome=Outcome((accuracy, *rungs))), DEFAULT_OBJECTIVES)
    assert (found["fidelity"], found["validity"]) == (lowest, validity)
    assert found["intervals"] == {LATENCY: None, THROUGHPUT: None}  # they vary, nobody knows how


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (Source.MEASURED, "measured"),
        (Source.REPLAYED, "measured"),
        (Source.PUBLISHED, "published"),
    ],
)
def test_where_an_accuracy_comes_from(source: Source, told: str) -> None:
    assert accuracy_source(measured(0, {ACCURACY: 1.0}, source=source)) == told
    assert accuracy_source(measured(0, {LATENCY: 1.0}, source=source)) == "measured"


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return create(StudyFolder(tmp_path / "mine"), small_space())


def add(study: Study, record: Record) -> None:
    """As one that failed, for it has no more than an accuracy."""
    outcome = replace(record.outcome, failure=failed().failure)
    study.results.note(record.id, record.configuration, outcome)


def test_status_counts_every_configuration_once(study: Study) -> None:
    space = small_space()
    fill(study, space, most=5)
    kinds = [FailureKind.TIMEOUT, FailureKind.CRASH, FailureKind.TIMEOUT]
    for number, kind in enumerate(kinds):
        configuration = Configuration("m", "fp32", "null", 1, number + 1)
        study.results.note(90 + number, configuration, failed(kind))
    found = status(study)
    told = [(reason["kind"], reason["count"]) for reason in found.pop("reasons")]
    assert told == [("crash", 1), ("timeout", 2)]
    frontier = found.pop("frontier")
    assert frontier["points"] == len(study.frontier()) > 1
    parts = ("decided", "undecided", "beyond_rounds")
    assert sum(frontier[part] for part in parts) == frontier["points"]
    assert frontier["seconds_needed"] > 0
    assert found == {
        "study": "mine",
        "configurations": {"measured": 5, "failed": 3, "remaining": 12},
        "measurements_taken": 15,
        "failures": {"crash": 1, "timeout": 2},
        "notes": [],
    }
    fewer = replace(study.about, planned=3)
    study._revision.about = fewer
    assert status(study)["configurations"]["remaining"] == 0


def test_the_frontier_is_ordered_and_complete(study: Study) -> None:
    assert frontier(View(study))["points"] == []
    fill(study, small_space())
    found = frontier(View(study))
    assert all(p["standing"] == "leads" for p in found["points"])
    assert [p["id"] for p in found["points"]] == [r.id for r in ordered(study.frontier())]
    accuracies = [p["values"][ACCURACY] for p in found["points"]]
    assert accuracies == sorted(accuracies, reverse=True)
    assert found["objectives"][1] == {"name": LATENCY, "unit": "ms", "direction": "minimize"}


def test_notes_say_what_is_needed_to_judge(study: Study) -> None:
    assert notes(View(study)) == []
    sources = {
        Source.PUBLISHED: "accuracy is published, not measured here: Somebody, 2024",
        Source.REPLAYED: "values of the replay backend were recorded elsewhere, not measured here",
        Source.MEASURED: "latency and throughput are short runs, not valid MLPerf results",
    }
    for number, (source, line) in enumerate(sources.items(), start=1):
        origin = {"source": "Somebody, 2024"}
        record = measured(number, {ACCURACY: 1}, source=source, details=origin)
        add(study, record)
        assert line in notes(View(study))
        assert len(notes(View(study))) == number


def test_images_that_calibrated_a_model_are_told(study: Study) -> None:
    assert "calibrated_on" not in point(measured(0, {ACCURACY: 1.0}), (ACCURACY,))
    for number, images in enumerate((64, 12)):
        record = measured(number, {ACCURACY: 1.0}, details={"calibrated_on": images})
        assert point(record, (ACCURACY,))["calibrated_on"] == images
        add(study, record)
    line = "accuracy of int8 made here includes the 64 images that it was calibrated on"
    assert line in notes(View(study))
