"""Kills at random moments: what was stored stays, and in the end everything has one outcome."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import threading
import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import pytest

from tests.commandline import PATIENCE_S, PROC, Command, none_left, read_until, start, workers
from tests.replays import attributes, failures, outcomes, write_space, write_table

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

pytestmark = pytest.mark.skipif(not PROC.is_dir(), reason="needs /proc")

KILLS = 15
MODELS = [f"model-{number}" for number in range(5)]
THREADS, SIZES = [1, 2, 4], list(range(1, 6))
CONFIGURATIONS = len(MODELS) * len(THREADS) * len(SIZES)


def write_study(folder: Path, models: list[str]) -> Path:
    write_table(folder, models, THREADS, SIZES)
    return write_space(folder, models=models, threads=THREADS, batch_sizes=SIZES)


class Moment:
    """A moment in the life of an exploration: in its start, while it measures, or as it stores."""

    def __init__(self, number: int, rng: random.Random) -> None:
        self._phase = ("start", "measure", "store")[number % 3]
        self._configurations = rng.randrange(4)
        self._delay_s = rng.uniform(0, 1.0 if self._phase == "start" else 0.15)

    def await_in(self, process: subprocess.Popen[str], database: Path) -> None:
        """Waits until it has come, or the process has ended."""
        if self._phase != "start":
            read_until(process, "CPU: ")
            if self._configurations:
                read_until(process, f"/{CONFIGURATIONS} ", self._configurations)
        if self._phase == "store":
            journal = database.with_name(f"{database.name}-journal")  # there while SQLite writes
            while process.poll() is None and not journal.exists():
                pass
        else:
            time.sleep(self._delay_s)


def test_no_outcome_is_lost_or_taken_twice(command: Command, here: Path) -> None:
    space = write_study(here, MODELS)
    database = here / "studies/space/study.db"
    stored: dict[int, tuple[str, str]] = {}
    rng = random.Random(20260)  # noqa: S311
    for number in range(KILLS):
        with start("explore", space, "--sampler", "random", "--seed", number) as process:
            Moment(number, rng).await_in(process, database)
            process.kill()
        assert process.returncode == -signal.SIGKILL
        now = outcomes(database)
        assert stored.items() <= now.items()
        stored = now
    assert 5 < len(stored) < CONFIGURATIONS
    command.good("explore", space, "--sampler", "random")
    assert none_left(here)

    assert command.counts("space") == (CONFIGURATIONS, 0, 0, 3 * CONFIGURATIONS)
    now = outcomes(database)
    assert stored.items() <= now.items()
    keys = [key for key, _ in now.values()]
    assert len(keys) == len(set(keys)) == CONFIGURATIONS
    taken = [m["key"] for n in METRIC_ATTRIBUTES for m in attributes(database, n).values()]
    assert len(taken) == len(set(taken)) == 3 * CONFIGURATIONS
    assert states(database, set(now)) == {"COMPLETE"}


def test_a_killed_worker_is_a_failure_at_most(command: Command, here: Path) -> None:
    space = write_study(here, MODELS[:3])
    rng = random.Random(20261)  # noqa: S311
    with start("explore", space, "--sampler", "grid") as process:
        drained = threading.Thread(target=process.communicate)
        drained.start()
        killed = 0
        while killed < KILLS and process.poll() is None:
            time.sleep(rng.uniform(0, 0.15))
            for worker in workers(here)[:1]:
                with suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGKILL)
                    killed += 1
        drained.join(PATIENCE_S)
        assert process.wait(PATIENCE_S) == 0
    assert killed == KILLS
    assert none_left(here)
    database = here / "studies/space/study.db"
    before = outcomes(database)
    assert len({key for key, _ in before.values()}) == len(before) == 45
    lost = failures(database)
    assert len(lost) <= KILLS // 2  # each is tried twice
    assert {(f["kind"], f["attempts"]) for f in lost} <= {("crash", 2)}
    assert all("was ended by SIGKILL" in failure["message"] for failure in lost)

    command.good("explore", space, "--retry-failed", "--sampler", "grid")
    assert command.counts("space") == (45, 0, 0, 135)
    assert before.items() <= outcomes(database).items()


METRIC_ATTRIBUTES = [
    f"measurement:{name}"
    for name in ("accuracy_percent", "latency_p90_ms", "throughput_samples_per_s")
]


def states(database: Path, trials: set[int]) -> set[str]:
    """The states of these trials in Optuna's own table."""
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT trial_id, state FROM trials").fetchall()
    return {state for trial, state in rows if trial in trials}
