"""Checks of the CPUs there are and who shares them: SMT, affinity, quota, NUMA, hypervisor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.machine import cgroups
from dse.machine.check import Check
from dse.machine.clocks import CPU_FOLDER
from dse.machine.conditions import MAX_STEAL_PERCENT
from dse.machine.linux import parse_cpu_list
from dse.machine.procfs import read_text

if TYPE_CHECKING:
    from pathlib import Path

    from dse.machine.conditions import Conditions


def smt(root: Path, cpus: tuple[int, ...]) -> Check:
    """Two busy CPUs of one core slow each other down."""
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
    found = f"on: {len(cpus)} CPUs are {len(firsts)} cores"
    remedy = f"use one CPU of each core: taskset -c {','.join(map(str, firsts))} dse ..."
    return Check(name, "warning", found, remedy)


def affinity(root: Path, cpus: tuple[int, ...]) -> Check:
    """Whoever uses the other cores shares caches, memory and the clock's reserve."""
    name = "affinity mask"
    online = parse_cpu_list(read_text(root / CPU_FOLDER / "online"))
    if not online:
        return Check.hidden(name)
    unused = [n for n in online if not (_siblings(root, n) or {n}) & set(cpus)]
    found = f"{len(cpus)} of {len(online)} CPUs"
    remedy = "start dse without taskset or cpuset, or keep others off the remaining CPUs"
    return Check.judged(name, found, remedy, disturbs=bool(unused))


def quota(root: Path, cpus: tuple[int, ...]) -> Check:
    """A quota stops all threads for the rest of a period, mostly of 0.1 s, once it is used up."""
    name = "CPU quota"
    if not cgroups.are_visible(root):
        return Check.hidden(name)
    limit = cgroups.cpu_quota(root)
    if limit is None:
        return Check(name, "ok", "none")
    words = f"{limit:g} CPU{'' if limit == 1 else 's'}"
    if limit >= len(cpus):
        return Check(name, "ok", f"{words}, as many as used")
    return Check(
        name,
        "warning",
        f"{words}; stopped {cgroups.throttled_periods(root) or 0} times so far",
        "give the container whole CPUs (docker run --cpuset-cpus) instead of a share of time",
    )


def numa(root: Path, cpus: tuple[int, ...]) -> Check:
    """Memory of another node is slower, and which node it comes from varies."""
    name = "NUMA nodes"
    lists = sorted((root / "sys/devices/system/node").glob("node*/cpulist"))
    nodes = {
        path.parent.name.removeprefix("node"): parse_cpu_list(read_text(path)) for path in lists
    }
    if not nodes:
        return Check.hidden(name)
    mine = [node for node, members in nodes.items() if members & set(cpus)]
    found = f"the CPUs are of {len(mine)} of {len(nodes)}"
    remedy = f"numactl --cpunodebind={mine[0]} --membind={mine[0]} dse ..." if mine else ""
    return Check.judged(name, found, remedy, disturbs=len(mine) > 1)


def virtualisation(virtualised: bool | None, conditions: Conditions) -> Check:
    """A hypervisor may give the CPUs to others; what it takes is called steal."""
    name = "virtualisation"
    if virtualised is None:
        return Check.hidden(name)
    if not virtualised:
        return Check(name, "ok", "none")
    steal = conditions.steal_percent
    found = "a virtual machine" if steal is None else f"a virtual machine, {steal:.1f} % steal now"
    remedy = f"take one whose CPUs are its own; steal above {MAX_STEAL_PERCENT:g} % spoils a run"
    return Check(name, "warning", found, remedy)


def _siblings(root: Path, cpu: int) -> frozenset[int]:
    """The CPUs of the same core, with itself; empty if unknown."""
    return parse_cpu_list(read_text(root / CPU_FOLDER / f"cpu{cpu}/topology/thread_siblings_list"))
