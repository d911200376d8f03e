"""MLPerf's own checkers on trees of short runs, where a clone of their repository is at hand.

MLPERF_INFERENCE=DIR pytest tests/submission/test_official_checkers.py
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dse.core.metrics import METRICS_OF
from dse.measure.spec import REHEARSED_SAMPLES
from dse.submission.checkers import FOLDER, NEEDED
from tests.replays import write_space
from tests.submission.evidence import EDGE, OF_ANY_MACHINE, TOLD
from tests.submission.exports import exported
from tests.validate.conftest import OPTIONS, write_inputs

if TYPE_CHECKING:
    from tests.commandline import Command

CLONE = Path(os.environ.get("MLPERF_INFERENCE", "nowhere"))
EXPECTED = {
    "Test duration less than 600s",
    "accurcy run does not cover all dataset",
    f"accuracy_sample_count, found {REHEARSED_SAMPLES}, needs to be >= 1024",
    "Required minimum samples per query not met",
    "accuracy not valid",
    # Of MultiStream's early stopping, and of runs that noise makes differ by more than a tenth.
    "Early stopping condition was not met",
    "Compliance test performance check in failed",
}
"""What the checkers may say: that runs are short, over few samples, or not as accurate."""


@pytest.mark.long
@pytest.mark.skipif(
    not all((CLONE / FOLDER / name).is_file() for name in NEEDED), reason="no clone"
)
def test_a_closed_tree_of_short_runs_breaks_only_rules_of_length_and_accuracy(
    command: Command, here: Path
) -> None:
    pytest.importorskip("onnxruntime")
    write_inputs(here, "resnet50-v1.5-toy", REHEARSED_SAMPLES)
    objectives = ["accuracy_percent", *(METRICS_OF[scenario] for scenario in EDGE)]
    fields = {"models": "resnet50-v1.5-toy", "threads": 1, "batch_sizes": 2}
    space = write_space(here, "toy", backends=["onnxruntime"], objectives=objectives, **fields)
    command.good("explore", space, "--settle", 0, *OPTIONS)
    closed = ("--division", "closed")
    command.good("validate", "toy", "--rehearsal", *OPTIONS, *closed)
    (here / "system.yaml").write_text(TOLD + OF_ANY_MACHINE + "equivalence: none, it is a toy\n")
    words = (*closed, "--preview", "--checker", CLONE)
    said = exported(command, "toy", *words).splitlines()
    verdicts = [line for line in said if line.startswith(("submission_checker", "truncate"))]
    assert [line.split(": ")[1] for line in verdicts] == [
        *["complains as expected of a preview"] * 2,
        "passed",
    ]
    mark = "  expected here: "
    told = {line.partition(" x ")[2] for line in said if line.startswith(mark)}
    assert told <= EXPECTED
    assert told >= {"Test duration less than 600s", "accurcy run does not cover all dataset"}
    assert [*(here / "tree-preview/closed").rglob("TEST04/verify_performance.txt")]
