"""What precision costs: pairs that differ in it alone, losses that are certain, what leads."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from dse.core.measurement import Source
from dse.core.metrics import LATENCY
from dse.report._precision import costs
from dse.study.rounds import RoundPlace
from tests.report.methods import Methods

if TYPE_CHECKING:
    from pathlib import Path

    from dse.report._precision import Cost


@pytest.fixture
def made(tmp_path: Path) -> Methods:
    return Methods(tmp_path)


def rows(made: Methods) -> dict[str, Cost]:
    return {f"{row.backend} {row.label}": row for row in costs(made.view).rows}


def test_a_method_loses_points_and_wins_time(made: Methods) -> None:
    made.add("fp32", 450, 10.0)
    safe = made.add("int8", 448, 8.0, weight_range="safe", calibration="minmax")
    made.add("int8", 420, 5.0, weight_range="full", calibration="minmax")
    made.add("int8", 430, 9.0, weight_range="safe", calibration="entropy", fp32_layers=2)
    found = rows(made)
    assert list(found) == ["x int8 default", "x int8 entropy fp32_layers=2", "x int8 full"]
    first, both, full = found.values()
    assert [record.id for record in first.records] == [safe]
    assert [round(row.lost or 0, 6) for row in found.values()] == [0.4, 4.0, 6.0]
    assert [row.certain for row in found.values()] == [False, True, True]
    assert first.p_value == 0.5
    assert first.speeds[LATENCY.name].ratio == pytest.approx(1.25)
    assert first.speeds[LATENCY.name].certain
    assert (first.usual, both.usual) == (True, False)
    assert [row.leads for row in (first, both, full)] == [True, False, True]


def test_a_loss_is_less_certain_the_more_methods_were_tried(made: Methods) -> None:
    made.add("fp32", 450, 10.0)
    made.add("int8", 444, 8.0)
    assert rows(made)["x int8"].certain is True  # p = 0.031
    made.add("int8", 444, 8.0, weight_range="full")
    assert rows(made)["x int8"].certain is False


def test_nothing_but_the_method_differs_in_a_pair(made: Methods) -> None:
    made.add("fp32", 450, 10.0, threads=1, spinning=True)
    made.add("fp32", 450, 6.0, threads=2, spinning=True)
    made.add("int8", 450, 5.0, threads=1, spinning=True)
    made.add("int8", 450, 5.0, threads=2, spinning=True)
    made.add("int8", 450, 5.0, threads=4, spinning=True)
    made.add("int8", 450, 5.0, threads=2, spinning=False)
    made.add("int8", 450, 5.0, threads=1, spinning=True, backend="y")
    made.add("int8", 450, 5.0, threads=1, spinning=True, model="n")
    found = costs(made.view)
    (row,) = found.rows
    assert (row.label, len(row.records), found.unpaired) == ("int8", 2, 4)
    assert row.speeds[LATENCY.name].ratio == pytest.approx((2.0 * 1.2) ** 0.5)


def test_a_knob_of_the_other_precision_alone_is_named(made: Methods) -> None:
    made.add("fp32", 450, 10.0)
    made.add("int8", 450, 5.0, exact_int8=True)
    assert list(rows(made)) == ["x int8 exact_int8=True"]


def test_a_knob_of_the_runtime_with_its_usual_value_is_no_method(made: Methods) -> None:
    made.add("fp32", 450, 10.0, backend="litert")
    made.add("int8", 450, 5.0, backend="litert", threads=1, xnnpack=True)
    (row,) = rows(made).values()
    assert (row.label, row.method, row.usual) == ("int8", (), True)
    made.add("int8", 450, 6.0, backend="litert", xnnpack=False, weight_range="safe")
    (_, other) = rows(made).values()
    assert other.label == "int8 xnnpack=False"
    assert dict(other.method) == {"xnnpack": False, "weight_range": "safe"}


def test_without_answers_a_loss_is_neither_certain_nor_luck(made: Methods) -> None:
    made.add("fp32", None, 10.0)
    made.add("int8", None, 5.0)
    (row,) = rows(made).values()
    assert (row.lost, row.p_value, row.certain, row.leads) == (None, None, None, False)
    assert row.speeds[LATENCY.name].ratio == 2.0


def test_the_noise_of_the_runs_tells_whether_a_method_is_faster(made: Methods) -> None:
    again = [10.2, 9.8, 10.1, 9.9]
    made.add("fp32", 450, 10.0, Source.MEASURED, again)
    made.add("int8", 450, 9.9, Source.MEASURED, again, weight_range="safe")
    made.add("int8", 450, 5.0, Source.MEASURED, [v / 2 for v in again], weight_range="full")
    found = [row.speeds[LATENCY.name] for row in rows(made).values()]
    assert [speed.certain for speed in found] == [False, True]
    assert all(speed.noise_known for speed in found)


def test_rounds_tell_it_though_the_values_do_not(made: Methods) -> None:
    ids = made.add("fp32", 450, 10.0, Source.MEASURED), made.add("int8", 450, 9.0, Source.MEASURED)
    records = {record.id: record for record in made.study.records.values()}
    rivals = [m for each in ids if (m := records[each].outcome.measurement(LATENCY.name))]
    rounds = made.study.results.rounds
    for number in range(20):
        for position, rival in enumerate(rivals):
            place = RoundPlace(f"round {number}", position, 2, "here")
            noise = (1 + number) * (1 + 0.001 * ((number + position) % 3))
            rounds.add(place, replace(rival, value=noise * (8.0 if position else 10.0)))
            rounds.end(place, (1, 2 * number + position))
    (row,) = rows(made).values()
    speed = row.speeds[LATENCY.name]
    assert speed.ratio == pytest.approx(1.25, rel=0.01)
    assert (speed.certain, speed.noise_known) == (True, True)


def test_single_runs_tell_nothing_of_their_noise(made: Methods) -> None:
    made.add("fp32", 450, 10.0, Source.MEASURED)
    made.add("int8", 450, 5.0, Source.MEASURED)
    (row,) = rows(made).values()
    speed = row.speeds[LATENCY.name]
    assert (speed.ratio, speed.certain, speed.noise_known) == (2.0, False, False)


def test_a_method_may_certainly_lose_less_than_the_usual_one(made: Methods) -> None:
    made.add("fp32", 450, 10.0)
    made.add("int8", 400, 8.0, fp32_layers=0)
    made.add("int8", 440, 8.0, fp32_layers=2)
    made.add("int8", 401, 8.0, fp32_layers=4)
    made.add("int8", 300, 8.0, fp32_layers=8)
    found = costs(made.view)
    assert [row.label for row in found.less_lost(found.rows[0])] == ["int8 fp32_layers=2"]


def test_json_has_all_of_it(made: Methods) -> None:
    made.add("fp32", 450, 10.0)
    number = made.add("int8", 440, 5.0, weight_range="full")
    (row,) = rows(made).values()
    told = row.as_dict()
    assert told["method"] == {"weight_range": "full"}
    assert told["points"] == [number]
    assert (told["certain"], told["leads"]) == (True, True)
    assert told["times_as_fast"] == {LATENCY.name: 2.0}
    assert told["beyond_noise"] == {LATENCY.name: True}
