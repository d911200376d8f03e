"""Recorded machines: folders with the files of ``/proc`` and ``/sys``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.system_linux import read_linux

if TYPE_CHECKING:
    from pathlib import Path

    from dse.system import System


class Machine:
    """A folder with the files of /proc and /sys that a machine has."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, path: str, text: str) -> Machine:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        return self

    def cpu(self, number: int, path: str, text: str) -> Machine:
        return self.put(f"sys/devices/system/cpu/cpu{number}/{path}", text)

    def cache(
        self, number: int, index: int, level: int, kind: str, size: str, shared: str
    ) -> Machine:
        """A cache of a CPU, as /sys has it."""
        fields = {"level": str(level), "type": kind, "size": size, "shared_cpu_list": shared}
        for name, text in fields.items():
            self.cpu(number, f"cache/index{index}/{name}", text)
        return self

    def read(self, cpus: range | set[int], machine: str) -> System:
        return read_linux(frozenset(cpus), self.root, machine)
