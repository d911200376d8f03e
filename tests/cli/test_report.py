"""``dse report``: what it writes and prints, and what it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commandline import Command

FILES = [
    *("report.html", "study.csv", "study.parquet"),
    *("frontier.png", "frontier.svg", "progress.png", "progress.svg", "effects.png", "effects.svg"),
]


def test_it_is_written_into_the_studys_folder(command: Command, kept: Path) -> None:
    answer = command.good("report", "kept")
    assert answer.out.splitlines() == [f"studies/kept/report/{name}" for name in FILES]
    assert {path.name for path in (kept / "report").iterdir()} == set(FILES)
    table = pd.read_csv(kept / "report" / "study.csv")
    points = command.frontier("kept")["points"]
    assert len(table) == command.counts("kept")[0]
    assert sorted(table[table["standing"].isin(["leads", "tied", "behind"])]["id"]) == sorted(
        point["id"] for point in points
    )


def test_it_is_written_elsewhere(command: Command, kept: Path, tmp_path: Path) -> None:
    command.good("report", kept, "--output", tmp_path / "a" / "b")
    assert {path.name for path in (tmp_path / "a" / "b").iterdir()} == set(FILES)
    assert not (kept / "report").exists()


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["none"], 2, "no study at studies/none; there are kept"),
        (["kept", "--output", "kept.yaml"], 2, "'kept.yaml' is a file"),
        (["kept", "--output", "kept.yaml/x"], 1, "can't be written"),
    ],
)
def test_what_can_not_be_is_one_line(
    command: Command, kept: Path, words: list[str], code: int, told: str
) -> None:
    answer = command("report", *words)
    assert answer.code == code
    assert answer.out == ""
    assert len(answer.err.splitlines()) == 1
    assert told in answer.err
    assert not (kept / "report").exists()
