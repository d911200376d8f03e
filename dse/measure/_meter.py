"""What a timed run costs beside time: CPU time and, where it can be known, energy.

Read just before the first query and just after the last one; nothing is read in between.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dse.machine import rapl

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Spent:
    """What was spent between two readings.

    Attributes:
        wall_s: seconds of wall time.
        cpu_s: seconds of CPU time of this process, user and system, all its threads.
        energy_uj: microjoules of all packages, whoever used them; None where it is unknown.
    """

    wall_s: float
    cpu_s: float
    energy_uj: int | None


@dataclass(frozen=True, slots=True)
class _Reading:
    wall_s: float
    cpu_s: float
    energy_uj: tuple[int, ...] | None


class Meter:
    """Reads clocks and counters whenever it is told to.

    Args:
        packages: whose energy to read.
    """

    def __init__(self, packages: Sequence[rapl.Package] | None = None) -> None:
        self._packages = rapl.find_packages() if packages is None else tuple(packages)
        self._readings: list[_Reading] = []

    def read(self) -> None:
        """Takes a reading."""
        energy_uj = rapl.read_uj(self._packages) if self._packages else None
        self._readings.append(_Reading(time.perf_counter(), time.process_time(), energy_uj))

    def spent(self) -> Spent:
        """What was spent between the last two readings."""
        before, after = self._readings[-2:]
        wall_s = after.wall_s - before.wall_s
        energy_uj = None
        if before.energy_uj is not None and after.energy_uj is not None:
            energy_uj = rapl.spent_uj(self._packages, before.energy_uj, after.energy_uj, wall_s)
        return Spent(wall_s, after.cpu_s - before.cpu_s, energy_uj)
