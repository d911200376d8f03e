"""A study by precision or by runtime: one form for the terminal, the page, JSON and CSV."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from dse.report.breakdown import WAYS, break_down
from dse.report.html.page import render_page
from tests.report.methods import Methods

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def made(tmp_path: Path) -> Methods:
    made = Methods(tmp_path)
    made.add("fp32", 450, 10.0)
    made.add("int8", 448, 8.0, weight_range="safe")
    made.add("int8", 420, 9.0, weight_range="full")
    return made


@pytest.mark.parametrize("by", WAYS)
def test_every_form_has_the_same_rows(by: str, made: Methods) -> None:
    found = break_down(made.view, by, every=True)
    assert {len(row) for row in found.cells} == {len(found.headings)}
    assert len(found.cells) == len(found.rows) == len(found.flat_rows())
    told = json.loads(json.dumps(found.as_dict()))
    assert told["by"] == by
    assert told["conclusion"] == list(found.conclusion)
    assert told["rows"] == list(found.rows)


def test_a_row_of_csv_is_flat(made: Methods) -> None:
    usual, full = break_down(made.view, "precision", every=False).flat_rows()
    assert usual["weight_range"] == "safe"
    assert usual["points"] == "2"
    assert usual["latency_p90_ms_times_as_fast"] == 1.25
    assert full["latency_p90_ms_beyond_noise"] is True
    (runtime,) = break_down(made.view, "runtime", every=False).flat_rows()
    assert runtime["latency_p90_ms"] == 8.0


def test_the_page_has_both(made: Methods) -> None:
    page = render_page(made.view, [])
    for by in WAYS:
        found = break_down(made.view, by, every=True)
        assert f'<section id="by-{by}"' in page
        assert f"<p>{found.conclusion[0]}</p>" in page
    assert "<td>int8 full</td>" in page
