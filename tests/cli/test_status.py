"""What ``dse status`` says of failures, which can be pasted, and of how far to trust the rest."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from dse.core.measurement import FailureKind
from dse.core.wording import WIDTH
from dse.report.failures import TAIL_LINES
from tests.replays import failures, write_space

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commandline import Command

NULL = {
    "models": "a",
    "threads": 1,
    "batch_sizes": 1,
    "objectives": ["latency_p90_ms", "throughput_samples_per_s"],
}
AGAIN = "      run it again: "
PRINTED = "      | "


@pytest.fixture
def broken(command: Command, here: Path) -> dict[str, dict[str, str]]:
    """A study in which each of two faults struck; its failures by kind."""
    backends = {"null": {"fault": ["raise", "refuse"], "delay_ms": 0.5}}
    assert command("explore", write_space(here, **NULL, backends=backends)).code == 1
    return {failure["kind"]: failure for failure in failures(here / "studies/space/study.db")}


def lines(command: Command, *options: str) -> list[str]:
    return command.good("status", "space", *options).out.splitlines()


def test_the_command_of_a_failure_can_be_pasted(
    command: Command, broken: dict[str, dict[str, str]], tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shown = lines(command)
    again = [line.removeprefix(AGAIN) for line in shown if line.startswith(AGAIN)]
    kinds = [line.split()[1].rstrip(":") for line in shown if line.startswith("failures, ")]
    assert kinds == sorted(broken)
    for kind, line in zip(kinds, again, strict=True):
        ended = subprocess.run(
            ["sh", "-c", line], capture_output=True, text=True, cwd=elsewhere, timeout=60
        )
        assert ended.returncode == 1
        answer = json.loads(ended.stdout.splitlines()[-1])
        failure = broken[kind]
        assert answer["body"] == {"kind": kind, "message": failure["message"]}
        assert ended.stderr.splitlines()[-1] == failure["stderr_tail"].splitlines()[-1]
    assert list(elsewhere.iterdir()) == []


def test_a_refusal_says_why_in_lines_that_fit(
    command: Command, broken: dict[str, dict[str, str]]
) -> None:
    shown = lines(command)
    refused = shown[shown.index("failures, unsupported: 1") :]
    message = " ".join(broken["unsupported"]["message"].split())
    assert message in " ".join(" ".join(refused).split())
    copied = (AGAIN, PRINTED, "      its whole output: ")
    assert all(len(line) <= WIDTH for line in shown if not line.startswith(copied))


def test_the_end_of_stderr_is_shown_or_all_that_is_kept(
    command: Command, broken: dict[str, dict[str, str]]
) -> None:
    for options, most in (((), TAIL_LINES), (("--verbose",), None)):
        shown = [line.removeprefix(PRINTED) for line in lines(command, *options) if PRINTED in line]
        expected = []
        for kind in sorted(broken):
            tail = broken[kind]["stderr_tail"].splitlines()
            assert len(tail) > TAIL_LINES
            if most is None:
                expected += tail
            elif kind != FailureKind.UNSUPPORTED:  # a refusal says why without its traceback
                expected += tail[-most:]
        assert shown == expected


def test_a_run_folder_that_is_gone_is_told(
    command: Command, here: Path, broken: dict[str, dict[str, str]]
) -> None:
    folder = f"studies/space/runs/{broken['crash']['run']}"
    shutil.rmtree(here / folder)
    shown = lines(command)
    gone = f"its run folder {folder} is gone: it can't be run again by itself"
    assert gone in " ".join(" ".join(shown).split())
    assert sum(line.startswith(AGAIN) for line in shown) == 1


def test_failures_without_a_run_have_no_command(command: Command, here: Path) -> None:
    """Nobody has published an accuracy of a model that there is not."""
    fields = {**NULL, "objectives": ["accuracy_percent", "latency_p90_ms"], "backends": ["null"]}
    assert command("explore", write_space(here, **fields)).code == 1
    shown = lines(command)
    assert shown[-1] == "      no worker was started for it"
    assert not any(line.startswith(PRINTED) for line in shown)
