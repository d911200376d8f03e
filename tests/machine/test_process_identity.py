"""Identities of processes: alive, dead, a number used again, another host."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dse.machine.process_identity import is_alive, machine_id, process_identity, start_ticks

CODE = (
    "import json; from dse.machine.process_identity import process_identity as p; "
    "print(json.dumps(p()), flush=True); input()"
)


def test_this_process_is_alive() -> None:
    identity = process_identity()
    assert identity["pid"] == os.getpid()
    assert is_alive(identity) is True
    assert is_alive(json.loads(json.dumps(identity))) is True
    assert process_identity() == identity


def test_another_process_while_it_runs_as_a_zombie_and_after() -> None:
    command = [sys.executable, "-c", CODE]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        identity = json.loads(child.stdout.readline())
        assert is_alive(identity) is True
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert is_alive(identity) is False  # not yet waited for
    assert is_alive(identity) is False


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"host": "another.example"}, None),
        ({"host": "another.example", "boot": "x"}, None),
        ({"boot": "00000000-0000-0000-0000-000000000000"}, False),
        ({"boot": "00000000-0000-0000-0000-000000000000", "machine": "another"}, None),
        ({"boot": "unknown"}, True),
        ({"namespace": "pid:[1]"}, None),
        ({"namespace": "pid:[1]", "boot": "x"}, False),
        ({"started": 1}, False),
        ({"started": "unknown"}, None),
        ({"pid": 0}, None),
        ({"pid": -1}, None),
        ({"pid": 2**80}, None),
        ({"pid": "x"}, None),
        ({"pid": 2**31 - 1}, False),
        ({"host": "unknown"}, None),
    ],
)
def test_identities(change: dict[str, str | int], expected: bool | None) -> None:
    assert is_alive({**process_identity(), **change}) is expected


def test_a_machine_is_told_by_more_than_its_name(tmp_path: Path) -> None:
    """Two with one name have caches of their own; without any, none is like another."""
    one, other = machine_id(tmp_path / "one"), machine_id(tmp_path / "other")
    assert one != other
    machine_id.cache_clear()
    assert machine_id(tmp_path / "one") == one
    (tmp_path / "file").touch()
    nowhere = machine_id(tmp_path / "file")
    machine_id.cache_clear()
    assert machine_id(tmp_path / "file") != nowhere


def test_a_user_without_a_place_for_a_cache_has_an_identity(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DSE_CACHE_DIR", "~nobody-of-this-name/cache")
    assert process_identity() == process_identity()
    assert is_alive(process_identity()) is True


def test_empty_identity_is_unknown() -> None:
    assert is_alive({}) is None


@pytest.mark.parametrize(
    ("stat", "expected"),
    [
        ("12 (a) b (c) S " + "0 " * 18 + "4711 0", 4711),
        ("12 (python) Z " + "0 " * 18 + "4711 0", None),
        ("12 (python) X " + "0 " * 18 + "4711 0", None),
        ("12 (python) S 1", None),
        ("", None),
    ],
)
def test_start_ticks(stat: str, expected: int | None) -> None:
    assert start_ticks(stat) == expected


@pytest.mark.skipif(not Path("/proc/uptime").exists(), reason="needs /proc")
def test_start_is_in_ticks_since_the_boot() -> None:
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    started = int(process_identity()["started"]) / os.sysconf("SC_CLK_TCK")
    assert 0 < started <= uptime


def test_processes_that_begin_at_once_are_of_one_machine(tmp_path: Path) -> None:
    ready = threading.Barrier(8)

    def first(number: int) -> str:
        ready.wait()
        return machine_id.__wrapped__(tmp_path / str(number))

    with ThreadPoolExecutor(8) as threads:
        for number in range(5):
            assert len(set(threads.map(first, [number] * 8))) == 1
