"""What each runtime comes to: what was measured of it, and where it leads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.core.metrics import LATENCY
from dse.report._runtimes import cells, conclude, headings, hints, runtimes
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


def test_nothing_leads_where_nothing_is_measured(tmp_path: Path) -> None:
    made = Methods(tmp_path)
    assert conclude(made.view, runtimes(made.view)).startswith("no runtime leads")
    assert hints(made.view)[1].endswith("not measured: a runtime with few points was tried little")
