"""``dse frontier`` by precision and by runtime, and what ``--all`` says of the other points."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import pytest

from tests.replays import COLUMNS, write_space

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commandline import Command


@pytest.fixture
def study(command: Command, here: Path) -> str:
    """Recorded points of two runtimes: int8 wins time on one of them, and fails once."""
    rows = [
        ["a", "fp32", "x", 1, 1, 41.0, 4.0, 100.0, ""],
        ["a", "int8", "x", 1, 1, 40.0, 2.0, 250.0, ""],
        ["a", "fp32", "y", 1, 1, 41.0, 5.0, 90.0, ""],
        ["a", "int8", "y", 1, 1, 40.0, 6.0, 80.0, ""],
        ["b", "fp32", "x", 1, 1, 39.0, 9.0, 50.0, ""],
        ["b", "int8", "x", 1, 1, "", "", "", "no kernel"],
    ]
    with (here / "table.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([COLUMNS, *rows])
    backends = {"replay": {"table": "table.csv", "runtime": ["x", "y"]}}
    fields = {"threads": [1], "batch_sizes": [1], "precisions": ["fp32", "int8"]}
    space = write_space(here, "mine", backends=backends, **fields)
    command.good("explore", space, "--settle", 0)
    return "mine"


def test_by_precision(command: Command, study: str) -> None:
    out = command.good("frontier", study, "--by", "precision").out
    assert out.splitlines()[0].startswith("int8 of a on replay loses 1.0 points of top-1, ")
    told = json.loads(command.good("frontier", study, "--by", "precision", "--json").out)
    assert (told["study"], told["by"], told["unpaired"]) == ("mine", "precision", 0)
    assert {row["lost"] for row in told["rows"]} == {1.0}
    lines = command.good("frontier", study, "--by", "precision", "--csv").out.splitlines()
    assert len([*csv.DictReader(lines)]) == len(told["rows"])


def test_by_runtime(command: Command, study: str) -> None:
    out = command.good("frontier", study, "--by", "runtime").out
    assert "2 points lead" in out.splitlines()[0]
    told = json.loads(command.good("frontier", study, "--by", "runtime", "--json").out)
    assert sum(row["measured"] for row in told["rows"]) == 5
    assert sum(row["failed"] for row in told["rows"]) == 3


def test_a_condition_counts(command: Command, study: str) -> None:
    arguments = ("frontier", study, "--by", "precision", "--where", "precision == 'int8'")
    assert "no point has an fp32 point" in command.good(*arguments).out


def test_all_tells_what_is_not_on_the_frontier(command: Command, study: str) -> None:
    out = " ".join(command.good("frontier", study, "--all").out.split())
    assert (
        "not on the frontier: 3 that others dominate, for certain or most likely; 3 failed; "
        "dse report has all"
    ) in out


def test_another_way_is_refused_in_one_line(command: Command, study: str) -> None:
    answer = command("frontier", study, "--by", "colour")
    assert answer.code == 2
    assert "--by" in answer.last
