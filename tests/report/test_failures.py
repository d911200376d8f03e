"""Reasons: which failures count as one, and what a terminal is spared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dse.core.measurement import Failure, FailureKind, Outcome
from dse.report.failures import TAIL_LINES, explained, reasons
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


def test_failures_are_one_reason_if_kind_and_essence_agree(study: Study) -> None:
    crash, load = FailureKind.CRASH, FailureKind.LOAD
    fail(
        study,
        Failure(crash, "RuntimeError: bang in node 'a' (1 of 3)", run="a"),
        Failure(load, "bang in node 'a' (1 of 3)"),
        Failure(crash, "whimper"),
        Failure(crash, "Check 'x' failed at src/y.cpp:12:\nwhimper"),
        Failure(crash, "whimper\n", run="b"),
        Failure(crash, "bang in node 'b' (20 of 300)"),
        Failure(crash, "bang in something else"),
    )
    found = [(r.kind, r.text, r.count, r.record.id) for r in reasons(study)]
    assert found == [
        (crash, "whimper", 3, 4),  # the one that was run
        (crash, "bang in node 'a' (1 of 3)", 2, 0),
        (crash, "bang in something else", 1, 6),
        (load, "bang in node 'a' (1 of 3)", 1, 1),
    ]


def test_a_reason_tells_the_whole_message_and_where_the_output_is(
    study: Study, tmp_path: Path
) -> None:
    message = "Exception from src/a.cpp:84:\nNo conversion rule found for operations: Det-22\n"
    fail(study, Failure(FailureKind.LOAD, message, "tail", run="1-000000-1"))
    folder = tmp_path / "1-000000-1"
    folder.mkdir()
    (folder / "spec.json").write_text("{}")
    (reason,) = reasons(study)
    short, whole = (explained(reason, tmp_path, lines) for lines in (TAIL_LINES, None))
    assert short[1].startswith("    remedy: upgrade the runtime, ")
    assert short[3] == f"    its whole output: {folder / 'stderr.txt'}"
    assert [line for line in whole if line not in short] == [
        "    > Exception from src/a.cpp:84:",
        "    > No conversion rule found for operations: Det-22",
    ]
    assert reason.as_dict(tmp_path) == {
        "kind": "load",
        "reason": "No conversion rule found for operations: Det-22",
        "remedy": reason.remedy,
        "count": 1,
        "example": 0,
        "message": message,
        "stderr_tail": "tail",
        "run": str(folder),
    }


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
    assert len(explained(reason, tmp_path, None)) == TAIL_LINES + 5


def test_what_is_refused_says_why_without_a_traceback(study: Study, tmp_path: Path) -> None:
    """The whole message where the reason is cut."""
    long = f"the converter can't convert it: {'this and that, ' * 12}and so on"
    for message, cut in (("no int8", False), (long, True)):
        tail = f"Traceback (most recent call last):\n  File x\nUnsupportedError: {message}"
        failure = Failure(FailureKind.UNSUPPORTED, message, tail, run="1-000000-1")
        fail(study, failure)
        reason = next(each for each in reasons(study) if each.failure.message == message)
        short, whole = (explained(reason, tmp_path, lines) for lines in (TAIL_LINES, None))
        assert short[1:-1] == [f"    > {message}"] * cut
        assert [line for line in whole if line.startswith("    | ")] == [
            f"    | {line}" for line in tail.splitlines()
        ]
        study = create(StudyFolder(tmp_path / "other"), SPACE)


def test_what_a_runtime_printed_is_spared(study: Study, tmp_path: Path) -> None:
    fail(study, Failure(FailureKind.CRASH, "\x1b[31mred\x07", "a\tb\n\x1b]0;title\x07"))
    lines = explained(reasons(study)[0], tmp_path)
    assert all(line.isprintable() for line in lines)
    assert lines[1:3] == ["    | a b", "    | ?]0;title?"]
