"""What README and docs show is what commands print of a study that was measured.

The study in ``golden/quickstart`` is that of the README: ``make explore`` in a fresh clone.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.commandline import Command, command, here, tmp_path
from tests.documented import ROOT

__all__ = ["command", "here", "tmp_path"]

GOLDEN = Path(__file__).parent / "golden" / "quickstart"
README = (ROOT / "README.md").read_text("utf-8")


def shown(first: str) -> list[str]:
    """The output that the README has below a command, without what is left out."""
    (block,) = re.findall(
        rf"^```text\n\$ {re.escape(first)}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL
    )
    return [line for line in str(block).splitlines() if line != "..."]


@pytest.fixture
def study(here: Path) -> str:
    shutil.copytree(GOLDEN, here / "studies" / GOLDEN.name)
    return GOLDEN.name


def test_the_table_is_that_of_the_study(command: Command, study: str) -> None:
    table = [line.rstrip() for line in command.good("frontier", study).out.splitlines()]
    head, *rows = [
        line.rstrip() for line in shown("make explore") if " [%] " in line or "±" in line
    ]
    assert len(rows) == 10
    assert table[: len(rows) + 1] == [head, *rows]
    (more,) = (line for line in table if line.startswith("and "))
    assert f"{more.partition('; ')[0]}; dse frontier quickstart --all" in shown("make explore")


def test_what_is_undecided_is_what_status_says(command: Command, study: str) -> None:
    said = command.good("status", study).out.splitlines()
    told = [line for line in shown("make explore") if line.startswith(("frontier", "undecided"))]
    assert len(told) == 2
    assert set(told) <= set(said)


def test_the_answer_is_that_of_the_study(command: Command, study: str) -> None:
    words = f"pick {study} --max-latency 5ms --min-accuracy 70"
    lines = command.good(*words.split()).out.splitlines()
    expected = shown(f"dse {words}")
    assert lines[:4] == expected[:4]
    assert len(expected) == 6, "two lines more tell of the file, whose place differs"
    assert lines[5].startswith("  SHA-256 ")


def test_hours_are_spent_on_points_that_lead_alone(command: Command, study: str) -> None:
    answer = command("validate", study)
    assert answer.code == 2
    assert answer.err.startswith("left out: 10 points that others seem ahead of; --points names ")
    leading = [line.split()[0] for line in shown("make explore") if "±" in line]
    told = set(re.findall(r"#(\d+)", answer.err))
    assert told == set(leading)
    (behind, *_) = (
        point["id"] for point in command.frontier(study)["points"] if point["standing"] == "behind"
    )
    named = command("validate", study, "--points", behind)
    assert (named.code, f"(#{behind})" in named.err) == (2, True)
