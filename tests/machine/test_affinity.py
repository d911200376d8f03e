"""The CPUs of a thread: what there is, keeping to some, and giving them back."""

from __future__ import annotations

import os
import sys
import threading

import pytest

from dse.machine.affinity import available_cpus, can_pin, pin_to

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a thread choose")


def test_there_is_a_cpu() -> None:
    cpus = available_cpus()
    assert cpus == sorted(set(cpus))
    assert cpus
    assert cpus[0] >= 0


def test_nothing_named_changes_nothing() -> None:
    before = available_cpus()
    with pin_to(()):
        assert available_cpus() == before


@LINUX
def test_a_thread_keeps_to_its_cpus_and_gives_them_back() -> None:
    if sys.platform == "linux":
        assert can_pin()
        before = os.sched_getaffinity(0)
        last = max(before)
        inherited: set[int] = set()
        with pin_to((last,)):
            assert os.sched_getaffinity(0) == {last}
            thread = threading.Thread(target=lambda: inherited.update(os.sched_getaffinity(0)))
            thread.start()
            thread.join()
        assert inherited == {last}
        assert os.sched_getaffinity(0) == before


@LINUX
def test_they_are_given_back_after_an_error() -> None:
    before = available_cpus()
    with pytest.raises(RuntimeError, match="in between"), pin_to((before[0],)):
        raise RuntimeError("in between")
    assert available_cpus() == before


@LINUX
def test_cpus_that_are_not_there_are_refused() -> None:
    before = available_cpus()
    with pytest.raises(OSError, match="Invalid argument"), pin_to((1_000_000,)):
        pass
    assert available_cpus() == before
