"""SMT, affinity, quota, NUMA and hypervisor of recorded machines."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from dse.machine.check import HIDDEN, Check
from dse.machine.cpus import affinity, numa, quota, smt, virtualisation
from tests.machine.samples import QUIET

if TYPE_CHECKING:
    from tests.machines import Machine

CPU_FOLDER = "sys/devices/system/cpu"


@pytest.fixture
def two_per_core(machine: Machine) -> Machine:
    """Two cores of two CPUs, numbered as on most servers: 0 and 2 are one core."""
    machine.put(f"{CPU_FOLDER}/smt/active", "1\n").put(f"{CPU_FOLDER}/online", "0-3\n")
    for n in range(4):
        machine.cpu(n, "topology/thread_siblings_list", f"{n % 2},{n % 2 + 2}\n")
    return machine


def test_smt_names_one_cpu_of_each_core(two_per_core: Machine) -> None:
    check = smt(two_per_core.root, (0, 1, 2, 3))
    assert (check.state, check.found) == ("warning", "on: 4 CPUs are 2 cores")
    assert check.remedy == "use one CPU of each core: taskset -c 0,1 dse ..."
    # Whoever follows that has neither warning any more.
    assert smt(two_per_core.root, (0, 1)).state == "ok"
    assert affinity(two_per_core.root, (0, 1)).state == "ok"


def test_smt_that_is_off_or_can_not_be_seen(two_per_core: Machine, machine: Machine) -> None:
    two_per_core.put(f"{CPU_FOLDER}/smt/active", "0\n")
    assert smt(two_per_core.root, (0, 1)) == Check("SMT", "ok", "off")
    (machine.root / CPU_FOLDER / "smt/active").unlink()
    assert smt(machine.root, (0, 1)) == Check("SMT", "unknown", HIDDEN)


def test_a_mask_that_leaves_cores_to_others(two_per_core: Machine) -> None:
    check = affinity(two_per_core.root, (0, 2))
    assert (check.state, check.found) == ("warning", "2 of 4 CPUs")
    assert affinity(two_per_core.root, (0, 1, 2, 3)) == Check("affinity mask", "ok", "4 of 4 CPUs")


def test_a_mask_without_topology(machine: Machine) -> None:
    assert affinity(machine.root, (0,)).state == "unknown"
    machine.put(f"{CPU_FOLDER}/online", "0-1\n")
    assert affinity(machine.root, (0,)).state == "warning"
    assert affinity(machine.root, (0, 1)).state == "ok"


def test_a_quota_of_either_version(machine: Machine) -> None:
    group = "sys/fs/cgroup/a/b"
    machine.put("proc/self/cgroup", "0::/a/b\n").put(f"{group}/cpu.max", "max 100000\n")
    assert quota(machine.root, (0, 1)) == Check("CPU quota", "ok", "none")
    machine.put("sys/fs/cgroup/a/cpu.max", "150000 100000\n")
    machine.put("sys/fs/cgroup/a/cpu.stat", "usage_usec 9\nnr_periods 7\nnr_throttled 5\n")
    check = quota(machine.root, (0, 1))
    assert (check.state, check.found) == ("warning", "1.5 CPUs; stopped 5 times so far")
    assert quota(machine.root, (0,)) == Check("CPU quota", "ok", "1.5 CPUs, as many as used")


def test_a_quota_of_the_first_version(machine: Machine) -> None:
    machine.put("proc/self/cgroup", "4:memory:/m\n3:cpu,cpuacct:/docker/x\n1:name=systemd:/\n")
    top = "sys/fs/cgroup/cpu"
    machine.put(f"{top}/cpu.cfs_quota_us", "-1\n").put(f"{top}/cpu.cfs_period_us", "100000\n")
    assert quota(machine.root, (0, 1)).found == "none"
    own = f"{top}/docker/x"
    machine.put(f"{own}/cpu.cfs_quota_us", "50000\n").put(f"{own}/cpu.cfs_period_us", "100000\n")
    assert quota(machine.root, (0, 1)).found == "0.5 CPUs; stopped 0 times so far"
    machine.put(f"{own}/cpu.cfs_quota_us", "100000\n")
    assert quota(machine.root, (0, 1)).found == "1 CPU; stopped 0 times so far"


@pytest.mark.parametrize("group", ["", "0::/\n", "0::/../../x\n", "nonsense\n"])
def test_groups_that_can_not_be_seen(machine: Machine, group: str) -> None:
    machine.put("proc/self/cgroup", group)
    assert quota(machine.root, (0,)) == Check("CPU quota", "unknown", HIDDEN)


def test_numa(machine: Machine) -> None:
    assert numa(machine.root, (0,)).state == "unknown"
    machine.put("sys/devices/system/node/node0/cpulist", "0-3\n")
    assert numa(machine.root, (0, 1)).state == "ok"
    machine.put("sys/devices/system/node/node1/cpulist", "4-7\n")
    assert numa(machine.root, (0, 1)).state == "ok"
    check = numa(machine.root, (3, 4))
    assert (check.state, check.found) == ("warning", "the CPUs are of 2 of 2")
    assert check.remedy == "numactl --cpunodebind=0 --membind=0 dse ..."


def test_virtualisation() -> None:
    assert virtualisation(False, QUIET) == Check("virtualisation", "ok", "none")
    assert virtualisation(None, QUIET).state == "unknown"
    check = virtualisation(True, replace(QUIET, steal_percent=7.25))
    assert (check.state, check.found) == ("warning", "a virtual machine, 7.2 % steal now")
    unseen = virtualisation(True, replace(QUIET, steal_percent=None))
    assert unseen.found == "a virtual machine"
