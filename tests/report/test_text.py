"""The table for a terminal: what stands in it, in which order."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from dse.commands.console import console
from dse.core.configuration import Configuration, KnobValue
from dse.core.measurement import Measurement, Outcome, Source
from dse.core.metrics import METRICS
from dse.report.standing import leaders
from dse.report.text import (
    behind_lines,
    excluded_lines,
    frontier_table,
    heading,
    mark_lines,
    marks,
    number,
    phrase,
    reach,
    settings_legend,
    short_settings,
)
from dse.space.plan import Excluded, exclusion_lines
from dse.study.observations import Observation
from dse.study.record import Record
from dse.study.results import StudyResults
from tests.objectives import DEFAULT_OBJECTIVES
from tests.study.studies import outcome, small_space

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dse.core.metrics import Metric

ACCURACY, LATENCY, THROUGHPUT = DEFAULT_OBJECTIVES


def record(number: int, **knobs: KnobValue) -> Record:
    point = Configuration(f"model-{number}", "fp32", "null", 2, 8, tuple(knobs.items()))
    return Record(number, point, outcome(point))


def lines(
    records: Sequence[Record],
    objectives: Sequence[str],
    most: int | None = None,
    *,
    mark: str = "",
    intervals: bool = True,
) -> str:
    plain = Console(width=160)
    table = frontier_table(records, objectives, lambda _: mark, intervals=intervals, most=most)
    with plain.capture() as shown:
        plain.print(table)
    return shown.get()


def test_columns_are_the_objectives() -> None:
    head = lines([record(1)], [LATENCY, ACCURACY]).splitlines()[0].split()
    assert " ".join(head) == "id model runtime p90 [ms] top-1 [%]"


def test_rows_have_the_values_in_their_units_most_accurate_first() -> None:
    records = [record(n) for n in range(5)]
    rows = lines(records, list(DEFAULT_OBJECTIVES)).splitlines()[1:]
    accuracies = [float(row.split()[-3]) for row in rows]
    assert accuracies == sorted(accuracies, reverse=True)
    for row in rows:
        words = row.split()
        values = records[int(words[0])].outcome.values
        assert words[1:6] == [f"model-{words[0]}", "fp32", "null", "t2", "b8"]
        assert words[6:] == [number(name, values[name]) for name in DEFAULT_OBJECTIVES]


@pytest.mark.parametrize(
    ("metric", "text"), [(ACCURACY, "71.24"), (LATENCY, "71.236"), (THROUGHPUT, "71.2")]
)
def test_numbers(metric: str, text: str) -> None:
    assert number(metric, 71.2356) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (999_999_999_999.9, "999999999999.9"),
        (1.23456e12, "1.235e+12"),
        (-1e15, "-1e+15"),
        (1e308, "1e+308"),
    ],
)
def test_huge_numbers_are_short(value: float, text: str) -> None:
    assert number(THROUGHPUT, value) == text


def test_what_is_not_the_default_stands_in_short() -> None:
    shown = lines([record(1), record(2, delay_ms=2.5, fault="none")], [LATENCY])
    assert "null t2 b8 delay_ms=2.5 fault=none" in shown
    many = replace(record(1).configuration, instances=3, pinned=True)
    assert short_settings(many) == "t2 b8 i3 pinned"
    assert settings_legend([record(1)]) == "t threads, b batch size"
    assert settings_legend([replace(record(1), configuration=many)]).endswith(", i instances")


@pytest.mark.parametrize("width", [80, 100, 120])
def test_a_table_fits_and_breaks_no_word_however_wide_intervals_are(width: int) -> None:
    name = "mobilenet-v3-large-minimalistic"
    long = [
        replace(each, configuration=replace(each.configuration, model=name, backend="onnxruntime"))
        for each in (record(100), record(499, delay_ms=2.5, fault="none"))
    ]
    wide = tuple(
        Measurement(metric, value, "", Source.MEASURED, interval=(value / 2, reach * value))
        for metric, value, reach in zip(
            DEFAULT_OBJECTIVES, (70.0, 123.456, 12345.6), (2, 3, 99), strict=True
        )
    )
    points = [replace(each, outcome=Outcome(wide)) for each in long]
    shown = []
    for columns in (width, 200):
        plain = Console(width=columns)
        with plain.capture() as captured:
            plain.print(frontier_table(points, list(DEFAULT_OBJECTIVES), lambda _: "?*"))
        shown.append(captured.get())
    rows, whole = shown
    assert max(map(len, rows.splitlines())) <= width
    assert sorted(rows.split()) == sorted(whole.split())
    for words in ("70.00 ±100%", "123.456 ±200%", "12345.6 ±>999%"):
        assert words in whole


def test_a_point_that_other_intervals_reach_is_marked() -> None:
    assert "~" not in lines([record(1)], [LATENCY])
    assert lines([record(1)], [LATENCY], mark="~").splitlines()[1].split()[:2] == ["1", "~"]


def test_points_behind_others_come_last() -> None:
    results = StudyResults()
    results.start(small_space(objectives=[ACCURACY, LATENCY], batch_sizes=1))
    points = [(50.0, 1.03), (50.0, 1.0), (40.0, 1.01), (60.0, 5.0)]
    for place, (accuracy, latency_ms) in enumerate(points):
        configuration = Configuration(f"model-{place}", "fp32", "null", 1, 1)
        key = configuration.key
        same = Measurement(ACCURACY, accuracy, key, Source.MEASURED, interval=(accuracy, accuracy))
        for again, factor in enumerate((1.0, 1.05, 0.95, 1.0)):
            timed = Measurement(LATENCY, factor * latency_ms, f"{key} latency", Source.MEASURED)
            results.measured.add(Observation(timed, (1, 10 * place + again)))
        results.note(place, configuration, Outcome((same, timed)))
    mark = marks(results.frontier)
    assert {r.id: mark(r) for r in results.frontier} == {0: "?", 1: "~", 2: "?", 3: ""}
    plain = Console(width=160)
    with plain.capture() as shown:
        plain.print(frontier_table(results.frontier, [ACCURACY, LATENCY], mark))
    assert [row.split()[0] for row in shown.get().splitlines()[1:]] == ["3", "1", "0", "2"]
    assert [each.id for each in leaders(results.frontier)] == [1, 3]
    assert [line[0] for line in mark_lines(results.frontier, results.frontier)] == ["?", "~"]
    assert mark_lines(results.frontier, [r for r in results.frontier if r.id == 3]) == []
    (told,) = behind_lines(results.frontier, "--all")
    assert told == "and 2 more points that others seem ahead of; --all shows them"


def test_how_far_intervals_reach_stands_beside_the_values() -> None:
    one = record(1)
    bounded = tuple(replace(m, value=2.0, interval=(1.9, 2.125)) for m in one.outcome.measurements)
    known = replace(one, outcome=Outcome(bounded))
    assert "2.000 ±6.2%" in lines([known], [LATENCY])
    assert "±" not in lines([known], [THROUGHPUT], intervals=False)
    exact = tuple(replace(m, interval=(m.value, m.value)) for m in one.outcome.measurements)
    assert "±" not in lines([replace(one, outcome=Outcome(exact))], [THROUGHPUT])
    assert [reach(2.0, ends) for ends in (None, (1.0, 2.2), (1.9, 2.0))] == ["", " ±50%", " ±5.0%"]
    assert reach(2.0, (0.1, 2000.0)) == " ±>999%"


def test_rows_beyond_the_most_are_counted() -> None:
    shown = lines([record(n) for n in range(5)], [LATENCY], most=2)
    assert len(shown.splitlines()) == 4
    assert "and 3 more" in shown


def test_names_are_no_markup() -> None:
    point = Configuration("[red]m[/red]", "fp32", "null", 1, 1, (("fault", "[b]"),))
    shown = lines([Record(0, point, outcome(point))], [LATENCY])
    assert "[red]m[/red]" in shown
    assert "fault=[b]" in shown


def test_what_goes_to_a_pipe_is_plain_and_wide(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [record(1, fault="x" * 60)]
    console().print(frontier_table(rows, list(DEFAULT_OBJECTIVES), lambda _: ""))
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "x" * 60 in shown


def test_what_can_not_run_has_a_line_for_each_reason() -> None:
    excluded = [Excluded(m, "fp32", "litert", "no such file", 2) for m in ("a", "b")]
    assert excluded_lines(exclusion_lines(excluded)) == [
        "not run: litert fp32, a, b: no such file (4 configurations)"
    ]


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_every_metric_has_a_column(metric: Metric) -> None:
    assert number(metric.name, 1.0).startswith("1.0")
    assert ("estimate" in heading(metric.name)) == ("estimate" in metric.title)
    assert ("estimate" in metric.title) == metric.estimated


@pytest.mark.parametrize(
    ("metric", "told"), [(LATENCY, "p90 latency"), (ACCURACY, "top-1"), ("per_watt", "per_watt")]
)
def test_a_metric_in_a_sentence_has_no_unit(metric: str, told: str) -> None:
    assert phrase(metric) == told
