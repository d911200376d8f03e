"""A fleet of real processes on this machine, over TLS."""

from __future__ import annotations

import json
import re
import signal
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from tests.commandline import PATIENCE_S, none_left, read_until, start_python
from tests.replays import outcomes, taken, write_space, write_table

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commandline import Command

pytestmark = pytest.mark.skipif(
    find_spec("distributed") is None, reason="the library distributed is not installed"
)
FIELDS = {"models": ["a", "b"], "threads": 1, "objectives": ["throughput_samples_per_s"]}


def database(here: Path) -> Path:
    (found,) = (here / "studies").glob("space@*/study.db")
    return found


def test_two_nodes_explore_with_measurements(command: Command, here: Path) -> None:
    space = write_space(here, backends={"null": {"delay_ms": [0.1, 0.2]}}, batch_sizes=1, **FIELDS)
    words = ("fleet", "explore", space, "--local", 2, "--settle", 0, "--stop-gain", 0)
    with start_python(*words) as process:
        out, errors = process.communicate(timeout=3 * PATIENCE_S)
    assert process.returncode == 0, errors
    assert re.search(r"space@\w+: 4 of 4 done, \d on the frontier", out)
    counted = taken(database(here))
    assert set(counted.values()) == {1}
    assert sum(metric == "throughput_samples_per_s" for metric, _, _ in counted) == 4
    assert len(outcomes(database(here))) == 4
    status = json.loads(command.good("fleet", "status", "space", "--json").out)
    assert len(status["nodes"]) == 2
    assert status["running"] is False
    assert status["cpus"][0]["explored"] == 4
    assert none_left(here)
    assert not list((here / "studies" / "space.fleet").glob("certificates-*"))


def test_it_is_interrupted_and_goes_on(here: Path) -> None:
    sizes = list(range(1, 11))
    space = write_space(here, backends={"null": {"delay_ms": [0.1]}}, batch_sizes=sizes, **FIELDS)
    words = ("fleet", "explore", space, "--local", 1, "--settle", 0, "--stop-gain", 0)
    with start_python(*words) as process:
        assert read_until(process, " joins: ")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=3 * PATIENCE_S)
    assert process.returncode == 130, errors
    with start_python(*words) as process:
        assert read_until(process, " joins: ")
        process.kill()
    with start_python(*words) as process:
        _, errors = process.communicate(timeout=5 * PATIENCE_S)
    assert process.returncode == 0, errors
    assert set(taken(database(here)).values()) == {1}
    assert len(outcomes(database(here))) == 20


def test_a_node_without_certificates_of_the_fleet(command: Command, here: Path) -> None:
    answer = command("fleet", "node", "head", "--folder", here / "node")
    assert answer.code == 2
    assert "dse fleet certificates DIR" in answer.err
    command.good("fleet", "certificates", "one")
    answer = command("fleet", "node", "tcp://head", "--certificates", "one")
    assert answer.code == 2
    assert "is not encrypted" in answer.err
    answer = command("fleet", "certificates", "one")
    assert answer.code == 2
    write_table(here)
    answer = command("fleet", "explore", write_space(here))
    assert answer.code == 2
    assert "with one of --scheduler, --local, --hosts, --slurm" in answer.err
