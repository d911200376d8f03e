"""What the CPU says of the energy it takes: the RAPL counters of its packages.

Linux has them in ``/sys/class/powercap``, if at all; since 5.10 root alone may read them. They
count whatever runs on the machine, and leave out all but the packages, so a figure from them is an
estimate. Standard library only: the worker reads them, too.
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
"""Of a package: what it takes at most, to tell how soon its counter may have gone round."""


@dataclass(frozen=True, slots=True)
class Package:
    """The counter of one package.

    Attributes:
        file: holds the energy in microjoules.
        range_uj: the counter begins anew after this one.
    """

    file: Path
    range_uj: int


def find_packages(root: Path = POWERCAP) -> tuple[Package, ...]:
    """The packages of this machine; empty unless the counter of each can be read.

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
    """The folders of the packages, whether or not they can be read.

    The zones within a package, the platform and the second way to the same counters
    (``intel-rapl-mmio``) would count the same energy twice.
    """
    top = (z for z in sorted(root.glob("intel-rapl:*")) if z.name.count(":") == 1)
    return [zone for zone in top if read_text(zone / "name").startswith("package")]


def read_uj(counters: Sequence[Package]) -> tuple[int, ...] | None:
    """What the counters show; None where there are none, or one can't be read any more."""
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
        after: the second one.
        seconds: between them.

    Returns:
        None where a counter may have gone round more than once, or where they stand still, as they
        do in some virtual machines.
    """
    if any(seconds * MAX_WATTS * 1e6 >= package.range_uj for package in counters):
        return None
    spent = 0
    for package, old, new in zip(counters, before, after, strict=True):
        spent += new - old if new >= old else new + package.range_uj - old
    return spent or None
