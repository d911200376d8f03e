"""What may disturb a measurement, on recorded machines and on the one at hand."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from dse.machine._load import LoadObservation
from dse.machine.checks import (
    HIDDEN,
    Check,
    check_affinity,
    check_governor,
    check_heat,
    check_huge_pages,
    check_machine,
    check_numa,
    check_other_load,
    check_power,
    check_quota,
    check_smt,
    check_swap,
    check_turbo,
    check_virtualisation,
)
from dse.machine.sample import ROOT
from tests.machine.samples import QUIET, START

if TYPE_CHECKING:
    from tests.machines import Machine


def test_what_is_hidden_is_unknown_and_not_ok(machine: Machine) -> None:
    found = check_machine(None, machine.root, (0, 1), seconds=0.0)
    assert {check.state for check in found} == {"unknown"}
    assert len({check.name for check in found}) == len(found) == 12


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere everything is unknown")
def test_the_machine_at_hand() -> None:
    found = {check.name: check for check in check_machine(False, ROOT, seconds=0.4)}
    assert found["other load"].state != "unknown"
    assert found["virtualisation"].state == "ok"
    assert all(check.found for check in found.values())
    assert all(bool(check.remedy) is (check.state == "warning") for check in found.values())


@pytest.mark.parametrize(
    ("percent", "names", "state", "found"),
    [
        (1.2, (), "ok", "1 % of 2 CPUs"),
        (
            31.0,
            ("cc1 40 %", "ld 20 %"),
            "warning",
            "31 % of 2 CPUs (of one CPU: cc1 40 %, ld 20 %)",
        ),
        (None, (), "unknown", "the system does not show it"),
    ],
)
def test_other_load(percent: float | None, names: tuple[str, ...], state: str, found: str) -> None:
    seen = LoadObservation(replace(QUIET, other_load_percent=percent), START, names)
    check = check_other_load(seen)
    assert (check.state, check.found) == (state, found)
    assert bool(check.remedy) is (state == "warning")


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
    check = check_governor(machine.root, (0, 1))
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
    check = check_turbo(machine.put(f"sys/devices/system/cpu/{file}", f"{text}\n").root)
    assert check.state == state
    assert undo in check.remedy
    assert (file in check.remedy) is (state == "warning")


def test_turbo_is_unknown_where_nothing_tells(machine: Machine) -> None:
    assert check_turbo(machine.root) == Check("turbo", "unknown", HIDDEN)


def test_heat() -> None:
    assert check_heat(QUIET, START).state == "ok"
    assert check_heat(QUIET, START).found == "not now; 4 times since the system started"
    hot = check_heat(replace(QUIET, throttled=True), replace(START, throttles=None, cooling=True))
    assert (hot.state, hot.found) == ("warning", "now")
    assert check_heat(QUIET, replace(START, throttles=None, cooling=None)).state == "unknown"


def supply(machine: Machine, name: str, **files: str) -> Machine:
    for file, text in files.items():
        machine.put(f"{SUPPLY}/{name}/{file}", f"{text}\n")
    return machine


def test_a_notebook_on_battery_and_on_mains(machine: Machine) -> None:
    supply(machine, "BAT0", type="Battery", status="Discharging")
    supply(machine, "AC", type="Mains", online="0")
    check = check_power(machine.root)
    assert (check.state, check.found, check.remedy) == ("warning", "battery", "plug it in")
    supply(machine, "AC", online="1")
    assert check_power(machine.root) == Check("power supply", "ok", "mains")


def test_the_battery_of_a_mouse_is_none(machine: Machine) -> None:
    supply(machine, "hidpp", type="Battery", status="Discharging", scope="Device")
    assert check_power(machine.root).found == "no battery"


def test_power_is_unknown_where_nothing_tells(machine: Machine) -> None:
    assert check_power(machine.root).state == "unknown"


CPU_FOLDER = "sys/devices/system/cpu"


@pytest.fixture
def two_per_core(machine: Machine) -> Machine:
    """Two cores of two CPUs, numbered as on most servers: 0 and 2 are one core."""
    machine.put(f"{CPU_FOLDER}/smt/active", "1\n").put(f"{CPU_FOLDER}/online", "0-3\n")
    for n in range(4):
        machine.cpu(n, "topology/thread_siblings_list", f"{n % 2},{n % 2 + 2}\n")
    return machine


def test_smt_names_one_cpu_of_each_core(two_per_core: Machine) -> None:
    check = check_smt(two_per_core.root, (0, 1, 2, 3))
    assert (check.state, check.found) == ("warning", "on: 4 CPUs are 2 cores")
    assert check.remedy == "use one CPU of each core: taskset -c 0,1 dse ..."
    # Whoever follows that has neither warning any more.
    assert check_smt(two_per_core.root, (0, 1)).state == "ok"
    assert check_affinity(two_per_core.root, (0, 1)).state == "ok"


def test_smt_that_is_off_or_can_not_be_seen(two_per_core: Machine, machine: Machine) -> None:
    two_per_core.put(f"{CPU_FOLDER}/smt/active", "0\n")
    assert check_smt(two_per_core.root, (0, 1)) == Check("SMT", "ok", "off")
    (machine.root / CPU_FOLDER / "smt/active").unlink()
    assert check_smt(machine.root, (0, 1)) == Check("SMT", "unknown", HIDDEN)


def test_a_mask_that_leaves_cores_to_others(two_per_core: Machine) -> None:
    check = check_affinity(two_per_core.root, (0, 2))
    assert (check.state, check.found) == ("warning", "2 of 4 CPUs")
    assert check_affinity(two_per_core.root, (0, 1, 2, 3)) == Check(
        "affinity mask", "ok", "4 of 4 CPUs"
    )


def test_a_mask_without_topology(machine: Machine) -> None:
    assert check_affinity(machine.root, (0,)).state == "unknown"
    machine.put(f"{CPU_FOLDER}/online", "0-1\n")
    assert check_affinity(machine.root, (0,)).state == "warning"
    assert check_affinity(machine.root, (0, 1)).state == "ok"


def test_a_quota_of_either_version(machine: Machine) -> None:
    group = "sys/fs/cgroup/a/b"
    machine.put("proc/self/cgroup", "0::/a/b\n").put(f"{group}/cpu.max", "max 100000\n")
    assert check_quota(machine.root, (0, 1)) == Check("CPU quota", "ok", "none")
    machine.put("sys/fs/cgroup/a/cpu.max", "150000 100000\n")
    machine.put("sys/fs/cgroup/a/cpu.stat", "usage_usec 9\nnr_periods 7\nnr_throttled 5\n")
    check = check_quota(machine.root, (0, 1))
    assert (check.state, check.found) == ("warning", "1.5 CPUs; stopped 5 times so far")
    assert check_quota(machine.root, (0,)) == Check("CPU quota", "ok", "1.5 CPUs, as many as used")


def test_a_quota_of_the_first_version(machine: Machine) -> None:
    machine.put("proc/self/cgroup", "4:memory:/m\n3:cpu,cpuacct:/docker/x\n1:name=systemd:/\n")
    top = "sys/fs/cgroup/cpu"
    machine.put(f"{top}/cpu.cfs_quota_us", "-1\n").put(f"{top}/cpu.cfs_period_us", "100000\n")
    assert check_quota(machine.root, (0, 1)).found == "none"
    own = f"{top}/docker/x"
    machine.put(f"{own}/cpu.cfs_quota_us", "50000\n").put(f"{own}/cpu.cfs_period_us", "100000\n")
    assert check_quota(machine.root, (0, 1)).found == "0.5 CPUs; stopped 0 times so far"
    machine.put(f"{own}/cpu.cfs_quota_us", "100000\n")
    assert check_quota(machine.root, (0, 1)).found == "1 CPU; stopped 0 times so far"


@pytest.mark.parametrize("group", ["", "0::/\n", "0::/../../x\n", "nonsense\n"])
def test_groups_that_can_not_be_seen(machine: Machine, group: str) -> None:
    machine.put("proc/self/cgroup", group)
    assert check_quota(machine.root, (0,)) == Check("CPU quota", "unknown", HIDDEN)


def test_numa(machine: Machine) -> None:
    assert check_numa(machine.root, (0,)).state == "unknown"
    machine.put("sys/devices/system/node/node0/cpulist", "0-3\n")
    assert check_numa(machine.root, (0, 1)).state == "ok"
    machine.put("sys/devices/system/node/node1/cpulist", "4-7\n")
    assert check_numa(machine.root, (0, 1)).state == "ok"
    check = check_numa(machine.root, (3, 4))
    assert (check.state, check.found) == ("warning", "the CPUs belong to 2 of 2")
    assert check.remedy == "numactl --cpunodebind=0 --membind=0 dse ..."


def test_virtualisation() -> None:
    assert check_virtualisation(False, QUIET) == Check("virtualisation", "ok", "none")
    assert check_virtualisation(None, QUIET).state == "unknown"
    check = check_virtualisation(True, replace(QUIET, steal_percent=7.25))
    assert (check.state, check.found) == ("warning", "a virtual machine, 7.2 % steal now")
    unseen = check_virtualisation(True, replace(QUIET, steal_percent=None))
    assert unseen.found == "a virtual machine"


@pytest.mark.parametrize(
    ("meminfo", "swapped", "state", "found"),
    [
        ("SwapTotal: 0 kB\nSwapFree: 0 kB\n", False, "ok", "none"),
        ("SwapTotal: 2097152 kB\nSwapFree: 2097152 kB\n", False, "ok", "0.0 of 2.0 GiB in use"),
        ("SwapTotal: 2097152 kB\nSwapFree: 524288 kB", False, "warning", "1.5 of 2.0 GiB in use"),
        (
            *("SwapTotal: 2097152 kB\nSwapFree: 524288 kB", True, "warning"),
            "1.5 of 2.0 GiB in use, being fetched from now",
        ),
        ("SwapTotal: 2097152 kB\n", False, "unknown", "the system does not show it"),
        ("SwapTotal:\nSwapFree: x kB\n", False, "unknown", "the system does not show it"),
        ("", False, "unknown", "the system does not show it"),
    ],
)
def test_swap(machine: Machine, meminfo: str, swapped: bool, state: str, found: str) -> None:
    machine.put("proc/meminfo", meminfo)
    check = check_swap(machine.root, replace(QUIET, swapped=swapped))
    assert (check.state, check.found) == (state, found)
    assert bool(check.remedy) is (state == "warning")


@pytest.mark.parametrize(
    ("text", "state", "found"),
    [
        ("[always] madvise never", "warning", "always"),
        ("always [madvise] never", "ok", "madvise"),
        ("always madvise [never]", "ok", "never"),
        ("", "unknown", "the system does not show it"),
    ],
)
def test_huge_pages(machine: Machine, text: str, state: str, found: str) -> None:
    machine.put("sys/kernel/mm/transparent_hugepage/enabled", f"{text}\n")
    check = check_huge_pages(machine.root)
    assert (check.state, check.found) == (state, found)
