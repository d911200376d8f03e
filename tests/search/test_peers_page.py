"""The page of peers has the medians and the worst of its searches."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

import pytest

from benchmarks.laboratory.contest import Run, _trace, rows_of, whole_s
from benchmarks.laboratory.page import filled
from benchmarks.laboratory.peers import PEERS
from benchmarks.laboratory.peers_page import (
    COSTS,
    PAGE,
    PARTS,
    Entrant,
    Part,
    costs,
    section,
    write,
)
from benchmarks.laboratory.report import by_seconds
from benchmarks.search import requested
from dse.core.errors import RequestError, UnavailableError
from tests.replays import write_table

if TYPE_CHECKING:
    from pathlib import Path

ENTRANTS = (Entrant("random"), Entrant("frontier", "nothing", "nothing"), Entrant("frontier", "x"))


@pytest.fixture
def part(tmp_path: Path) -> Part:
    table = write_table(tmp_path, ("a", "b", "c", "d"), failing={"c": "no room"})
    return Part("small", table, ENTRANTS, (0.25, 0.5), 1)


def test_the_searches_of_a_section(part: Part) -> None:
    entries = part.entries(seeds=2)
    assert [(e.sampler, e.told, e.seed) for e in entries] == [
        (entrant.sampler, entrant.told, seed) for entrant in ENTRANTS for seed in (0, 1)
    ]
    (total,) = {len(entry.table.outcomes) for entry in entries}
    assert {entry.rows for entry in entries} == {rows_of(0.5, total)}
    assert {entry.seconds for entry in entries} == {0.5 * whole_s(entries[0].table)}


def test_medians_and_the_worst(part: Part) -> None:
    runs = [Run(entry, *_trace(entry)) for entry in part.entries(seeds=3)]
    rows, seconds = (text.splitlines() for text in section(part, runs).split("\n\n"))
    assert rows[0] == "| sampler | knows of the models | searches | 25 % of rows | 50 % of rows |"
    shares = [run.after(8) for run in runs[:3]]
    assert rows[2].startswith("| random | nothing | 3 |")
    assert rows[2].endswith(f" | {median(shares):.3f} ({min(shares):.3f}) |")
    assert rows[4].startswith("| frontier | x | 3 |")
    shares = [by_seconds(run, 0.25) for run in runs[3:6]]
    assert seconds[3].startswith(
        f"| frontier | nothing | 3 | {median(shares):.3f} ({min(shares):.3f}) | "
    )


def test_what_each_takes(part: Part) -> None:
    entries = part.entries()
    runs = [Run(entry, (0.5, 1.0), (1.0, 2.0), (0.5, 1.5)) for entry in entries]
    head, _, *lines = costs({"small": runs, "other": runs[:1]}).splitlines()
    assert head == "| sampler | version | CPU s, small | CPU s, other |"
    assert lines == [
        "| random |  | 1.00 (1.50) | 1.00 (1.50) |",
        "| frontier |  | 1.00 (1.50) |  |",
    ]


def test_the_page_is_filled(part: Part, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    names = (part.name, COSTS)
    marks = "".join(f"<!-- laboratory: {n} -->\n<!-- end of {n} -->\n" for n in names)
    page.write_text(f"before\n{marks}after\n", encoding="utf-8")
    write(1, 1, page, (part,))
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert text.count("| random | nothing | 1 |") == 2
    assert text.count("| random |") == 3


def test_a_page_without_the_marks_is_refused_before_minutes_are_spent(
    part: Part, tmp_path: Path
) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing\n", encoding="utf-8")
    with pytest.raises(RequestError, match="has no section"):
        write(1, 1, page, (part,))


@pytest.mark.skipif(all(not p.missing for p in PEERS.values()), reason="all are installed")
def test_peers_that_are_not_installed_are_told_first() -> None:
    with pytest.raises(UnavailableError, match="needs"):
        write(1, 1)


def test_each_section_has_its_place_on_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name in (COSTS, *(each.name for each in PARTS)):
        assert filled(text, PAGE, name, "") != text


def test_the_command() -> None:
    asked = requested(["--peers"])
    assert (asked.peers, asked.seeds, asked.files) == (True, 0, ())
    assert requested(["--peers", "--seeds", "2"]).seeds == 2
    assert requested(["--page"]).seeds == 20
