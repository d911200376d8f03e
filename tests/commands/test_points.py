"""Which points a command takes: named ones, the frontier, or what of it is decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dse.commands._points import choose_points, point_cells, point_table
from dse.commands.console import console
from dse.core.errors import RequestError
from dse.derived.derivation import Derivation
from dse.report.view import View
from dse.study.folder import StudyFolder
from tests.objectives import DEFAULT_OBJECTIVES
from tests.study.studies import create, filled, small_space

if TYPE_CHECKING:
    from pathlib import Path

    from dse.study.study import Study

_, LATENCY, THROUGHPUT = DEFAULT_OBJECTIVES


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return filled(tmp_path / "mine", small_space())


def test_points_are_those_of_the_frontier_that_is_asked_for(study: Study) -> None:
    assert choose_points(View(study), (), decided=False) == study.frontier()
    fastest = View(study, Derivation.parse((), ("threads == 1",), (f"{LATENCY}:minimize",)))
    (found,) = choose_points(fastest, (), decided=False)
    able = [r for r in study.records.values() if r.configuration.threads == 1]
    assert found == min(able, key=lambda record: record.outcome.values[LATENCY])


def test_named_points_are_taken_in_their_order(study: Study) -> None:
    others = {r.id for r in study.records.values()} - {r.id for r in study.frontier()}
    ids = [max(others), min(others), max(others)]
    found = choose_points(View(study), ids, decided=False)
    assert [record.id for record in found] == ids[:2]


def test_what_is_not_decided_can_be_left_out(study: Study) -> None:
    found = choose_points(View(study), (), decided=True)
    frontier = study.results.frontier
    assert 0 < len(found) < len(frontier)
    assert found == [record for record in frontier if frontier.certain(record)]
    timed = View(study, Derivation.parse((), (), (LATENCY, THROUGHPUT)))
    with pytest.raises(RequestError) as caught:
        choose_points(timed, (), decided=True)
    assert str(caught.value) == (
        "--decided: no point on the frontier of study 'mine' is decided; "
        "leave it out, or `dse explore` on with --settle 10m"
    )


@pytest.mark.parametrize(
    ("where", "decided"), [(("threads == 1",), False), ((), True), (("threads == 1",), True)]
)
def test_points_are_not_named_and_chosen_at_once(
    study: Study, where: tuple[str, ...], *, decided: bool
) -> None:
    with pytest.raises(RequestError, match=r"^--points: points are named and chosen at"):
        choose_points(View(study, Derivation.parse((), where)), (0,), decided=decided)


def test_where_nothing_was_explored_no_condition_is_blamed(tmp_path: Path) -> None:
    empty = create(StudyFolder(tmp_path / "empty"), small_space())
    for where in ((), ("threads == 1",)):
        with pytest.raises(RequestError, match=r"^study 'empty' has nothing on its frontier"):
            choose_points(View(empty, Derivation.parse((), where)), (), decided=False)


def test_rows_name_points_within_80_columns(study: Study) -> None:
    numbers = {"scenario": False, "mode": False, "expecting": True, "time": True}
    table = point_table(*numbers.items())
    for record in study.frontier():
        told = "MultiStream", "performance", "123456 samples/s", "12 h"
        table.add_row(*point_cells(record), *told)
    out = console()
    out.width = 80
    with out.capture() as captured:
        out.print(table)
    heading, *rows = captured.get().splitlines()
    assert heading.split()[:3] == ["id", "model", "runtime"]
    assert max(map(len, rows)) <= 80
    assert rows[0].rstrip().endswith("12 h")
    assert captured.get().count("t2") + captured.get().count("t1") >= len(study.frontier())
