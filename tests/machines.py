"""Recorded machines: folders with the files of ``/proc`` and ``/sys``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.machine._linux import read_linux

if TYPE_CHECKING:
    from pathlib import Path

    from dse.machine.system import System


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


MASKED = """\
processor\t: {n}
vendor_id\t: {vendor}
cpu family\t: {family}
model\t\t: {model}
model name\t: {name}
stepping\t: 1
microcode\t: 0x1000065
flags\t\t: fpu sse2 avx2 hypervisor {flags}

"""
ZEN_4 = {"vendor": "AuthenticAMD", "family": 25, "model": 17, "name": "AMD EPYC"}
ZEN_4 |= {"flags": "avx512f avx512_vnni avx512_bf16"}


def masked(
    folder: Path, l2: str = "1024K", quota: str = "max", memory: str = "max", **changes: object
) -> System:
    """A virtual machine of two CPUs whose name tells nothing.

    Args:
        folder: where its files go.
        l2: size of the second level of cache.
        quota: of its control group, in microseconds of each 100 ms.
        memory: of its control group, in bytes.
        changes: fields of `ZEN_4` that are others.
    """
    machine = Machine(folder).put("proc/meminfo", "MemTotal: 24684084 kB\n")
    texts = (MASKED.format(n=n, **{**ZEN_4, **changes}) for n in range(2))
    machine.put("proc/cpuinfo", "".join(texts))
    for n in range(2):
        machine.cache(n, 2, 2, "Unified", l2, f"{n}\n")
    machine.put("proc/self/cgroup", "0::/a\n").put("sys/fs/cgroup/a/memory.max", memory)
    machine.put("sys/fs/cgroup/a/cpu.max", f"{quota} 100000\n")
    return machine.read(range(2), "x86_64")
