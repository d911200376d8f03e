"""A cheap sample of the machine's activity, taken between runs and never during one.

Standard library only. Values that the system does not show (on macOS, most of them) are None.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from dse.machine import cgroups
from dse.machine._cpuinfo import parse_cpuinfo
from dse.machine.affinity import available_cpus
from dse.machine.clock_jump import offset_s
from dse.machine.procfs import parse_number, read_text

ROOT = Path("/")
MAX_CPUS_READ = 8
"""Clocks and throttle counters are read of this many CPUs: each is a file, and some take 10 us."""
MAX_CPUINFO_BYTES = 1 << 15
"""Largest part of ``/proc/cpuinfo`` that is read, enough for about twenty CPUs; all of it takes
milliseconds on a large server."""
COOLING_DEVICES = ("Processor", "thermal-cpufreq", "cpufreq", "cpuidle", "thermal-idle")
"""Prefixes of the names of cooling devices that slow a CPU down (Linux, drivers/thermal)."""


@dataclass(frozen=True, slots=True)
class CpuTimes:
    """Seconds that CPUs have spent since the start of the system, summed over the CPUs."""

    busy_s: float
    idle_s: float
    steal_s: float


@dataclass(frozen=True, slots=True)
class Sample:
    """The machine's activity at one moment.

    Attributes:
        monotonic_s: time of the monotonic clock, which nobody can set.
        offset_s: how far the system's clock is ahead of it.
        cpus: CPUs of the affinity mask.
        times: times of these CPUs.
        process_cpu_s: CPU time of this process, without its children.
        mhz: mean clock of the CPUs of the mask, of eight among them if there are more.
        throttles: how often heat has slowed these CPUs or their package down.
        cooling: whether a cooling device slows a CPU down now.
        swap_ins: pages fetched from the swap since the start of the system.
        quota_stops: periods in which the control groups' quota was used up before their end.
    """

    monotonic_s: float
    offset_s: float
    cpus: tuple[int, ...]
    times: CpuTimes | None
    process_cpu_s: float
    mhz: float | None
    throttles: int | None
    cooling: bool | None
    swap_ins: int | None
    quota_stops: int | None


def sample(root: Path = ROOT, cpus: tuple[int, ...] = ()) -> Sample:
    """Reads the counters, which takes a fraction of a millisecond.

    Args:
        root: the folder that contains ``proc`` and ``sys``.
        cpus: CPUs to sample; empty for those of the affinity mask.
    """
    cpus = cpus or tuple(available_cpus())
    asked = cpus[:: -(-len(cpus) // MAX_CPUS_READ)]
    return Sample(
        monotonic_s=time.monotonic(),
        offset_s=offset_s(),
        cpus=cpus,
        times=cpu_times(read_text(root / "proc/stat"), cpus),
        process_cpu_s=time.process_time(),
        mhz=_mhz(root, asked),
        throttles=_throttles(root, asked),
        cooling=_cooling(root),
        swap_ins=_swap_ins(read_text(root / "proc/vmstat")),
        quota_stops=cgroups.throttled_periods(root),
    )


def cpu_seconds(pid: int, root: Path = ROOT) -> float | None:
    """CPU time of a process and of the children that it has waited for.

    None if the process is gone, and on systems without ``/proc``.
    """
    ticks = process_ticks(read_text(root / f"proc/{pid}/stat"))
    return sum(ticks) / ticks_per_s() if ticks else None


def process_ticks(stat: str) -> tuple[int, ...] | None:
    """Ticks of a process in user and system mode, then of its children; None in a cut-off text.

    Source: proc_pid_stat(5), fields 14 to 17, counted from the end of the program's name, which
    may hold anything.
    """
    fields = stat.rpartition(")")[2].split()[11:15]
    ticks = tuple(n for n in map(parse_number, fields) if n is not None)
    return ticks if len(ticks) == 4 else None


def ticks_per_s() -> int:
    """The unit of the kernel's counters of CPU time."""
    return os.sysconf("SC_CLK_TCK")


def cpu_times(stat: str, cpus: tuple[int, ...]) -> CpuTimes | None:
    """The times of some CPUs, from the text of ``/proc/stat``; None if a CPU is missing.

    A guest's time counts as its host's user time already, so the last two fields are left out.
    """
    found = []
    for line in stat.splitlines():
        name, *fields = line.split()
        if not name.startswith("cpu"):
            break  # the lines of the CPUs come first
        if parse_number(name[3:]) in cpus:
            found.append([parse_number(field) or 0 for field in fields[:8]])
    if len(found) < len(cpus) or any(len(fields) < 8 for fields in found):
        return None
    user, nice, system, idle, iowait, irq, softirq, steal = map(sum, zip(*found, strict=True))
    unit = ticks_per_s()
    busy = user + nice + system + irq + softirq
    return CpuTimes(busy / unit, (idle + iowait) / unit, steal / unit)


def _mhz(root: Path, cpus: tuple[int, ...]) -> float | None:
    folder = root / "sys/devices/system/cpu"
    clocks = [parse_number(read_text(folder / f"cpu{n}/cpufreq/scaling_cur_freq")) for n in cpus]
    known = [khz / 1000 for khz in clocks if khz]
    if not known:
        known = cpuinfo_clocks(_read_beginning(root / "proc/cpuinfo"), cpus)
    return sum(known) / len(known) if known else None


def cpuinfo_clocks(cpuinfo: str, cpus: tuple[int, ...]) -> list[float]:
    """Clocks of some CPUs in MHz, from the text of ``/proc/cpuinfo``.

    Only CPUs that count their cycles (``aperfmperf``) are included: for others the kernel prints
    the nominal clock.
    """
    clocks = []
    for fields in parse_cpuinfo(cpuinfo):
        whole, _, fraction = fields.get("cpu MHz", "").partition(".")
        mine = parse_number(fields.get("processor", "")) in cpus
        if (
            mine
            and "aperfmperf" in fields.get("flags", "").split()
            and parse_number(whole + fraction)
        ):
            clocks.append(float(f"{whole}.{fraction or 0}"))
    return clocks


def _read_beginning(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as stream:
            return stream.read(MAX_CPUINFO_BYTES)
    except OSError:
        return ""


def _throttles(root: Path, cpus: tuple[int, ...]) -> int | None:
    folder = root / "sys/devices/system/cpu"
    counts = [
        parse_number(read_text(folder / f"cpu{n}/thermal_throttle/{kind}_throttle_count"))
        for n in cpus
        for kind in ("core", "package")
    ]
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _cooling(root: Path) -> bool | None:
    states = [parse_number(read_text(device / "cur_state")) for device in _cooling_devices(root)]
    known = [state > 0 for state in states if state is not None]
    return any(known) if known else None


@cache
def _cooling_devices(root: Path) -> tuple[Path, ...]:
    """The first devices that slow a CPU down; the set of devices does not change."""
    devices = sorted((root / "sys/class/thermal").glob("cooling_device*"))
    return tuple(d for d in devices if read_text(d / "type").startswith(COOLING_DEVICES))[
        :MAX_CPUS_READ
    ]


def _swap_ins(vmstat: str) -> int | None:
    for line in vmstat.splitlines():
        if line.startswith("pswpin "):
            return parse_number(line.split()[1])
    return None
