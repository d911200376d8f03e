"""The conditions on the machine between two samples, and whether they spoil a measurement.

The limits allow what an idle desktop or a quiet cloud machine does all the time. Each lies where
the effect begins to show beside the spread between processes, which is a few percent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dse.core.wording import format_count
from dse.machine.clock_jump import JUMP_S

if TYPE_CHECKING:
    from dse.machine.sample import Sample

MAX_STEAL_PERCENT = 3.0
"""Largest harmless steal. Quiet neighbours take less than one percent; from about three percent on,
the 90th percentile moves."""
MAX_OTHER_LOAD_PERCENT = 10.0
"""Largest harmless load. An idle desktop takes one to five percent of two to eight CPUs; more
displaces a busy thread."""
MAX_SWAPPED_PAGES = 256
"""Largest harmless number of pages: 1 MiB of 4 KiB pages. Sleeping programs fetch single pages, a
lack of memory thousands."""
MIN_SPAN_S = 0.3
"""Shortest span that has shares: the counters tick every 10 ms, so rounding would dominate."""
MIN_TICKS = 3
"""Steal or load up to this number of ticks is ignored: each counter is off by up to one."""
TICK_S = 0.01


@dataclass(frozen=True, slots=True)
class Conditions:
    """The conditions on the machine in a span of time; None stands for unknown.

    Attributes:
        available_cpu_s: available CPU time of all CPUs of the affinity mask.
        steal_percent: share of it that the hypervisor gave to others.
        other_load_percent: share of it that other processes took.
        mhz: mean clock.
        throttled: whether heat slowed the CPUs down.
        swapped: whether memory was fetched from the swap.
        quota_stops: number of periods in which all threads stopped because the CPU quota was used
            up.
        clock_jump_s: jump of the system's clock, which LoadGen reads.
    """

    available_cpu_s: float | None
    steal_percent: float | None
    other_load_percent: float | None
    mhz: float | None
    throttled: bool
    swapped: bool
    clock_jump_s: float
    quota_stops: int = 0

    @property
    def disturbance(self) -> str:
        """What spoils a measurement taken in this time, in a few words; empty if nothing does."""
        reasons = []
        if abs(self.clock_jump_s) > JUMP_S:
            reasons.append(f"the clock jumped by {self.clock_jump_s:+.2g} s")
        if self.throttled:
            reasons.append("thermal throttling")
        if self.swapped:
            reasons.append("swapping")
        if self.quota_stops:
            periods = format_count(self.quota_stops, "period")
            reasons.append(f"stopped by the CPU quota in {periods}")
        if self._exceeds(self.steal_percent, MAX_STEAL_PERCENT):
            reasons.append(f"{self.steal_percent:.0f} % steal")
        if self._exceeds(self.other_load_percent, MAX_OTHER_LOAD_PERCENT):
            reasons.append(f"other load of {self.other_load_percent:.0f} %")
        return ", ".join(reasons)

    def _exceeds(self, percent: float | None, limit: float) -> bool:
        if percent is None or self.available_cpu_s is None:
            return False
        return percent > limit and percent / 100 * self.available_cpu_s > MIN_TICKS * TICK_S

    def as_details(self) -> dict[str, float | int | bool | str]:
        """What to record with a measurement: whatever is known; ``disturbed`` only if it was."""
        found: dict[str, float | int | bool | str] = {}
        if self.steal_percent is not None:
            found["steal_percent"] = round(self.steal_percent, 1)
        if self.other_load_percent is not None:
            found["other_load_percent"] = round(self.other_load_percent, 1)
        if self.mhz is not None:
            found["mhz"] = round(self.mhz)
        if self.quota_stops:
            found["quota_stops"] = self.quota_stops
        if self.disturbance:
            found["disturbed"] = self.disturbance
        return found


def conditions_between(before: Sample, after: Sample, own_cpu_s: float | None) -> Conditions:
    """The conditions between two samples.

    Args:
        before: the earlier sample.
        after: the later sample.
        own_cpu_s: CPU time of the measured process between them, without that of the sampling
            process; None if unknown, and then the load of others is unknown as well.
    """
    seconds = after.monotonic_s - before.monotonic_s
    available, steal, others = _shares(before, after, own_cpu_s)
    clocks = [mhz for mhz in (before.mhz, after.mhz) if mhz is not None]
    enough = seconds >= MIN_SPAN_S
    return Conditions(
        available_cpu_s=available,
        steal_percent=steal if enough else None,
        other_load_percent=others if enough else None,
        mhz=sum(clocks) / len(clocks) if clocks else None,
        throttled=_increase(before.throttles, after.throttles) > 0
        or bool(before.cooling or after.cooling),
        swapped=_increase(before.swap_ins, after.swap_ins) > MAX_SWAPPED_PAGES,
        clock_jump_s=after.offset_s - before.offset_s,
        quota_stops=max(0, _increase(before.quota_stops, after.quota_stops)),
    )


def _shares(
    before: Sample, after: Sample, own_cpu_s: float | None
) -> tuple[float | None, float | None, float | None]:
    """Available CPU time in seconds; steal and the load of others in percent of it."""
    if before.times is None or after.times is None or before.cpus != after.cpus:
        return None, None, None
    # The kernel's idle counter may decrease a little.
    busy = max(0.0, after.times.busy_s - before.times.busy_s)
    idle = max(0.0, after.times.idle_s - before.times.idle_s)
    steal = max(0.0, after.times.steal_s - before.times.steal_s)
    total = busy + idle + steal
    if not total:
        return None, None, None
    if own_cpu_s is None:
        return total, 100 * (steal / total), None
    here = after.process_cpu_s - before.process_cpu_s
    others = max(0.0, busy - own_cpu_s - here)
    return total, 100 * (steal / total), 100 * (others / total)


def _increase(before: int | None, after: int | None) -> int:
    return 0 if before is None or after is None else after - before
