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
    from pathlib import Path

    from tests.forked import Forked

pytestmark = pytest.mark.skipif(not PROC.is_dir(), reason="needs /proc")

FEW, MANY = 6, pytest.param(30, marks=pytest.mark.long)
MODELS, THREADS = ["a", "b"], [1, 2, 4]
LATENCY = "latency_p90_ms"


class Moment:
    """A moment in the life of an exploration: in its start, while it measures, or as it stores."""

    def __init__(self, number: int, rng: random.Random) -> None:
        self._phase = ("start", "measure", "store")[number % 3]
        self._configurations = rng.randrange(4)
        self._delay_s = rng.uniform(0, 0.5 if self._phase == "start" else 0.05)

    def await_in(self, process: Forked, database: Path) -> None:
        """Waits until it has come, or the process has ended."""
        if self._phase != "start":
            read_until(process, "CPU: ")
            if self._configurations:
                read_until(process, "fp32, replay", self._configurations)
        if self._phase == "store":
            journal = database.with_name(f"{database.name}-journal")  # there while SQLite writes
            while process.poll() is None and not journal.exists():
                pass
        else:
            time.sleep(self._delay_s)


@pytest.mark.parametrize("kills", [FEW, MANY])
def test_no_outcome_is_lost_or_taken_twice(command: Command, here: Path, kills: int) -> None:
    sizes = list(range(1, kills + 1))
    configurations = len(MODELS) * len(THREADS) * len(sizes)
    write_table(here, MODELS, THREADS, sizes)
    space = write_space(here, models=MODELS, threads=THREADS, batch_sizes=sizes)
    database = here / "studies/space/study.db"
    stored: dict[int, tuple[str, str]] = {}
    rng = random.Random(20260)  # noqa: S311
    for number in range(kills):
        with start("explore", space, "--sampler", "random", "--seed", number) as process:
            Moment(number, rng).await_in(process, database)
            process.kill()
        assert process.returncode == -signal.SIGKILL
        now = outcomes(database)
        assert stored.items() <= now.items()
        stored = now
    assert 0 < len(stored) < configurations
    command.good("explore", space, "--sampler", "random")
    assert none_left(here)

    assert command.counts("space") == (configurations, 0, 0, 3 * configurations)
    now = outcomes(database)
    assert stored.items() <= now.items()
    keys = [key for key, _ in now.values()]
    assert len(keys) == len(set(keys)) == configurations
    taken = [m["key"] for n in METRIC_ATTRIBUTES for m in attributes(database, n).values()]
    assert len(taken) == len(set(taken)) == 3 * configurations
    assert states(database, set(now)) == {"COMPLETE"}


@pytest.mark.parametrize("kills", [4, MANY])
def test_a_killed_worker_is_a_failure_at_most(command: Command, here: Path, kills: int) -> None:
    """Workers of configurations that have no measurement in common."""
    delays = [round(0.1 + 0.01 * number, 2) for number in range(2 * kills)]
    fields = {"models": "a", "threads": 1, "batch_sizes": 1, "objectives": [LATENCY]}
    space = write_space(here, backends={"null": {"delay_ms": delays}}, **fields)
    explore = ["explore", space, "--sampler", "grid", "--settle", 0]
    rng = random.Random(20261)  # noqa: S311
    with start(*explore) as process:
        drained = threading.Thread(target=process.communicate)
        drained.start()
        killed = 0
        while killed < kills and process.poll() is None:
            time.sleep(rng.uniform(0, 0.3))
            for worker in workers(here)[:1]:
                with suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGKILL)
                    killed += 1
        drained.join(PATIENCE_S)
        assert process.wait(PATIENCE_S) == 0
    assert killed == kills
    assert none_left(here)
    database = here / "studies/space/study.db"
    before = outcomes(database)
    assert len({key for key, _ in before.values()}) == len(before) == len(delays)
    lost = failures(database)
    assert len(lost) <= kills // 2  # each is tried twice
    assert {(f["kind"], f["attempts"]) for f in lost} <= {("crash", 2)}
    assert all("was ended by SIGKILL" in failure["message"] for failure in lost)

    command.good(*explore, "--retry-failed")
    assert command.counts("space")[:3] == (len(delays), 0, 0)
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
