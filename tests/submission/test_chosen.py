"""Points that are exported because a condition or an objective of the user chooses them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.submission.evidence import BOTH, TOLD, write_study
from tests.submission.exports import export, exported, listing
from tests.submission.trees import contents

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commandline import Command
    from tests.submission.evidence import Data


NONE = "no point of study 's' is what was asked for: --where holds for "
LACKING = (
    "no point of study 's' is what was asked for: "
    "none has a value of every objective (lacking: load_time_ms (1)); `dse frontier s`"
)


@pytest.fixture
def study(here: Path, data: Data) -> str:
    (here / "system.yaml").write_text(TOLD)
    write_study(here / "studies/s", data, BOTH)
    return "s"


def test_a_condition_that_holds_exports_the_point(command: Command, study: str, here: Path) -> None:
    said = exported(command, study, "--where", "backend == 'litert' and threads == 1")
    assert said.startswith("only where backend == 'litert' and threads == 1: 1 of 1 point\n")
    assert sorted(contents(here / "tree")) == listing("Offline", "SingleStream")
    again = exported(
        command, study, "--metric", "a = 1 / latency_p90_ms", "--objective", "a:maximize"
    )
    assert "0 files new" in " ".join(again.split())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--where", "threads > 1"], f"{NONE}none of 1 point; `dse frontier s` shows what"),
        (
            ["--where", "energy_per_sample_mj < 9"],
            f"{NONE}none of 1 point for certain (unknown",
        ),
        (["--objective", "load_time_ms"], LACKING),
        (
            ["--where", "threads == 1", "--points", "0"],
            "--points: points are named and chosen at",
        ),
        (["--where", "thread == 1"], "--where: 'thread == 1': nothing is called 'thread'"),
    ],
)
def test_what_chooses_nothing_writes_nothing(
    command: Command, study: str, here: Path, options: list[str], words: str
) -> None:
    answer = export(command, study, *options)
    assert answer.code == 2
    assert answer.last.startswith(f"dse: {words}")
    assert not (here / "tree").exists()
