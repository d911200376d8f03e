"""Samples and conditions of a quiet machine, to be changed by the tests; a busy moment."""

from __future__ import annotations

import time

from dse.machine.conditions import Conditions
from dse.machine.sample import CpuTimes, Sample

START = Sample(
    offset_s=1e9,
    monotonic_s=500.0,
    cpus=(0, 1),
    times=CpuTimes(1000.0, 3000.0, 5.0),
    process_cpu_s=2.0,
    mhz=3000.0,
    throttles=4,
    cooling=False,
    swap_ins=90,
    quota_stops=7,
)
QUIET = Conditions(
    available_cpu_s=2.0,
    steal_percent=0.0,
    other_load_percent=1.0,
    mhz=3000.0,
    throttled=False,
    swapped=False,
    clock_jump_s=0.0,
)


def busy_loop(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
