"""The turn to measure: one process at a time, each in its turn, freed by any end."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from contextlib import ExitStack
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from dse.machine.measuring_lock import MEASURING, is_measured, measuring_lock, turn_given_up

if TYPE_CHECKING:
    from pathlib import Path

HOLD = """
import sys
from dse.machine.measuring_lock import measuring_lock
with measuring_lock(waits=lambda: print("waits", flush=True)):
    print("has it", flush=True)
    sys.stdin.readline()
print("had it", flush=True)
"""
TAKE_TURNS = """
import sys, time
from pathlib import Path
from dse.machine.measuring_lock import measuring_lock
for _ in range(8):
    with measuring_lock():
        with Path("order").open("a") as file:
            print(sys.argv[1], file=file)
        time.sleep(0.1)
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def holder(stack: ExitStack) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", HOLD]
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
    return stack.enter_context(process)


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().rstrip()


def test_others_can_see_whether_something_is_measured() -> None:
    assert not is_measured()
    with measuring_lock():
        assert is_measured()
        with turn_given_up():
            assert not is_measured()
        assert is_measured()
    assert not is_measured()


def test_it_comes_at_once_where_nobody_measures_and_again() -> None:
    for _ in range(2):
        with measuring_lock(waits=lambda: pytest.fail("nobody has it")) as come:
            assert come


def test_others_wait_until_the_holder_is_done() -> None:
    with ExitStack() as stack:
        first, second = holder(stack), holder(stack)
        said = {line(first): first, line(second): second}
        assert set(said) == {"has it", "waits"}
        asked: list[bool] = []
        with measuring_lock(stop=lambda: bool(asked), waits=lambda: asked.append(True)) as come:
            assert not come
        said["has it"].communicate("\n")
        assert line(said["waits"]) == "has it"
        assert said["waits"].communicate("\n")[0] == "had it\n"


def test_a_killed_holder_keeps_nobody_waiting() -> None:
    with ExitStack() as stack:
        first = holder(stack)
        assert line(first) == "has it"
        second = holder(stack)
        assert line(second) == "waits"
        first.kill()
        assert line(second) == "has it"
        second.kill()
        second.wait()
    with measuring_lock() as come:
        assert come


def test_who_waits_comes_before_who_had_it(temporary: Path) -> None:
    with ExitStack() as stack:
        for name in "ab":
            command = [sys.executable, "-c", TAKE_TURNS, name]
            stack.enter_context(subprocess.Popen(command, cwd=temporary))
    order = (temporary / "order").read_text().split()
    assert order.count("a") == order.count("b") == 8
    begun = max(order.index("a"), order.index("b"))
    shared = order[begun : begun + 8]  # both had turns to come then
    assert all(one != other for one, other in pairwise(shared))


def test_the_turn_is_given_up_for_a_while() -> None:
    with ExitStack() as stack, measuring_lock() as come:
        other = holder(stack)
        assert line(other) == "waits"
        with turn_given_up():
            assert not come
            assert line(other) == "has it"
            assert other.communicate("\n")[0] == "had it\n"
        assert come
    with turn_given_up():
        pass  # there is none


def test_a_turn_that_is_not_wanted_any_more_does_not_come_back() -> None:
    stopped: list[bool] = []
    with ExitStack() as stack, measuring_lock(stop=lambda: bool(stopped)) as come:
        with turn_given_up():
            assert line(holder(stack)) == "has it"
            stopped.append(True)
        assert not come


def test_the_lock_can_be_taken_by_every_user(temporary: Path) -> None:
    with measuring_lock():
        assert (temporary / MEASURING).stat().st_mode & 0o444 == 0o444


def test_something_else_in_the_place_of_a_lock(temporary: Path, own_cache: Path) -> None:
    (temporary / "target").touch()
    (temporary / MEASURING).symlink_to(temporary / "target")
    with measuring_lock() as come:
        assert come
    assert (own_cache / MEASURING).is_file()
