"""Reads the energy of the CPU: the RAPL counters of its packages.

Linux has them in ``/sys/class/powercap``, if at all; since 5.10 only root may read them. They count
everything that runs on the machine, and nothing outside the packages, so the result is an estimate.
Standard library only: workers read them as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dse.machine.procfs import parse_number, read_text

if TYPE_CHECKING:
    from collections.abc import Sequence

POWERCAP = Path("/sys/class/powercap")
MAX_WATTS = 1000.0
"""Largest power of a package; it bounds the time in which the counter can wrap around."""


@dataclass(frozen=True, slots=True)
class Package:
    """The counter of one package.

    Attributes:
        file: the file with the energy in microjoules.
        range_uj: largest value; the counter restarts at 0 after it.
    """

    file: Path
    range_uj: int


def find_packages(root: Path = POWERCAP) -> tuple[Package, ...]:
    """Finds the packages of this machine; empty unless all counters are readable.

    Args:
        root: the folder of the kernel's power capping classes.
    """
    found = []
    for zone in find_zones(root):
        file, range_uj = zone / "energy_uj", parse_number(read_text(zone / "max_energy_range_uj"))
        if parse_number(read_text(file)) is None or not range_uj:
            return ()
        found.append(Package(file, range_uj))
    return tuple(found)


def find_zones(root: Path = POWERCAP) -> list[Path]:
    """Finds the folders of the packages, readable or not.

    The zones within a package, the platform and the second interface to the same counters
    (``intel-rapl-mmio``) would count the same energy twice.
    """
    top = (z for z in sorted(root.glob("intel-rapl:*")) if z.name.count(":") == 1)
    return [zone for zone in top if read_text(zone / "name").startswith("package")]


def read_uj(counters: Sequence[Package]) -> tuple[int, ...] | None:
    """Reads the counters; None if there are none, or one is no longer readable."""
    shown = [parse_number(read_text(package.file)) for package in counters]
    known = tuple(value for value in shown if value is not None)
    return known if known and len(known) == len(shown) else None


def spent_uj(
    counters: Sequence[Package], before: Sequence[int], after: Sequence[int], seconds: float
) -> int | None:
    """The energy of all packages between two readings, in microjoules.

    Args:
        counters: the packages.
        before: the first reading.
        after: the second reading.
        seconds: time between them.

    Returns:
        None if a counter may have wrapped around more than once, or if the counters stand still, as
        in some virtual machines.
    """
    if any(seconds * MAX_WATTS * 1e6 >= package.range_uj for package in counters):
        return None
    spent = 0
    for package, old, new in zip(counters, before, after, strict=True):
        spent += new - old if new >= old else new + package.range_uj - old
    return spent or None
