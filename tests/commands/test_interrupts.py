"""Ctrl-C and its like: the first finishes the run in hand, the third one exits at once."""

from __future__ import annotations

import signal
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tests.commandline import PATIENCE_S, PROC, none_left, read_until, start, workers
from tests.replays import attributes, outcomes, write_space, write_table

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commandline import Command

pytestmark = pytest.mark.skipif(not PROC.is_dir(), reason="needs /proc")

FIRST = "stopping after the run in hand"
SECOND = "still finishing the run in hand; once more exits at once"
SLOW = {"models": "a", "threads": 1, "batch_sizes": 1, "objectives": ["latency_p90_ms"]}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_one_finishes_the_run_in_hand_and_saves(
    command: Command, here: Path, number: signal.Signals
) -> None:
    sizes = list(range(1, 41))
    write_table(here, models=["a"], threads=[1], batch_sizes=sizes)
    space = write_space(here, models="a", threads=1, batch_sizes=sizes)
    with start("explore", space, "--sampler", "grid") as process:
        assert read_until(process, "/40 a fp32", times=2)
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130, err
    assert FIRST in err
    assert "interrupted: " in err
    assert "samples/s" in out  # the frontier so far
    assert none_left(here)
    database = here / "studies/space/study.db"
    saved = outcomes(database)
    assert 2 <= len(saved) < 40
    assert len(attributes(database, "owner")) == len(saved)  # none was begun in vain
    assert command.counts("space") == (len(saved), 0, 40 - len(saved), 3 * len(saved))
    command.good("explore", space, "--n-trials", 1)
    assert saved.items() <= outcomes(database).items()


@pytest.mark.parametrize("numbers", [[signal.SIGINT] * 3, [signal.SIGTERM, signal.SIGINT] * 2])
def test_the_third_one_exits_at_once(
    command: Command, here: Path, numbers: list[signal.Signals]
) -> None:
    space = write_space(here, backends={"null": {"fault": ["refuse", "hang"]}}, **SLOW)
    with start("explore", space, "--sampler", "grid", "--run-timeout", "1h") as process:
        assert read_until(process, "FAILED (unsupported")
        while not workers(here):
            assert process.poll() is None
        for number, words in zip(numbers, (FIRST, SECOND), strict=False):
            process.send_signal(number)
            assert read_until(process, words)
        process.send_signal(numbers[2])
        _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130, err
    assert err.splitlines()[-1] == "dse: interrupted; what was done is stored"
    assert "Traceback" not in err
    assert none_left(here)
    assert command.counts("space") == (0, 1, 1, 0)


def test_another_exploration_meanwhile_waits_and_an_interrupt_ends_that_at_once(
    command: Command, here: Path
) -> None:
    space = write_space(here, backends={"null": {"fault": ["refuse", "hang"]}}, **SLOW)
    explore = ["explore", space, "--sampler", "grid", "--run-timeout"]
    with start(*explore, "1h") as process:
        assert read_until(process, "FAILED (unsupported")
        with start(*explore, "1h") as waiting:
            assert read_until(waiting, "another process measures on this machine; waiting")
            assert command.counts("space") == (0, 1, 1, 0)  # it can be read, though
            waiting.send_signal(signal.SIGINT)
            _, err = waiting.communicate(timeout=PATIENCE_S)
        assert waiting.returncode == 130
        assert "interrupted: 0 done now" in err
        assert len(attributes(here / "studies/space/study.db", "owner")) == 2  # none begun in vain
        process.kill()
    assert none_left(here)
    resumed = command(*explore, "1s")
    assert "1 done now" in resumed.err


def test_interrupts_while_it_starts(here: Path) -> None:
    """Before anything is measured there is nothing to finish; from then on three are needed."""
    space = write_space(here, backends={"null": {"fault": "hang"}}, **SLOW)
    with start("explore", space, "--run-timeout", "1h") as process:
        assert read_until(process, "CPU: ")
        # One that comes in the midst of a callback Python itself ignores: so not just three.
        for _ in range(30):
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                _, err = process.communicate(timeout=PATIENCE_S / 30)
                break
    assert process.returncode == 130, err
    assert none_left(here)
