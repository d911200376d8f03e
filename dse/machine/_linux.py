"""Describes the system on Linux, from ``/proc`` and ``/sys``."""

from __future__ import annotations

import math
import platform
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from dse.core.checksums import digest
from dse.machine import _cpuinfo, cgroups
from dse.machine._cpu_caches import caches, size_text
from dse.machine._cpuinfo import join_known
from dse.machine._microarchitectures import microarchitecture
from dse.machine.instruction_sets import instruction_sets
from dse.machine.procfs import parse_number, read_meminfo, read_text
from dse.machine.system import UNKNOWN, System

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dse.machine._cpuinfo import CpuBlock

_VIRTUAL_VENDORS = (
    *("qemu", "kvm", "vmware", "innotek", "xen", "parallels", "bochs", "openstack", "nutanix"),
    *("google compute engine", "digitalocean", "hetzner", "alibaba cloud"),
)
"""Words that only virtual machines have in their DMI names; VirtualBox says innotek."""


def read_linux(cpus: frozenset[int], root: Path = Path("/"), machine: str = "") -> System:
    """Describes the system with these CPUs; an empty ``machine`` is this one's architecture."""
    paragraphs = _cpuinfo.parse_cpuinfo(read_text(root / "proc/cpuinfo"))
    shared = _cpuinfo.shared_fields(paragraphs)
    blocks = _cpuinfo.cpu_blocks(paragraphs)
    mine = [block for n, block in blocks.items() if n in cpus] or list(blocks.values()) or [shared]
    sys_cpu = root / "sys/devices/system/cpu"
    memory = read_meminfo(root).get("MemTotal") or None
    sve_bytes = read_text(root / "proc/sys/abi/sve_default_vector_length")
    quota = _quota(root, len(cpus))
    cpu = _cpuinfo.cpu_name(mine, _board(root, shared), _hybrid_kinds(root, cpus))
    vendor, family = _cpuinfo.vendor(mine), _cpuinfo.family(mine)
    model, stepping = _cpuinfo.model(mine), _cpuinfo.stepping(mine)
    return System(
        cpu=cpu,
        architecture=machine or platform.machine() or UNKNOWN,
        microcode=_cpuinfo.microcode(mine),
        available_cpus=len(cpus) if quota is None else max(1, math.floor(quota)),
        physical_cores=physical_cores(_each(sys_cpu, cpus, "topology/thread_siblings_list"), mine),
        cpu_quota=quota,
        max_mhz=clock_classes(_each(sys_cpu, cpus, "cpufreq/cpuinfo_max_freq")),
        memory_bytes=memory,
        governor=join_known(_each(sys_cpu, cpus, "cpufreq/scaling_governor")),
        virtualised=_virtualised(root, mine),
        operating_system=parse_os_release(read_text(root / "etc/os-release")),
        kernel=platform.release() or UNKNOWN,
        instruction_sets=instruction_sets(mine, parse_number(sve_bytes)),
        cpu_vendor=vendor,
        cpu_family=family,
        cpu_model=_machine_hash(root) if (cpu, model) == (UNKNOWN, UNKNOWN) else model,
        stepping=stepping,
        caches=caches(sys_cpu, sorted(cpus)) or _cache_size(mine),
        memory_limit_bytes=cgroups.memory_limit(root, memory),
        microarchitecture=microarchitecture(vendor, family, model, stepping),
    )


def _each(sys_cpu: Path, cpus: Iterable[int], file: str) -> list[str]:
    """The texts of a file of each CPU."""
    return [read_text(sys_cpu / f"cpu{n}" / file) for n in sorted(cpus)]


def _quota(root: Path, cpus: int) -> float | None:
    """The control groups' quota; None if it never stops the CPUs of the mask."""
    quota = cgroups.cpu_quota(root)
    return None if quota is not None and quota >= cpus else quota


def _machine_hash(root: Path) -> str:
    """Stands for the model of a CPU that is unknown: it is unique to this machine."""
    known = read_text(root / "etc/machine-id") or read_text(root / "proc/sys/kernel/hostname")
    return f"of machine {digest(['CPU', known])[:12]}" if known else UNKNOWN


def _cache_size(blocks: Iterable[CpuBlock]) -> str:
    """The size of the last level in ``/proc/cpuinfo``, used if ``/sys`` has no sizes."""
    return join_known(size_text(block.get("cache size", "")) for block in blocks)


def physical_cores(siblings: list[str], blocks: Iterable[CpuBlock]) -> int | None:
    """The number of cores, by the siblings of each CPU, or its fields if ``/sys`` has none."""
    if siblings and all(siblings):
        return len(set(siblings))
    cores = {(b.get("physical id", "0"), b["core id"]) for b in blocks if "core id" in b}
    return len(cores) or None


def clock_classes(max_khz: list[str]) -> tuple[tuple[int, int], ...]:
    """Highest clock in MHz and the number of CPUs that have it, fastest first."""
    known = [khz for text in max_khz if (khz := parse_number(text)) is not None]
    counted = Counter(round(khz / 1000) for khz in known)
    return tuple(sorted(counted.items(), reverse=True)) if len(known) == len(max_khz) else ()


def parse_cpu_list(text: str) -> frozenset[int]:
    """The numbers in a list such as ``0-3,8``; empty if it is not a list."""
    cpus: set[int] = set()
    for part in text.strip().split(","):
        first, _, last = part.partition("-")
        low, high = parse_number(first), parse_number(last or first)
        if low is None or high is None:
            return frozenset()
        cpus.update(range(low, high + 1))
    return frozenset(cpus)


def parse_os_release(text: str) -> str:
    """The pretty name of the distribution."""
    for line in text.splitlines():
        name, _, value = line.partition("=")
        if name == "PRETTY_NAME":
            return value.strip().strip("\"'") or UNKNOWN
    return "Linux"


def is_virtual(blocks: Iterable[CpuBlock], dmi: tuple[str, str], board: str) -> bool | None:
    """Whether the machine is virtual; None if unknown. The ``hypervisor`` flag of x86 settles it.

    The vendor and the product from DMI, and the names in the device tree, are empty where unknown.
    """
    flags = [block["flags"].split() for block in blocks if "flags" in block]
    if flags:
        return any("hypervisor" in each for each in flags)
    vendor, product = (text.lower() for text in dmi)
    if any(word in f"{vendor} {product}" for word in _VIRTUAL_VENDORS):
        return True
    if vendor == "amazon ec2":
        return not product.endswith(".metal")
    if vendor == "microsoft corporation":
        return product == "virtual machine"
    if "dummy-virt" in board:
        return True
    return False if vendor or board else None


def _virtualised(root: Path, blocks: Iterable[CpuBlock]) -> bool | None:
    if (root / "proc/device-tree/hypervisor").exists():
        return True
    dmi = root / "sys/class/dmi/id"
    names = read_text(dmi / "sys_vendor"), read_text(dmi / "product_name")
    tree = root / "proc/device-tree"
    return is_virtual(blocks, names, read_text(tree / "compatible") or read_text(tree / "model"))


def _board(root: Path, shared: CpuBlock) -> str | None:
    model = read_text(root / "proc/device-tree/model")
    if model and "dummy-virt" not in model:
        return model
    return shared.get("Model") or shared.get("Hardware")


def _hybrid_kinds(root: Path, cpus: frozenset[int]) -> dict[str, int]:
    """Number of CPUs of each kind on Intel's hybrid CPUs, known from their performance counters."""
    kinds = {"performance": "cpu_core", "efficiency": "cpu_atom"}
    lists = {k: read_text(root / f"sys/devices/{folder}/cpus") for k, folder in kinds.items()}
    if not all(lists.values()):
        return {}
    return {kind: len(parse_cpu_list(text) & cpus) for kind, text in lists.items()}
