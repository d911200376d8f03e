"""Samples of recorded machines, and of the one at hand."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dse.machine.sample import CpuTimes, cpu_seconds, cpu_times, sample, ticks_per_s
from tests.machine.samples import busy_loop

if TYPE_CHECKING:
    from tests.machines import Machine

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc")
STAT = """\
cpu  1000 20 300 4000 50 6 7 80 9 0
cpu0 400 10 100 2000 25 3 3 40 9 0
cpu1 100 5 100 500 5 1 2 20 0 0
cpu2 500 5 100 1500 20 2 2 20 0 0
intr 1 0 0
cpufoo 1
"""
CPUINFO = """\
processor\t: {n}
flags\t\t: fpu {flag}
cpu MHz\t\t: {mhz}

"""


def test_times_are_those_of_the_mask_without_what_counts_twice() -> None:
    unit = ticks_per_s()
    both = CpuTimes((400 + 10 + 100 + 3 + 3 + 609) / unit, (2025 + 1520) / unit, 60 / unit)
    assert cpu_times(STAT, (0, 2)) == both
    assert cpu_times(STAT, (1,)) == CpuTimes(208 / unit, 505 / unit, 20 / unit)


@pytest.mark.parametrize(
    "stat",
    ["", STAT.replace("cpu1", "cpu7"), STAT.replace("cpu1 100 5 100 500", "cpu1"), "cpu1 1 2\n"],
)
def test_times_of_a_cpu_that_is_not_listed_whole_are_unknown(stat: str) -> None:
    assert cpu_times(stat, (0, 1)) is None


def test_a_recorded_machine(machine: Machine) -> None:
    machine.put("proc/stat", STAT).put("proc/vmstat", "nr_free_pages 1\npswpin 42\npswpout 7\n")
    for n, khz in enumerate((2_000_000, 3_000_000, 9_000_000)):
        machine.cpu(n, "cpufreq/scaling_cur_freq", f"{khz}\n")
        machine.cpu(n, "thermal_throttle/core_throttle_count", f"{n}\n")
        machine.cpu(n, "thermal_throttle/package_throttle_count", "10\n")
    found = sample(machine.root, (0, 1))
    assert (found.mhz, found.throttles, found.swap_ins, found.cooling) == (2500, 21, 42, None)
    assert found.times == cpu_times(STAT, (0, 1))


def test_nothing_is_invented_where_nothing_is_known(machine: Machine) -> None:
    found = sample(machine.root, (0, 1))
    unknown = (found.times, found.mhz, found.throttles, found.cooling, found.swap_ins)
    assert (*unknown, found.quota_stops) == (None,) * 6


def test_periods_that_the_quota_cut_short_are_counted(machine: Machine) -> None:
    machine.put("proc/self/cgroup", "0::/a\n")
    machine.put("sys/fs/cgroup/a/cpu.stat", "nr_periods 200\nnr_throttled 162\n")
    assert sample(machine.root, (0,)).quota_stops == 162


def test_of_many_cpus_eight_tell_the_clock_and_all_the_times(machine: Machine) -> None:
    rows = "".join(f"cpu{n} 1 0 0 2 0 0 0 0 0 0\n" for n in range(65))
    machine.put("proc/stat", f"cpu  0\n{rows}")
    for n in range(65):
        machine.cpu(n, "cpufreq/scaling_cur_freq", f"{1000 * (n + 1)}")
    found = sample(machine.root, tuple(range(65)))
    assert found.mhz == sum(range(1, 66, 9)) / 8
    assert found.times is not None
    assert found.times.busy_s == 65 / ticks_per_s()


@pytest.mark.parametrize(
    ("flag", "mhz", "expected"),
    [("aperfmperf", "3700.250", 3700.25), ("tsc", "2596.124", None), ("aperfmperf", "x", None)],
)
def test_a_clock_in_cpuinfo_counts_where_it_is_measured(
    machine: Machine, flag: str, mhz: str, expected: float | None
) -> None:
    blocks = [CPUINFO.format(n=n, flag=flag, mhz=mhz) for n in range(2)]
    machine.put("proc/cpuinfo", "".join(blocks) + CPUINFO.format(n=2, flag=flag, mhz="1.0"))
    assert sample(machine.root, (0, 1)).mhz == expected


def test_a_device_that_cools_by_slowing_down(machine: Machine) -> None:
    folder = "sys/class/thermal/cooling_device"
    machine.put(f"{folder}0/type", "pwm-fan\n").put(f"{folder}0/cur_state", "3\n")
    machine.put(f"{folder}1/type", "thermal-cpufreq-0\n").put(f"{folder}1/cur_state", "0\n")
    assert sample(machine.root, (0,)).cooling is False
    machine.put(f"{folder}1/cur_state", "2\n")
    assert sample(machine.root, (0,)).cooling is True


@LINUX
def test_the_machine_at_hand_grows_busier() -> None:
    before = sample()
    busy_loop(0.1)
    after = sample()
    assert before.times is not None
    assert after.times is not None
    assert before.cpus == after.cpus == tuple(sorted(os.sched_getaffinity(0)))
    assert after.times.busy_s > before.times.busy_s
    assert after.process_cpu_s - before.process_cpu_s >= 0.1
    assert after.monotonic_s > before.monotonic_s


@LINUX
def test_the_cpu_time_of_a_process_with_its_children_until_it_is_gone() -> None:
    spin = "import time\nwhile time.process_time() < 0.2: pass"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {spin!r}])"
    command = [sys.executable, "-c", f"{code}; print(flush=True); input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        spent = cpu_seconds(child.pid)
        assert spent is not None
        assert spent >= 0.2 - 2 / ticks_per_s()
    assert cpu_seconds(child.pid) is None


def test_the_name_of_a_program_may_look_like_fields(machine: Machine) -> None:
    fields = "S " + " ".join(str(n) for n in range(4, 40))
    machine.put("proc/7/stat", f"7 (a) S 1 (b) {fields}\n").put("proc/8/stat", "8 (cut) S 1 2")
    assert cpu_seconds(7, machine.root) == (14 + 15 + 16 + 17) / ticks_per_s()
    assert cpu_seconds(8, machine.root) is None
    assert cpu_seconds(9, Path("/nowhere")) is None
