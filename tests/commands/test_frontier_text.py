"""The table of a frontier: what a terminal of a width shows, and what it never leaves out."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from dse.commands.frontier_text import print_frontier
from dse.core.measurement import Measurement, Outcome, Source
from dse.core.metrics import MODEL_SIZE, PEAK_MEMORY
from dse.report.view import View
from dse.study.folder import StudyFolder
from tests.study.studies import create, fill, small_space

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def view(tmp_path: Path) -> View:
    space = small_space()
    study = create(StudyFolder(tmp_path / "s"), space)
    fill(study, space)
    for record in list(study.records.values()):
        if record.outcome.failure is None:
            own = record.outcome.measurements
            costs = tuple(
                Measurement(name, 12.5, f"{name} {record.id}", Source.MEASURED)
                for name in (PEAK_MEMORY.name, MODEL_SIZE.name)
            )
            outcome = replace(record.outcome, measurements=(*own, *costs))
            study.results.note(record.id, record.configuration, Outcome(outcome.measurements))
    return View(study)


def shown(view: View, width: int, *, terminal: bool = True) -> list[str]:
    out = Console(width=width, file=io.StringIO(), force_terminal=terminal, color_system=None)
    print_frontier(view, out, "--all")
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue().splitlines()


def test_a_wide_terminal_shows_more(view: View) -> None:
    narrow, wide = shown(view, 70), shown(view, 140)
    assert max(map(len, narrow)) <= 70
    assert "memory [MiB]" not in narrow[0]
    assert "memory [MiB]  model [MiB]" in " ".join(wide[0].split()).replace("] m", "]  m")
    assert max(map(len, wide)) <= 140
    assert not any("…" in line for line in (*narrow, *wide))
    assert shown(view, 200, terminal=False)[0] == narrow[0]


@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_no_width_hides_what_tells_points_apart(view: View, width: int) -> None:
    text = " ".join(shown(view, width))
    for record in view.frontier:
        if record.id in view.frontier.leading:
            assert f" {record.id} " in f" {text} "
    for word in ("top-1", "p90", "samples/s", "t1", "b1"):
        assert word in text
