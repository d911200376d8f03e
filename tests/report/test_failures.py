"""Reasons: which failures count as one, and what a terminal is spared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.measurement import Failure, FailureKind, Outcome
from dse.report.failures import REASON_WIDTH, TAIL_LINES, explained, printable, reasons
from dse.study.folder import StudyFolder
from dse.study.revisions import distributions
from tests.study.studies import create, planned, small_space

if TYPE_CHECKING:
    from pathlib import Path

    from dse.study.study import Study

SPACE = small_space()


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return create(StudyFolder(tmp_path / "mine"), SPACE)


def fail(study: Study, *failures: Failure) -> None:
    plan = planned(SPACE)
    for configuration, failure in zip(plan.configurations, failures, strict=False):
        trial = study.begin(configuration, distributions(plan))
        study.finish(trial, Outcome(failure=failure))


def test_failures_are_one_reason_if_kind_and_first_line_agree(study: Study) -> None:
    crash, load = FailureKind.CRASH, FailureKind.LOAD
    fail(
        study,
        Failure(crash, "bang\nin node 1", run="a"),
        Failure(load, "bang"),
        Failure(crash, "whimper"),
        Failure(crash, "whimper\nin node 2"),
        Failure(crash, "whimper", run="b"),
        Failure(crash, "x" * (REASON_WIDTH + 1)),
        Failure(crash, "x" * (REASON_WIDTH + 2)),
    )
    found = [(r.kind, r.text, r.count, r.record.id) for r in reasons(study)]
    assert found == [
        (crash, "whimper", 3, 4),  # the one that was run
        (crash, "x" * REASON_WIDTH, 2, 5),
        (crash, "bang", 1, 0),
        (load, "bang", 1, 1),
    ]


def test_the_last_lines_of_stderr_and_what_became_of_the_run(study: Study, tmp_path: Path) -> None:
    tail = "\n".join(f"line {n}" for n in range(TAIL_LINES + 2))
    fail(study, Failure(FailureKind.CRASH, "bang", tail, run="1-000000-2"))
    (reason,) = reasons(study)
    head, *printed, last = explained(reason, tmp_path)
    assert head.startswith("1 x bang (such as #0 a fp32, null, 1 thread, batch 1")
    assert printed == [f"    | line {n}" for n in range(2, TAIL_LINES + 2)]
    assert (
        last == f"    its run folder {tmp_path / '1-000000-2'} is gone: it can't be run again "
        "by itself"
    )
    assert len(explained(reason, tmp_path, None)) == TAIL_LINES + 4


@given(st.text())
def test_nothing_steers_a_terminal(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert len(shown) == len(text)
    assert all(a == b for a, b in zip(text, shown, strict=True) if a.isprintable())


def test_what_a_runtime_printed_is_spared(study: Study, tmp_path: Path) -> None:
    fail(study, Failure(FailureKind.CRASH, "\x1b[31mred\x07", "a\tb\n\x1b]0;title\x07"))
    lines = explained(reasons(study)[0], tmp_path)
    assert all(line.isprintable() for line in lines)
    assert lines[1:3] == ["    | a b", "    | ?]0;title?"]
