"""What Linux tells of the CPU, in ``/proc`` and ``/sys``."""

from __future__ import annotations

import math
import platform
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from dse.instruction_sets import instruction_sets
from dse.procfs import number, read
from dse.system import UNKNOWN, System
from dse.system_arm import core_name, core_revision

Block = Mapping[str, str]
"""A paragraph of ``/proc/cpuinfo``: value by field."""

_VIRTUAL_VENDORS = (
    "qemu",
    "kvm",
    "vmware",
    "innotek",  # VirtualBox
    "xen",
    "parallels",
    "bochs",
    "google compute engine",
    "openstack",
    "digitalocean",
    "hetzner",
    "alibaba cloud",
    "nutanix",
)
"""Words in a machine's DMI names that only virtual machines have."""


def read_linux(cpus: frozenset[int], root: Path = Path("/"), machine: str = "") -> System:
    """Reads the system.

    Args:
        cpus: the CPUs of the affinity mask.
        root: folder that holds ``proc`` and ``sys``.
        machine: the architecture; that of this interpreter's machine if empty.
    """
    cpuinfo = read(root / "proc/cpuinfo")
    blocks = parse_cpuinfo(cpuinfo)
    mine = [b for b in blocks if number(b.get("processor", "")) in cpus] or blocks
    sys_cpu = root / "sys/devices/system/cpu"
    quota = _quota(root)
    return System(
        cpu=cpu_name(mine, _board(root, blocks), _hybrid_kinds(root, cpus)),
        architecture=machine or platform.machine() or UNKNOWN,
        microcode=microcode(mine),
        available_cpus=len(cpus) if quota is None else min(len(cpus), max(1, math.ceil(quota))),
        physical_cores=physical_cores(
            [read(sys_cpu / f"cpu{n}/topology/thread_siblings_list") for n in sorted(cpus)], mine
        ),
        cpu_quota=quota,
        max_mhz=clock_classes(
            [read(sys_cpu / f"cpu{n}/cpufreq/cpuinfo_max_freq") for n in sorted(cpus)]
        ),
        memory_bytes=parse_memory(read(root / "proc/meminfo")),
        governor=_joined(read(sys_cpu / f"cpu{n}/cpufreq/scaling_governor") for n in cpus),
        virtualised=_virtualised(root, mine),
        operating_system=parse_os_release(read(root / "etc/os-release")),
        kernel=platform.release() or UNKNOWN,
        instruction_sets=instruction_sets(mine),
    )


def parse_cpuinfo(text: str) -> list[dict[str, str]]:
    """The paragraphs of ``/proc/cpuinfo``. On Arm boards the last one may be the board's."""
    blocks: list[dict[str, str]] = []
    for paragraph in text.split("\n\n"):
        pairs = (line.partition(":") for line in paragraph.splitlines() if ":" in line)
        block = {name.strip(): value.strip() for name, _, value in pairs}
        if block:
            blocks.append(block)
    return blocks


def cpu_name(blocks: list[dict[str, str]], board: str | None, kinds: Mapping[str, int]) -> str:
    """The model of the CPUs in ``blocks``, with the board's and, where they differ, the mix.

    Args:
        blocks: of the CPUs that count.
        board: of an Arm machine, where known: boards with the same cores differ in clock and
            memory.
        kinds: number of CPUs by kind, on a CPU whose kinds share one model name.
    """
    names = Counter(name for block in blocks if (name := _block_name(block)))
    if not names:
        return board or UNKNOWN
    name = " + ".join(f"{count} x {name}" for name, count in sorted(names.items()))
    if len(names) == 1:
        name = next(iter(names))
    if len(kinds) > 1:
        name += " (" + " + ".join(f"{count} {kind}" for kind, count in kinds.items()) + ")"
    return f"{name} ({board})" if board else name


def _block_name(block: Block) -> str | None:
    # First the core's number: the model name of 32-bit Arm is the same for many cores.
    if name := core_name(block):
        return name
    for field in ("model name", "cpu model", "uarch", "cpu"):
        if value := " ".join(block.get(field, "").split()):
            return value
    return None


def microcode(blocks: list[dict[str, str]]) -> str:
    """The microcode revision, or variant and revision of Arm cores."""
    return _joined(block.get("microcode") or core_revision(block) or "" for block in blocks)


def physical_cores(siblings: list[str], blocks: list[dict[str, str]]) -> int | None:
    """The number of cores.

    Args:
        siblings: for each CPU the list of those that share its core, as in ``/sys``.
        blocks: of the same CPUs, used where ``/sys`` has no such lists.
    """
    if siblings and all(siblings):
        return len(set(siblings))
    cores = {(b.get("physical id", "0"), b["core id"]) for b in blocks if "core id" in b}
    return len(cores) or None


def clock_classes(max_khz: list[str]) -> tuple[tuple[int, int], ...]:
    """Highest clock in MHz and the number of CPUs that have it, fastest first."""
    known = [khz for text in max_khz if (khz := number(text)) is not None]
    counted = Counter(round(khz / 1000) for khz in known)
    return tuple(sorted(counted.items(), reverse=True)) if len(known) == len(max_khz) else ()


def parse_memory(meminfo: str) -> int | None:
    """``MemTotal`` in bytes."""
    for line in meminfo.splitlines():
        name, _, value = line.partition(":")
        if name == "MemTotal" and (kib := number(value.split()[0] if value.split() else "")):
            return kib * 1024
    return None


def parse_quota(cpu_max: str) -> float | None:
    """CPUs' worth of time in a control group's ``cpu.max``; None for no limit."""
    fields = cpu_max.split()
    if len(fields) != 2:
        return None
    quota, period = number(fields[0]), number(fields[1])
    return quota / period if quota and period else None


def parse_cpu_list(text: str) -> frozenset[int]:
    """The numbers in a list such as ``0-3,8``; empty where it is none."""
    cpus: set[int] = set()
    for part in text.strip().split(","):
        first, _, last = part.partition("-")
        low, high = number(first), number(last or first)
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


def is_virtual(blocks: list[dict[str, str]], dmi: tuple[str, str], board: str) -> bool | None:
    """Whether the machine is a virtual one; None where nothing tells.

    Args:
        blocks: of ``/proc/cpuinfo``; the ``hypervisor`` flag of x86 settles it.
        dmi: names of the maker and the product; empty where there are none.
        board: names in the device tree; empty where there is none.
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


def _virtualised(root: Path, blocks: list[dict[str, str]]) -> bool | None:
    if (root / "proc/device-tree/hypervisor").exists():
        return True
    dmi = root / "sys/class/dmi/id"
    names = read(dmi / "sys_vendor"), read(dmi / "product_name")
    tree = root / "proc/device-tree"
    return is_virtual(blocks, names, read(tree / "compatible") or read(tree / "model"))


def _board(root: Path, blocks: list[dict[str, str]]) -> str | None:
    model = read(root / "proc/device-tree/model")
    if model and "dummy-virt" not in model:
        return model
    return next((b["Model"] for b in blocks if b.get("Model") and "processor" not in b), None)


def _hybrid_kinds(root: Path, cpus: frozenset[int]) -> dict[str, int]:
    """CPUs of each kind on Intel's hybrid CPUs, whose kinds have performance counters apart."""
    kinds = {"performance": "cpu_core", "efficiency": "cpu_atom"}
    lists = {k: read(root / f"sys/devices/{folder}/cpus") for k, folder in kinds.items()}
    if not all(lists.values()):
        return {}
    return {kind: len(parse_cpu_list(text) & cpus) for kind, text in lists.items()}


def _quota(root: Path) -> float | None:
    """The least quota on the way from the process's control group to the top."""
    quotas = [parse_quota(read(group / "cpu.max")) for group in control_groups(root)]
    return min((quota for quota in quotas if quota is not None), default=None)


def control_groups(root: Path, controller: str = "") -> list[Path]:
    """The control groups that a process belongs to, from its own to the top.

    Args:
        root: folder that holds ``proc`` and ``sys``.
        controller: of the first version's hierarchy to look in; empty for the second version.
    """
    own = ""
    for line in read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if controller in controllers.split(","):
            own = path.strip("/")
    top = root / "sys/fs/cgroup" / controller
    folder = top / own if ".." not in own else top
    return [folder, *(parent for parent in folder.parents if parent.is_relative_to(top))]


def _joined(values: Iterable[str]) -> str:
    """The different values, where they are known."""
    return "+".join(sorted({value for value in values if value})) or UNKNOWN
