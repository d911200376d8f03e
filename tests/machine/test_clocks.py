"""Governor, turbo, heat and battery of recorded machines."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from dse.machine.check import HIDDEN, Check
from dse.machine.clocks import governor, heat, power, turbo
from tests.machine.samples import QUIET, START

if TYPE_CHECKING:
    from tests.machines import Machine

SUPPLY = "sys/class/power_supply"


@pytest.mark.parametrize(
    ("governors", "state", "found"),
    [
        (("performance", "performance", "powersave"), "ok", "performance"),
        (("powersave", "powersave", "performance"), "warning", "powersave"),
        (("performance", "schedutil", ""), "warning", "performance, schedutil"),
        (("", "", "performance"), "unknown", HIDDEN),
    ],
)
def test_governor_of_the_mask(
    machine: Machine, governors: tuple[str, ...], state: str, found: str
) -> None:
    for n, name in enumerate(governors):
        machine.cpu(n, "cpufreq/scaling_governor", f"{name}\n")
    check = governor(machine.root, (0, 1))
    assert (check.state, check.found) == (state, found)
    assert ("cpupower" in check.remedy) is (state == "warning")


@pytest.mark.parametrize(
    ("file", "text", "state", "undo"),
    [
        ("intel_pstate/no_turbo", "0", "warning", "echo 1"),
        ("intel_pstate/no_turbo", "1", "ok", ""),
        ("cpufreq/boost", "1", "warning", "echo 0"),
        ("cpufreq/boost", "0", "ok", ""),
        ("cpufreq/boost", "?", "unknown", ""),
    ],
)
def test_turbo(machine: Machine, file: str, text: str, state: str, undo: str) -> None:
    check = turbo(machine.put(f"sys/devices/system/cpu/{file}", f"{text}\n").root)
    assert check.state == state
    assert undo in check.remedy
    assert (file in check.remedy) is (state == "warning")


def test_turbo_is_unknown_where_nothing_tells(machine: Machine) -> None:
    assert turbo(machine.root) == Check("turbo", "unknown", HIDDEN)


def test_heat() -> None:
    assert heat(QUIET, START).state == "ok"
    assert heat(QUIET, START).found == "not now; 4 times since the system started"
    hot = heat(replace(QUIET, throttled=True), replace(START, throttles=None, cooling=True))
    assert (hot.state, hot.found) == ("warning", "now")
    assert heat(QUIET, replace(START, throttles=None, cooling=None)).state == "unknown"


def supply(machine: Machine, name: str, **files: str) -> Machine:
    for file, text in files.items():
        machine.put(f"{SUPPLY}/{name}/{file}", f"{text}\n")
    return machine


def test_a_notebook_on_battery_and_on_mains(machine: Machine) -> None:
    supply(machine, "BAT0", type="Battery", status="Discharging")
    supply(machine, "AC", type="Mains", online="0")
    check = power(machine.root)
    assert (check.state, check.found, check.remedy) == ("warning", "battery", "plug it in")
    supply(machine, "AC", online="1")
    assert power(machine.root) == Check("power supply", "ok", "mains")


def test_the_battery_of_a_mouse_is_none(machine: Machine) -> None:
    supply(machine, "hidpp", type="Battery", status="Discharging", scope="Device")
    assert power(machine.root).found == "no battery"


def test_power_is_unknown_where_nothing_tells(machine: Machine) -> None:
    assert power(machine.root).state == "unknown"
