"""Everything on the machine that may disturb a measurement, looked at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.machine import clocks, cpus, memory
from dse.machine.affinity import available_cpus
from dse.machine.load import observe, other_load
from dse.machine.sample import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from dse.machine.check import Check

OBSERVATION_S = 1.0
"""Long enough for counters that tick every 10 ms, short enough to wait for."""


def check_machine(
    virtualised: bool | None,
    root: Path = ROOT,
    mask: tuple[int, ...] = (),
    seconds: float = OBSERVATION_S,
) -> list[Check]:
    """Looks at the machine for about a second.

    Args:
        virtualised: whether it is a virtual machine; None if unknown.
        root: folder that holds ``proc`` and ``sys``.
        mask: the CPUs that measurements may use; those of this process if empty.
        seconds: how long to watch what else runs.
    """
    mask = mask or tuple(available_cpus())
    seen = observe(root, mask, seconds)
    return [
        other_load(seen),
        clocks.governor(root, mask),
        clocks.turbo(root),
        clocks.heat(seen.conditions, seen.last),
        clocks.power(root),
        cpus.smt(root, mask),
        cpus.affinity(root, mask),
        cpus.quota(root, mask),
        cpus.numa(root, mask),
        cpus.virtualisation(virtualised, seen.conditions),
        memory.swap(root, seen.conditions),
        memory.huge_pages(root),
    ]
