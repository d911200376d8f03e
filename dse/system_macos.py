"""What macOS tells of the CPU, through ``sysctl``."""

from __future__ import annotations

import os
import platform
import subprocess
from typing import TYPE_CHECKING

from dse.system import UNKNOWN, System

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMES = (
    "machdep.cpu.brand_string",
    "machdep.cpu.microcode_version",
    "hw.logicalcpu",
    "hw.physicalcpu",
    "hw.memsize",
    "kern.hv_vmm_present",
)


def read_macos() -> System:
    """Reads the system."""
    try:
        # A name that this CPU does not have makes the exit code 1 and leaves the others printed.
        answer = subprocess.run(
            ["/usr/sbin/sysctl", *_NAMES], capture_output=True, text=True, timeout=10, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        answer = ""
    return from_sysctl(parse_sysctl(answer), platform.machine(), platform.mac_ver()[0])


def parse_sysctl(text: str) -> dict[str, str]:
    """Value by name, of lines ``name: value``."""
    pairs = (line.partition(":") for line in text.splitlines() if ":" in line)
    return {name.strip(): value.strip() for name, _, value in pairs}


def from_sysctl(values: Mapping[str, str], machine: str, version: str) -> System:
    """The system that these values describe. macOS has neither affinity masks nor governors."""
    virtual = values.get("kern.hv_vmm_present")
    return System(
        cpu=values.get("machdep.cpu.brand_string") or UNKNOWN,
        architecture=machine or UNKNOWN,
        microcode=values.get("machdep.cpu.microcode_version") or UNKNOWN,
        available_cpus=_number(values.get("hw.logicalcpu")) or os.cpu_count() or 1,
        physical_cores=_number(values.get("hw.physicalcpu")),
        cpu_quota=None,
        max_mhz=(),
        memory_bytes=_number(values.get("hw.memsize")),
        governor=UNKNOWN,
        virtualised=virtual == "1" if virtual in ("0", "1") else None,
        operating_system=f"macOS {version}".strip(),
        kernel=platform.release() or UNKNOWN,
    )


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() else None
