"""How much memory a worker may use: what is free, and what the control groups leave of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from dse.exploration.prepare import free_memory_bytes
from dse.machine.detect import detect
from tests.machines import Machine

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1 << 20
SYSTEM = replace(detect(), memory_bytes=16 << 30)


@pytest.mark.parametrize(
    ("free", "limit", "used", "expected"),
    [
        ("MemAvailable: 10444800 kB", "max", 0, 10200),
        ("MemAvailable: 10444800 kB", str(300 * MIB), 0, 300),
        ("MemAvailable: 10444800 kB", str(300 * MIB), 100, 200),
        ("MemAvailable: 102400 kB", str(300 * MIB), 100, 100),
        ("MemFree: 1 kB", str(300 * MIB), 0, 300),
        ("MemFree: 1 kB", "max", 0, 16384),
    ],
)
def test_the_least_of_what_is_free_and_what_the_group_leaves(
    tmp_path: Path, free: str, limit: str, used: int, expected: int
) -> None:
    machine = Machine(tmp_path).put("proc/meminfo", f"MemTotal: 16777216 kB\n{free}\n")
    machine.put("proc/self/cgroup", "0::/a\n").put("sys/fs/cgroup/a/memory.max", limit)
    machine.put("sys/fs/cgroup/a/memory.current", str(used * MIB))
    assert free_memory_bytes(SYSTEM, machine.root) == expected * MIB


def test_what_nobody_tells_is_no_limit(tmp_path: Path) -> None:
    assert free_memory_bytes(replace(SYSTEM, memory_bytes=None), tmp_path) == 0
