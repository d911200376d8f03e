"""Kills before each use of the storage, of a journal or of a worker: nothing is lost or doubled."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.commandline import PATIENCE_S, PROC, none_left
from tests.replays import attributes, level, outcomes, taken, write_space, write_table

if TYPE_CHECKING:
    from tests.commandline import Command

pytestmark = pytest.mark.skipif(not PROC.is_dir(), reason="workers die with their parent on Linux")

ROOT = Path(__file__).parents[2]
DATABASE = "studies/space/study.db"
SIZES = list(range(1, 31))
STEP_MOMENTS = 12
"""More than a step has, from one run to the next."""


def die(here: Path, before: str, moments: str, *arguments: object) -> list[int]:
    """Explores in ``here``, killed at one moment after the other; how each of them ended."""
    words = [before, moments, "explore", *map(str, arguments)]
    ended = subprocess.run(
        [sys.executable, "-m", "tests.faults.dying", *words],
        cwd=here,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=4 * PATIENCE_S,
    )
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stderr
    return [json.loads(line)["code"] for line in ended.stdout.splitlines() if line[:2] == '{"']


@pytest.mark.parametrize(
    ("before", "moments"),
    [
        ("start", "0:50:10"),
        ("run", f"0:{STEP_MOMENTS}:3"),
        pytest.param("run", f"0:{STEP_MOMENTS}", marks=pytest.mark.long),
    ],
)
def test_nothing_is_lost_or_measured_twice(
    command: Command, here: Path, before: str, moments: str
) -> None:
    write_table(here, ["a"], [1], SIZES)
    space = write_space(here, models="a", threads=1, batch_sizes=SIZES)
    codes = die(here, before, moments, space, "--sampler", "grid")
    assert set(codes) == {-signal.SIGKILL}
    assert none_left(here)
    database = here / DATABASE
    before_it_ended = outcomes(database)
    if before == "run":  # one at least in each step that could be ended before the next one
        assert len(before_it_ended) >= len(codes) // 3
    command.good("explore", space, "--sampler", "grid")
    assert command.counts("space") == (len(SIZES), 0, 0, 3 * len(SIZES))
    assert set(taken(database).values()) == {1}
    ended = outcomes(database)
    assert before_it_ended.items() <= ended.items()
    assert len({key for key, _ in ended.values()}) == len(ended) == len(SIZES)


def test_rounds_and_the_anchor_come_again(command: Command, here: Path) -> None:
    fields = {"models": "a", "threads": 1, "objectives": ["latency_p90_ms"], "batch_sizes": 1}
    space = write_space(here, backends={"null": {"delay_ms": [1.0, 1.00001, 1.00002]}}, **fields)
    command.good("explore", space, "--settle", 0)
    level(here / DATABASE, "latency_p90_ms")
    before = outcomes(here / DATABASE)
    codes = die(here, "run", "0:12:3", space, "--settle", "2s", "--tie", 0)
    assert set(codes) <= {-signal.SIGKILL, 0}
    assert codes[0] == -signal.SIGKILL
    assert none_left(here)
    command.good("explore", space, "--settle", "2s", "--tie", 0)
    assert command.counts("space")[:3] == (3, 0, 0)
    assert before.items() <= outcomes(here / DATABASE).items()
    purposes = Counter(attributes(here / DATABASE, "purpose").values())
    assert purposes["anchor"] > 1
    assert purposes["round"] > 1
    ended = set(outcomes(here / DATABASE))
    rounds = Counter(
        p["id"] for trial, p in attributes(here / DATABASE, "round").items() if trial in ended
    )
    assert max(rounds.values()) > 1
