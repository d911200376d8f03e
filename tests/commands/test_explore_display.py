"""What a terminal shows while a study runs; elsewhere it is a line for each configuration."""

from __future__ import annotations

import io
import os
import pty
import re
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from dse.commands.explore_display import Display
from dse.exploration.explorer import Budget
from dse.exploration.planner import Step
from dse.study.folder import StudyFolder
from dse.study.record import Purpose
from dse.study.settling import Settling
from tests.commandline import PATIENCE_S, start
from tests.replays import write_space, write_table
from tests.study.studies import create, fill, small_space

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commandline import Command

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")


def seen(terminal: int) -> str:
    """All that is written on a terminal until the last writer has closed it."""
    shown = b""
    while True:
        try:
            data = os.read(terminal, 65536)
        except OSError:  # Linux's word for the end
            break
        if not data:
            break
        shown += data
    return CONTROL.sub("", shown.decode())


def test_a_terminal_shows_progress_failures_and_the_frontier(here: Path) -> None:
    write_table(here, failing={"c": "no such kernel"}, models=["a", "b", "c"])
    space = write_space(here, models=["a", "b", "c"], batch_sizes=1)
    terminal, writer = pty.openpty()
    shape = {**os.environ, "TERM": "xterm", "COLUMNS": "160", "LINES": "40"}
    arguments = ["explore", space, "--sampler", "grid"]
    with start(*arguments, stderr=writer, env=shape) as process:
        os.close(writer)
        shown = seen(terminal)
        out, _ = process.communicate(timeout=PATIENCE_S)
    os.close(terminal)
    assert process.returncode == 0
    assert "Traceback" not in shown
    for words in ("6/6", "time left: ", "2 unsupported", "frontier: 2 points", "measuring a fp32"):
        assert words in shown
    assert (
        shown.count("c fp32, replay, 1 thread, batch 1, runtime=x: FAILED (unsupported: no such")
        == 1
    )
    assert shown.count("FAILED (") == 1  # a reason is told once
    assert "every configuration has its outcome: 6 done now; 4 measured, 2 failed" in shown
    assert "p90 [ms]" in out


def test_elsewhere_each_configuration_is_a_line(command: Command, here: Path) -> None:
    write_table(here, failing={"b": "no such kernel"})
    answer = command.good("explore", write_space(here, batch_sizes=1), "--sampler", "grid")
    lines = [line for line in answer.err.splitlines() if re.match(r"\d/4 ", line)]
    assert len(lines) == 4
    assert lines[1].startswith(
        "2/4 a fp32, replay, 2 threads, batch 1, runtime=x: 41.00 %, 2.000 ms, 200.0 samples/s ("
    )
    assert "b fp32, replay, 1 thread, batch 1, runtime=x: FAILED (unsupported: no such" in lines[2]
    assert "\x1b" not in answer.err


def test_the_bar_ends_where_the_budget_does(command: Command, here: Path) -> None:
    write_table(here)
    space = write_space(here, batch_sizes=1)
    command.good("explore", space, "--sampler", "grid", "--n-trials", 1, "--settle", 0)
    told = command.good("explore", space, "--sampler", "grid", "--n-trials", 2, "--settle", 0).err
    assert re.findall(r"^(\d/\d) ", told, re.MULTILINE) == ["2/3", "3/3"]
    told = command.good("explore", space, "--sampler", "grid", "--n-trials", 9, "--settle", 0).err
    assert re.findall(r"^(\d/\d) ", told, re.MULTILINE) == ["4/4"]


@pytest.mark.parametrize("terminal", [False, True])
def test_a_round_is_one_line_whatever_its_members(tmp_path: Path, *, terminal: bool) -> None:
    space = small_space(backends={"null": {}})
    study = create(StudyFolder(tmp_path / "mine"), space)
    members = fill(study, space, most=2)
    shown = io.StringIO()
    console = Console(file=shown, force_terminal=terminal, width=100, highlight=False)
    with Display(console, study, Budget()) as display:
        for state in (Settling(1, 2, 0, 2, 341.0, 900.0), Settling(2, 2, 2, 0, 0.0, 890.0)):
            for configuration in members:
                step = Step(configuration, Purpose.ROUND, "probe", ("latency_p90_ms",))
                display.began(step)
                display.ended(step, study.records[configuration.key], 0.5)
            display.settling(state)
    rounds = [
        "1, 2 of 2 points undecided, perhaps 5.7 min of rounds left",
        "2, 2 points, 2 decided",
    ]
    text = CONTROL.sub("", shown.getvalue())
    for told in rounds:
        assert f"settling: round {told}" in text
    if terminal:
        assert f"comparing {members[0]}" in text
    else:
        assert text == "".join(f"settling: round {told}\n" for told in rounds)
