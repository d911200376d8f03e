"""Checks everything on the machine that may disturb a measurement, and gives remedies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from dse.core.wording import format_count
from dse.machine import cgroups
from dse.machine._linux import parse_cpu_list
from dse.machine._load import observe
from dse.machine.affinity import available_cpus
from dse.machine.conditions import MAX_OTHER_LOAD_PERCENT, MAX_STEAL_PERCENT
from dse.machine.procfs import read_meminfo, read_text
from dse.machine.sample import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from dse.machine._load import LoadObservation
    from dse.machine.conditions import Conditions
    from dse.machine.sample import Sample

State = Literal["ok", "warning", "unknown"]
HIDDEN = "the system does not show it"
CPU_FOLDER = "sys/devices/system/cpu"
NO_TURBO = f"{CPU_FOLDER}/intel_pstate/no_turbo"
BOOST = f"{CPU_FOLDER}/cpufreq/boost"
HUGE_PAGES = "sys/kernel/mm/transparent_hugepage/enabled"
OBSERVATION_S = 1.0
"""Duration of the observation: long enough for counters that tick every 10 ms."""


@dataclass(frozen=True, slots=True)
class Check:
    """The result of a check for a possible disturbance.

    Attributes:
        name: what was checked.
        state: whether it disturbs; ``unknown`` if the system hides it, as containers do.
        found: what was found.
        remedy: what the user can do; empty if there is nothing to do.
    """

    name: str
    state: State
    found: str
    remedy: str = ""

    @classmethod
    def hidden(cls, name: str) -> Check:
        """The result if the system hides what should be checked."""
        return cls(name, "unknown", HIDDEN)

    @classmethod
    def judge(cls, name: str, found: str, remedy: str, *, disturbs: bool) -> Check:
        """The result of a check; it has the remedy only if it disturbs."""
        return cls(name, "warning", found, remedy) if disturbs else cls(name, "ok", found)


def check_machine(
    virtualised: bool | None,
    root: Path = ROOT,
    mask: tuple[int, ...] = (),
    seconds: float = OBSERVATION_S,
) -> list[Check]:
    """Checks the machine, which takes about a second.

    Args:
        virtualised: whether it is a virtual machine; None if unknown.
        root: the folder that contains ``proc`` and ``sys``.
        mask: the CPUs that measurements may use; empty for those of this process.
        seconds: how long to observe the load.
    """
    mask = mask or tuple(available_cpus())
    seen = observe(root, mask, seconds)
    return [
        check_other_load(seen),
        check_governor(root, mask),
        check_turbo(root),
        check_heat(seen.conditions, seen.last),
        check_power(root),
        check_smt(root, mask),
        check_affinity(root, mask),
        check_quota(root, mask),
        check_numa(root, mask),
        check_virtualisation(virtualised, seen.conditions),
        check_swap(root, seen.conditions),
        check_huge_pages(root),
    ]


def check_other_load(seen: LoadObservation) -> Check:
    """Checks the load: other programs take CPU time from what is measured."""
    name = "other load"
    percent = seen.conditions.other_load_percent
    if percent is None:
        return Check.hidden(name)
    cpus = len(seen.last.cpus)
    found = f"{percent:.0f} % of {format_count(cpus, 'CPU')}"
    if seen.busiest:
        found += f" (of one CPU: {', '.join(seen.busiest)})"
    return Check.judge(
        name, found, "end it or wait until it ends", disturbs=percent > MAX_OTHER_LOAD_PERCENT
    )


def check_governor(root: Path, cpus: tuple[int, ...]) -> Check:
    """Checks the governor: all but ``performance`` make the clock follow the load with a delay."""
    name = "frequency governor"
    files = (root / CPU_FOLDER / f"cpu{n}/cpufreq/scaling_governor" for n in cpus)
    governors = sorted({read_text(file) for file in files} - {""})
    if not governors:
        return Check.hidden(name)
    remedy = "sudo cpupower frequency-set -g performance"
    return Check.judge(name, ", ".join(governors), remedy, disturbs=governors != ["performance"])


def check_turbo(root: Path) -> Check:
    """Checks turbo: it makes the clock depend on the temperature and on the other cores."""
    name = "turbo"
    for file, on, off in ((NO_TURBO, "0", "1"), (BOOST, "1", "0")):
        found = read_text(root / file)
        if found in (on, off):
            remedy = f"where numbers must compare over hours: echo {off} | sudo tee /{file}"
            return Check.judge(name, "on" if found == on else "off", remedy, disturbs=found == on)
    return Check.hidden(name)


def check_heat(conditions: Conditions, last: Sample) -> Check:
    """Checks whether heat slows the CPUs down."""
    name = "thermal throttling"
    if last.throttles is None and last.cooling is None:
        return Check.hidden(name)
    so_far = (
        ""
        if last.throttles is None
        else f"; {format_count(last.throttles, 'time')} since the system started"
    )
    return Check.judge(
        name,
        f"now{so_far}" if conditions.throttled else f"not now{so_far}",
        "let it cool down, and see to fans and dust",
        disturbs=conditions.throttled,
    )


def check_power(root: Path) -> Check:
    """Checks the power supply: on battery most machines lower the clock."""
    name = "power supply"
    folder = root / "sys/class/power_supply"
    if not folder.is_dir():
        return Check.hidden(name)
    # The battery of a mouse has the scope "Device".
    supplies = [s for s in sorted(folder.iterdir()) if read_text(s / "scope") != "Device"]
    batteries = [s for s in supplies if read_text(s / "type") == "Battery"]
    plugged = any(read_text(s / "online") == "1" for s in supplies)
    drained = any(read_text(s / "status") == "Discharging" for s in batteries)
    if not batteries:
        return Check(name, "ok", "no battery")
    on_battery = drained and not plugged
    found = "battery" if on_battery else "mains"
    return Check.judge(name, found, "plug it in", disturbs=on_battery)


def check_smt(root: Path, cpus: tuple[int, ...]) -> Check:
    """Checks SMT: two busy CPUs of one core slow each other down."""
    name = "SMT"
    mine = [_siblings(root, n) for n in cpus]
    active = read_text(root / CPU_FOLDER / "smt/active")
    if not any(mine) or not active:
        return Check.hidden(name)
    if active == "0":
        return Check(name, "ok", "off")
    firsts = sorted({min(siblings or {n}) for n, siblings in zip(cpus, mine, strict=True)})
    if len(firsts) == len(cpus):
        return Check(name, "ok", "on, but one CPU of each core is used")
    found = f"on: {len(cpus)} CPUs are {format_count(len(firsts), 'core')}"
    remedy = f"use one CPU of each core: taskset -c {','.join(map(str, firsts))} dse ..."
    return Check(name, "warning", found, remedy)


def check_affinity(root: Path, cpus: tuple[int, ...]) -> Check:
    """Checks the mask: programs on other cores share caches, memory and the clock's headroom."""
    name = "affinity mask"
    online = parse_cpu_list(read_text(root / CPU_FOLDER / "online"))
    if not online:
        return Check.hidden(name)
    unused = [n for n in online if not (_siblings(root, n) or {n}) & set(cpus)]
    found = f"{len(cpus)} of {format_count(len(online), 'CPU')}"
    remedy = "start dse without taskset or cpuset, or keep other programs off the remaining CPUs"
    return Check.judge(name, found, remedy, disturbs=bool(unused))


def check_quota(root: Path, cpus: tuple[int, ...]) -> Check:
    """Checks the quota: once used up, it stops all threads for the rest of a period (0.1 s)."""
    name = "CPU quota"
    if not cgroups.are_visible(root):
        return Check.hidden(name)
    limit = cgroups.cpu_quota(root)
    if limit is None:
        return Check(name, "ok", "none")
    words = format_count(limit, "CPU")
    if limit >= len(cpus):
        return Check(name, "ok", f"{words}, as many as used")
    return Check(
        name,
        "warning",
        f"{words}; stopped {format_count(cgroups.throttled_periods(root) or 0, 'time')} so far",
        "give the container whole CPUs (docker run --cpuset-cpus) instead of a share of time",
    )


def check_numa(root: Path, cpus: tuple[int, ...]) -> Check:
    """Checks NUMA: another node's memory is slower, and the node of the memory varies."""
    name = "NUMA nodes"
    lists = sorted((root / "sys/devices/system/node").glob("node*/cpulist"))
    nodes = {
        path.parent.name.removeprefix("node"): parse_cpu_list(read_text(path)) for path in lists
    }
    if not nodes:
        return Check.hidden(name)
    mine = [node for node, members in nodes.items() if members & set(cpus)]
    found = f"the CPUs belong to {len(mine)} of {len(nodes)}"
    remedy = f"numactl --cpunodebind={mine[0]} --membind={mine[0]} dse ..." if mine else ""
    return Check.judge(name, found, remedy, disturbs=len(mine) > 1)


def check_virtualisation(virtualised: bool | None, conditions: Conditions) -> Check:
    """Checks the hypervisor: it may give CPU time to others, which is called steal."""
    name = "virtualisation"
    if virtualised is None:
        return Check.hidden(name)
    if not virtualised:
        return Check(name, "ok", "none")
    steal = conditions.steal_percent
    found = "a virtual machine" if steal is None else f"a virtual machine, {steal:.1f} % steal now"
    remedy = f"use one with dedicated CPUs; steal above {MAX_STEAL_PERCENT:g} % spoils a run"
    return Check(name, "warning", found, remedy)


def check_swap(root: Path, conditions: Conditions) -> Check:
    """Checks swap: fetching a page takes as long as many inferences."""
    name = "swap"
    sizes = read_meminfo(root)
    total, free = sizes.get("SwapTotal"), sizes.get("SwapFree")
    if total is None or free is None:
        return Check.hidden(name)
    if not total:
        return Check(name, "ok", "none")
    used = total - free
    now = ", being fetched from now" if conditions.swapped else ""
    return Check.judge(
        name,
        f"{used / 2**30:.1f} of {total / 2**30:.1f} GiB in use{now}",
        "end what fills the memory, then: sudo swapoff -a",
        disturbs=bool(used) or conditions.swapped,
    )


def check_huge_pages(root: Path) -> Check:
    """Checks huge pages: if they are always on, some processes get them and others don't."""
    name = "transparent huge pages"
    chosen = [word for word in read_text(root / HUGE_PAGES).split() if word.startswith("[")]
    if not chosen:
        return Check.hidden(name)
    found = chosen[0].strip("[]")
    remedy = f"echo madvise | sudo tee /{HUGE_PAGES}"
    return Check.judge(name, found, remedy, disturbs=found == "always")


def _siblings(root: Path, cpu: int) -> frozenset[int]:
    """The CPUs of the same core, including this one; empty if unknown."""
    return parse_cpu_list(read_text(root / CPU_FOLDER / f"cpu{cpu}/topology/thread_siblings_list"))
