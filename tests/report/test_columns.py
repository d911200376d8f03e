"""The columns of the page: every row in each of them, and nothing that JSON has not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.configuration import Configuration
from dse.core.measurement import Measurement, Outcome, Source
from dse.report.frame import frame
from dse.report.html._columns import TextColumn, make_columns
from dse.report.quantities import quantities
from dse.report.standing import Standing, leaders, standings
from dse.report.tables import study_table
from dse.report.view import View
from dse.study.record import Record
from dse.study.results import StudyResults
from dse.tasks.image_classification._quality import ACCURACY
from dse.tasks.image_classification.labels import count_labels
from tests.objectives import DEFAULT_OBJECTIVES
from tests.report.samples import HARM, harmful, ordinary
from tests.study.studies import small_space

if TYPE_CHECKING:
    from pathlib import Path

    from dse.core.configuration import KnobValue


def of(view: View) -> dict[str, dict[str, Any]]:
    records = sorted(view.study.records.values(), key=lambda record: record.id)
    made = make_columns(records, standings(view), quantities(view), view.notes)
    assert json.loads(json.dumps(made, allow_nan=False)) == made
    return {column["name"]: column for column in made}


@given(st.lists(st.none() | st.sampled_from(["a", "b", "", "\x00"])))
def test_words_come_back(texts: list[str | None]) -> None:
    words = TextColumn()
    for text in texts:
        words.add(text)
    found = words.as_dict()
    assert (
        len(set(found["words"])) == len(found["words"]) == len({t for t in texts if t is not None})
    )
    shown = [None if place < 0 else found["words"][place] for place in found["cells"]]
    assert shown == [text and text.replace("\x00", "?") for text in texts]


def test_values_intervals_and_what_they_rest_on(tmp_path: Path) -> None:
    view = View(ordinary(tmp_path / "s"))
    found = of(view)
    count = len(view.study.records)
    assert {len(column["cells"]) for column in found.values()} == {count}
    by_id = {record.id: record for record in view.study.records.values()}
    for name in DEFAULT_OBJECTIVES:
        column = found[name]
        assert column["metric"]
        for row, id_ in enumerate(found["id"]["cells"]):
            measurement = by_id[id_].outcome.measurement(name)
            if measurement is None:
                assert column["cells"][row] is None
                assert column["basis"]["cells"][row] == -1
                continue
            assert column["cells"][row] == measurement.value
            ends = [column.get(end, {row: None})[row] for end in ("low", "high")]
            assert ends == list(measurement.interval or (None, None))
            assert "measured" in column["basis"]["words"][column["basis"]["cells"][row]]
    assert found["failure"]["words"] == ["crash", "timeout"]
    assert set(found["notes"]["words"]) <= {"not decided"}
    assert set(found["pinned"]["words"]) == {"no"}
    assert found["pinned"]["values"] == [False]
    assert "values" not in found["model"]
    assert {c for c in found["delay_ms"]["cells"] if c} == {1, 2.5}


def test_a_knob_of_several_kinds_keeps_them() -> None:
    mixed: list[KnobValue] = ["auto", 2, True, 2, 1.5]
    points = [
        Record(id_, Configuration("m", "fp32", "null", 1, 1, (("knob", value),)), Outcome())
        for id_, value in enumerate(mixed)
    ]
    made = make_columns(points, dict.fromkeys(range(5), Standing.DOMINATED), [], lambda _: [])
    knob = next(column for column in made if column["name"] == "knob")
    assert knob["words"] == ["auto", "2", "yes", "1.5"]
    assert knob["values"] == ["auto", 2, True, 1.5]
    assert knob["cells"] == [0, 1, 2, 1, 3]


def test_standings_are_those_of_the_study(tmp_path: Path) -> None:
    view = View(ordinary(tmp_path / "s"))
    found = standings(view)
    failed = {r.id for r in view.study.records.values() if r.outcome.failure}
    assert {id_ for id_, standing in found.items() if standing is Standing.FAILED} == failed
    leading = {Standing.LEADS, Standing.TIED}
    on = {id_ for id_, standing in found.items() if standing in {*leading, Standing.BEHIND}}
    assert on == {r.id for r in view.frontier}
    best = {r.id for r in leaders(view.frontier)}
    assert {
        id_ for id_, standing in found.items() if standing in (Standing.LEADS, Standing.TIED)
    } == best
    table = study_table(view)
    assert dict(zip(table["id"], table["standing"], strict=True)) == found
    sure = {r.id for r in view.frontier if view.frontier.certain(r)}
    assert set(table[table["certain"]]["id"]) == sure


@pytest.mark.parametrize("name", ["model", "failure_message", "accuracy_percent"])
def test_what_turns_text_around_is_gone(tmp_path: Path, name: str) -> None:
    column = of(View(harmful(tmp_path / "s")))[name]
    words = column.get("basis", column)["words"]
    assert any("onerror" in word for word in words)
    assert not any("\u202e" in word or HARM in word for word in words)


def test_what_speaks_against_an_accuracy_stands_before_what_failed() -> None:
    details = {"good": 1, "total": 50, **count_labels(dict.fromkeys(range(50), 7), range(50))}
    accuracy = Measurement(ACCURACY.name, 2.0, "key", Source.MEASURED, details=details)
    points = [
        Record(id_, Configuration("m", "fp32", "null", 1, 1), Outcome(found))
        for id_, found in enumerate([(accuracy,), ()])
    ]
    results = StudyResults()
    results.start(small_space())

    def notes(record: Record) -> list[str]:
        return list(map(str, results.notes(record.outcome)))

    told = "one label for all images (label 7 for 50 of 50): look at mean, scale, layout, dtype"
    made = make_columns(points, dict.fromkeys(range(2), Standing.DOMINATED), [], notes)
    assert [column["name"] for column in made][-3:] == ["notes", "failure", "failure_message"]
    assert (made[-3]["words"], made[-3]["cells"]) == ([told], [0, -1])
    assert list(frame(points, [ACCURACY.name], notes)["notes"]) == [told, ""]
