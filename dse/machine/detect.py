"""Detects the system of this process."""

from __future__ import annotations

import os
import platform

from dse.machine.system import UNKNOWN, System


def detect() -> System:
    """Detects the system of this process, within its affinity mask and quota."""
    if platform.system() == "Linux":
        from dse.machine._linux import read_linux

        return read_linux(cpus=frozenset(os.sched_getaffinity(0)))
    if platform.system() == "Darwin":
        from dse.machine._macos import read_macos

        return read_macos()
    return System(
        cpu=platform.processor() or UNKNOWN,
        architecture=platform.machine() or UNKNOWN,
        microcode=UNKNOWN,
        available_cpus=os.cpu_count() or 1,
        physical_cores=None,
        cpu_quota=None,
        max_mhz=(),
        memory_bytes=None,
        governor=UNKNOWN,
        virtualised=None,
        operating_system=platform.system() or UNKNOWN,
        kernel=platform.release() or UNKNOWN,
        cpu_vendor=UNKNOWN,
        cpu_family=UNKNOWN,
        cpu_model=UNKNOWN,
        stepping=UNKNOWN,
        caches=UNKNOWN,
        memory_limit_bytes=0,
    )
