"""The small files of recorded machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.machine.procfs import read_meminfo

if TYPE_CHECKING:
    from tests.machines import Machine


def test_memory_in_bytes_by_name(machine: Machine) -> None:
    assert read_meminfo(machine.root) == {}
    machine.put("proc/meminfo", "MemTotal:\nMemFree:   3 kB\nSwapFree: x kB\nHugePages_Free: 7\n")
    assert read_meminfo(machine.root) == {"MemFree": 3072}
