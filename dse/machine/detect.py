"""Detects the system of this process."""

from __future__ import annotations

import os
import platform
from dataclasses import replace

from dse.machine.system import UNKNOWN, System


def detect() -> System:
    """Detects the system of this process, within its affinity mask and quota."""
    if platform.system() == "Linux":
        from dse.machine._linux import read_linux

        return read_linux(cpus=frozenset(os.sched_getaffinity(0)))
    from dse.machine._macos import from_sysctl, read_macos

    if platform.system() == "Darwin":
        return read_macos()
    return replace(
        from_sysctl({}, platform.machine(), ""),
        cpu=platform.processor() or UNKNOWN,
        operating_system=platform.system() or UNKNOWN,
    )
