"""What else runs, by name."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from dse.machine._load import ProcessLoad, busiest_processes, list_processes, observe
from dse.machine.sample import ROOT, ticks_per_s

if TYPE_CHECKING:
    from tests.machines import Machine

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc")


def test_processes_of_a_recorded_machine(machine: Machine) -> None:
    rest = "S 1 1 1 0 -1 4194304 98 0 0 0 {user} 5 700 700 20 0 1 0 1 2 3"
    machine.put("proc/7/stat", f"7 (fire) (fox) {rest.format(user=15)}\n")
    machine.put("proc/8/stat", "8 (\x1b[31mred) " + rest.format(user=0))
    machine.put("proc/9/stat", "9 (cut sho")
    machine.put(f"proc/{os.getpid()}/stat", f"1 (self) {rest.format(user=1)}\n")
    unit = ticks_per_s()
    assert list_processes(machine.root) == {
        7: ProcessLoad("fire) (fox", 20 / unit),  # without its children, which count themselves
        8: ProcessLoad("?[31mred", 5 / unit),
    }


def test_the_three_busiest_are_named_with_their_share_of_one_cpu() -> None:
    before = {n: ProcessLoad(f"p{n}", 100.0) for n in range(5)}
    after = {n: ProcessLoad(f"p{n}", 100.0 + n / 10) for n in range(5)} | {
        9: ProcessLoad("new", 0.25)
    }
    assert busiest_processes(before, after, 1.0) == ("p4 40 %", "p3 30 %", "new 25 %")
    assert busiest_processes(before, after, 50.0) == ()


@LINUX
def test_a_busy_process_is_seen_on_the_machine_at_hand() -> None:
    spin = "print(flush=True)\nwhile True: pass"
    with subprocess.Popen([sys.executable, "-c", spin], stdout=subprocess.PIPE) as child:
        try:
            assert child.stdout is not None
            child.stdout.readline()
            before = list_processes(ROOT)
            seen = observe(ROOT, (), 0.5)
            after = list_processes(ROOT)
        finally:
            child.kill()
    assert after[child.pid].cpu_s > before[child.pid].cpu_s
    assert seen.conditions.other_load_percent is not None
    assert seen.conditions.other_load_percent > 0
