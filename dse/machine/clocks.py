"""Checks of what changes the clock of the CPUs: governor, turbo, heat and battery."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.machine.check import Check
from dse.machine.procfs import read_text

if TYPE_CHECKING:
    from pathlib import Path

    from dse.machine.conditions import Conditions
    from dse.machine.sample import Sample

CPU_FOLDER = "sys/devices/system/cpu"
NO_TURBO = f"{CPU_FOLDER}/intel_pstate/no_turbo"
BOOST = f"{CPU_FOLDER}/cpufreq/boost"


def governor(root: Path, cpus: tuple[int, ...]) -> Check:
    """Any governor but one makes the clock follow the load, a little late."""
    name = "frequency governor"
    files = (root / CPU_FOLDER / f"cpu{n}/cpufreq/scaling_governor" for n in cpus)
    governors = sorted({read_text(file) for file in files} - {""})
    if not governors:
        return Check.hidden(name)
    remedy = "sudo cpupower frequency-set -g performance"
    return Check.judged(name, ", ".join(governors), remedy, disturbs=governors != ["performance"])


def turbo(root: Path) -> Check:
    """With turbo the clock depends on the temperature and on what the other cores do."""
    name = "turbo"
    for file, on, off in ((NO_TURBO, "0", "1"), (BOOST, "1", "0")):
        found = read_text(root / file)
        if found in (on, off):
            remedy = f"where numbers must compare over hours: echo {off} | sudo tee /{file}"
            return Check.judged(name, "on" if found == on else "off", remedy, disturbs=found == on)
    return Check.hidden(name)


def heat(conditions: Conditions, last: Sample) -> Check:
    """Whether heat slows the CPUs down at this time."""
    name = "thermal throttling"
    if last.throttles is None and last.cooling is None:
        return Check.hidden(name)
    so_far = "" if last.throttles is None else f"; {last.throttles} times since the system started"
    return Check.judged(
        name,
        f"now{so_far}" if conditions.throttled else f"not now{so_far}",
        "let it cool down, and see to fans and dust",
        disturbs=conditions.throttled,
    )


def power(root: Path) -> Check:
    """On battery most machines lower the clock."""
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
    return Check.judged(name, found, "plug it in", disturbs=on_battery)
