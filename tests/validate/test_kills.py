"""A validation that is killed or interrupted anywhere goes on with the run that is missing."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.commandline import PATIENCE_S, PROC, none_left, read_until, start, workers
from tests.replays import attributes

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commandline import Command
    from tests.forked import Forked

pytestmark = pytest.mark.skipif(not PROC.is_dir(), reason="needs /proc")

ONE = ["--scenario", "SingleStream"]
"""Its timed run takes ten minutes: whatever happens within seconds happens in the middle of it."""


def worker_of(folder: Path, process: Forked, *, beside: int = 0) -> int:
    """The worker, once there is one other than ``beside``."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        assert process.poll() is None
        for found in workers(folder):
            if found != beside:
                return found
        time.sleep(0.02)
    raise AssertionError("no worker came")


def test_a_killed_validation_leaves_nothing_half_done(
    command: Command, here: Path, small: list[str]
) -> None:
    frontier = command.frontier("small")
    with start("validate", "small", *ONE, *small) as process:
        assert read_until(process, "run 1 of 2: #0 ")
        worker_of(here, process)
        process.kill()
    assert none_left(here)
    database = here / "studies/small/study.db"
    assert command.frontier("small") == frontier
    assert "to do: 2 runs" in command.good("validate", "small", "--dry-run", *ONE, *small).out
    done = len(attributes(database, "outcome"))
    command.good("validate", "small", "--rehearsal", *ONE, *small)
    assert len(attributes(database, "outcome")) == done + 2
    assert len(attributes(database, "purpose")) == done + 3  # the killed one, too
    assert command.frontier("small") == frontier


def test_a_killed_worker_is_a_failure_and_what_is_valid_stays(
    command: Command, here: Path, small: list[str]
) -> None:
    """The accuracy run is a valid one: it goes over all images there are."""
    points = command.frontier("small")["points"]
    with start("validate", "small", *ONE, *small) as process:
        first = worker_of(here, process)
        os.kill(first, signal.SIGKILL)
        os.kill(worker_of(here, process, beside=first), signal.SIGKILL)
        out, err = process.communicate(timeout=PATIENCE_S)
    assert none_left(here)
    assert process.returncode == 1
    assert "FAILED (crash: the worker was ended by SIGKILL)" in err
    assert "every run is done: 1 valid, 1 failed, 0 that can't be run" in err
    assert "SingleStream top-1 " in " ".join(out.split())
    outcomes = attributes(here / "studies/small/study.db", "outcome").values()
    (failure,) = (o["failure"] for o in outcomes if o["failure"] is not None)
    assert (failure["kind"], failure["attempts"]) == ("crash", 2)

    left = command.good("validate", "small", "--dry-run", *ONE, *small).out
    assert "valid already: 1 run" in left
    assert "to do: 1 run," in left
    assert [p["values"] for p in command.frontier("small")["points"]] == [
        p["values"] for p in points
    ]


def test_ctrl_c_says_how_long_the_run_in_hand_takes(here: Path, small: list[str]) -> None:
    with start("validate", "small", *ONE, *small) as process:
        assert read_until(process, "run 1 of 2: #0 ")
        worker_of(here, process)
        process.send_signal(signal.SIGINT)
        assert read_until(process, "stopping after the run in hand (about ")
        process.send_signal(signal.SIGINT)
        assert read_until(process, "still finishing the run in hand (about ")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert "interrupted; what was done is stored" in err
    assert none_left(here)
