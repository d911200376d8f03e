"""What each runtime comes to: what was measured of it, and where it leads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dse.core.measurement import Source
from dse.core.metrics import LATENCY, THROUGHPUT
from dse.derived.derivation import Derivation
from dse.report._runtimes import cells, conclude, headings, hints, runtimes
from dse.report.view import View
from tests.report.methods import Methods

if TYPE_CHECKING:
    from pathlib import Path


def test_the_runtime_that_leads_most_comes_first(tmp_path: Path) -> None:
    made = Methods(tmp_path)
    made.add("fp32", 400, 8.0, backend="slow")
    made.add("fp32", 400, 4.0, backend="fast")
    made.add("fp32", 450, 9.0, backend="fast", model="n")
    made.add("fp32", 350, 1.0, backend="small", model="o")
    made.fail("broken")
    found = runtimes(made.view)
    assert [(r.backend, r.measured, r.failed, r.frontier, r.leads) for r in found] == [
        ("fast", 2, 0, 2, 2),
        ("small", 1, 0, 1, 1),
        ("slow", 1, 0, 0, 0),
        ("broken", 0, 1, 0, 0),
    ]
    assert found[0].best[LATENCY.name] == 4.0
    assert found[2].as_dict()["best"] == {}
    told = conclude(made.view, found)
    assert told.startswith("3 points lead, ")
    assert told.endswith(
        "for certain: fast has 2, small 1; slow leads nowhere; no point of broken counts"
    )
    titles = [title for title, _ in headings(made.view)]
    assert titles[-2:] == ["top-1 [%]", "p90 [ms]"]
    assert cells(made.view, found)[:1] == [["fast", "2", "0", "2", "2", "90.00", "4.000"]]
    assert len(hints(made.view)) == 1


def test_all_rows_have_the_best_of_the_frontier(tmp_path: Path) -> None:
    made = Methods(tmp_path)
    again = [4.1, 3.9, 4.05, 3.95]
    made.add("fp32", 450, 10.0, backend="fast", model="n")
    made.add("fp32", 400, 4.02, Source.MEASURED, again, backend="fast")
    made.add("fp32", 400, 4.0, Source.MEASURED, again, backend="slow")
    found = {row.backend: row for row in runtimes(made.view)}
    fast, slow = found["fast"], found["slow"]
    assert (fast.frontier, fast.leads, slow.leads) == (2, 1, 1)
    assert fast.best[LATENCY.name] == pytest.approx(4.02, rel=0.02)
    assert hints(made.view)[0].endswith("best of the runtime's points on the frontier")


def test_an_objective_without_values_is_named(tmp_path: Path) -> None:
    made = Methods(tmp_path)
    made.add("fp32", 400, 8.0)
    asked = Derivation.parse(objectives=[f"{THROUGHPUT.name}:maximize"])
    view = View(made.study, asked)
    assert [row.measured for row in runtimes(view)] == [1]
    told = f"no runtime leads: no point has a value of {THROUGHPUT.name}"
    assert conclude(view, runtimes(view)) == told


def test_nothing_leads_where_nothing_is_measured(tmp_path: Path) -> None:
    made = Methods(tmp_path)
    assert conclude(made.view, runtimes(made.view)).startswith("no runtime leads")
    assert hints(made.view)[1].endswith("not measured: a runtime with few points was tried little")
