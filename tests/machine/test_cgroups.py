"""Control groups of both versions: recorded ones, and a real one where this user may make one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.machine.cgroups import (
    are_visible,
    cpu_quota,
    memory_left,
    memory_limit,
    parse_quota,
    throttled_periods,
)
from tests.machines import Machine

if TYPE_CHECKING:
    from collections.abc import Iterator

MIB = 1 << 20
GIB = 1 << 30
NO_LIMIT_V1 = 9223372036854771712
MOUNTS_V1 = """\
30 24 0:26 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
33 30 0:29 {group} /sys/fs/cgroup/cpu,cpuacct ro,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
34 30 0:30 {group} /sys/fs/cgroup/memory ro,relatime - cgroup cgroup rw,memory
"""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def v1_quota(machine: Machine, folder: str, quota: int) -> None:
    machine.put(f"{folder}/cpu.cfs_quota_us", f"{quota}\n")
    machine.put(f"{folder}/cpu.cfs_period_us", "100000\n")


@pytest.mark.parametrize("text", ["", "max 100000", "100", "x y", "1 0", "0 1", "-1 100000"])
def test_no_quota(text: str) -> None:
    assert parse_quota(text) is None


def test_a_quota_of_the_second_version_is_the_least_on_the_way_up(machine: Machine) -> None:
    machine.put("proc/self/cgroup", "0::/a/b\n").put("sys/fs/cgroup/a/b/cpu.max", "max 100000\n")
    assert cpu_quota(machine.root) is None
    machine.put("sys/fs/cgroup/a/cpu.max", "150000 100000\n")
    assert cpu_quota(machine.root) == 1.5
    machine.put("sys/fs/cgroup/a/b/cpu.max", "50000 100000\n")
    assert cpu_quota(machine.root) == 0.5


def test_a_quota_of_the_first_version_is_the_least_on_the_way_up(machine: Machine) -> None:
    machine.put("proc/self/cgroup", "4:memory:/m\n3:cpu,cpuacct:/docker/x\n1:name=systemd:/\n")
    v1_quota(machine, "sys/fs/cgroup/cpu", -1)
    assert cpu_quota(machine.root) is None
    v1_quota(machine, "sys/fs/cgroup/cpu/docker", 150000)
    v1_quota(machine, "sys/fs/cgroup/cpu/docker/x", 300000)
    assert cpu_quota(machine.root) == 1.5


def test_a_container_of_the_first_version_sees_its_own_group_at_the_top(machine: Machine) -> None:
    """The group is told by the host's path, and the mount shows nothing above it."""
    machine.put("proc/self/mountinfo", MOUNTS_V1.format(group="/docker/x"))
    machine.put("proc/self/cgroup", "4:memory:/docker/x/job\n3:cpu,cpuacct:/docker/x/job\n")
    v1_quota(machine, "sys/fs/cgroup/cpu,cpuacct", 200000)
    assert cpu_quota(machine.root) == 2
    v1_quota(machine, "sys/fs/cgroup/cpu,cpuacct/job", 50000)
    assert cpu_quota(machine.root) == 0.5
    machine.put("sys/fs/cgroup/memory/job/memory.limit_in_bytes", f"{300 * MIB}\n")
    assert memory_limit(machine.root, 8 * GIB) == 300 * MIB


def test_names_with_backslashes_are_escaped_in_the_list_of_mounts(machine: Machine) -> None:
    machine.put("proc/self/mountinfo", MOUNTS_V1.format(group=r"/a.slice/b\134x2dc.scope"))
    machine.put("proc/self/cgroup", r"3:cpu,cpuacct:/a.slice/b\x2dc.scope/job" + "\n")
    v1_quota(machine, "sys/fs/cgroup/cpu,cpuacct/job", 50000)
    assert cpu_quota(machine.root) == 0.5


def test_a_group_outside_the_namespace_is_read_from_the_top_that_is_shown(machine: Machine) -> None:
    machine.put("proc/self/cgroup", "0::/../../other\n")
    machine.put("sys/fs/cgroup/cpu.max", "150000 100000\n")
    assert cpu_quota(machine.root) == 1.5


def test_both_versions_at_once_with_the_second_beside_the_first(machine: Machine) -> None:
    machine.put("proc/self/cgroup", "4:memory:/m\n3:cpu:/c\n0::/u\n")
    v1_quota(machine, "sys/fs/cgroup/cpu/c", 150000)
    machine.put("sys/fs/cgroup/unified/u/memory.max", f"{GIB}\n")
    assert cpu_quota(machine.root) == 1.5
    assert memory_limit(machine.root, 8 * GIB) == GIB


@pytest.mark.parametrize("group", ["", "nonsense\n", "0::/a\n"])
def test_groups_that_can_not_be_seen(machine: Machine, group: str) -> None:
    machine.put("proc/self/cgroup", group)
    assert are_visible(machine.root) is False
    assert cpu_quota(machine.root) is None
    assert throttled_periods(machine.root) is None
    assert memory_limit(machine.root, None) == 0
    assert memory_left(machine.root) is None


def test_the_memory_of_the_second_version(machine: Machine) -> None:
    group = "sys/fs/cgroup/a/b"
    machine.put("proc/self/cgroup", "0::/a/b\n").put(f"{group}/memory.max", "max\n")
    assert memory_limit(machine.root, 8 * GIB) == 0
    machine.put("sys/fs/cgroup/a/memory.max", f"{9 * GIB}\n")
    assert memory_limit(machine.root, 8 * GIB) == 0  # more than there is
    machine.put("sys/fs/cgroup/a/memory.high", f"{GIB}\n")
    assert memory_limit(machine.root, 8 * GIB) == GIB
    machine.put(f"{group}/memory.max", f"{300 * MIB}\n")
    assert memory_limit(machine.root, 8 * GIB) == 300 * MIB
    assert memory_limit(machine.root, None) == 300 * MIB


def test_the_memory_of_the_first_version(machine: Machine) -> None:
    group = "sys/fs/cgroup/memory/docker/x"
    machine.put("proc/self/cgroup", "4:memory:/docker/x\n")
    machine.put(f"{group}/memory.limit_in_bytes", f"{NO_LIMIT_V1}\n")
    assert memory_limit(machine.root, 8 * GIB) == 0
    assert memory_limit(machine.root, None) == 0
    assert memory_left(machine.root) is None
    machine.put("sys/fs/cgroup/memory/docker/memory.limit_in_bytes", f"{300 * MIB}\n")
    assert memory_limit(machine.root, 8 * GIB) == 300 * MIB


def test_what_is_left_counts_no_page_of_a_file_as_used(machine: Machine) -> None:
    group = "sys/fs/cgroup/a"
    machine.put("proc/self/cgroup", "0::/a\n").put(f"{group}/memory.max", f"{300 * MIB}\n")
    assert memory_left(machine.root) == 300 * MIB
    machine.put(f"{group}/memory.current", f"{250 * MIB}\n")
    machine.put(
        f"{group}/memory.stat", f"anon 9\ninactive_file {100 * MIB}\nactive_file {50 * MIB}"
    )
    assert memory_left(machine.root) == 200 * MIB
    machine.put(f"{group}/memory.high", f"{40 * MIB}\n")
    assert memory_left(machine.root) == 0


def test_the_first_version_counts_the_groups_below_with_a_prefix(machine: Machine) -> None:
    group = "sys/fs/cgroup/memory/a"
    machine.put("proc/self/cgroup", "4:memory:/a\n")
    machine.put(f"{group}/memory.limit_in_bytes", f"{300 * MIB}\n")
    machine.put(f"{group}/memory.usage_in_bytes", f"{250 * MIB}\n")
    pages = f"inactive_file 5\ntotal_inactive_file {100 * MIB}\ntotal_active_file {50 * MIB}\n"
    machine.put(f"{group}/memory.stat", pages)
    assert memory_left(machine.root) == 200 * MIB


def test_the_periods_of_all_groups_are_added_up(machine: Machine) -> None:
    machine.put("proc/self/cgroup", "3:cpu:/c\n0::/a/b\n")
    stat = "usage_usec 9\nnr_periods 7\nnr_throttled {}\nthrottled_usec 3\n"
    machine.put("sys/fs/cgroup/a/cpu.stat", stat.format(5))
    machine.put("sys/fs/cgroup/a/b/cpu.stat", stat.format(2))
    machine.put("sys/fs/cgroup/cpu/c/cpu.stat", "nr_periods 7\nnr_throttled 10\n")
    assert throttled_periods(machine.root) == 17


LIMITS = st.lists(st.none() | st.integers(1, 400_000), min_size=1, max_size=4)


@given(LIMITS)
def test_of_any_chain_of_groups_the_least_limits_count(
    tmp_path_factory: pytest.TempPathFactory, limits: list[int | None]
) -> None:
    machine = Machine(tmp_path_factory.mktemp("machine"))
    machine.put("proc/self/cgroup", "0::" + "".join(f"/g{n}" for n in range(len(limits))) + "\n")
    folder = "sys/fs/cgroup"
    for n, limit in enumerate(limits):
        folder += f"/g{n}"
        machine.put(f"{folder}/cpu.max", f"{limit or 'max'} 100000\n")
        machine.put(f"{folder}/memory.max", f"{limit or 'max'}\n")
    known = [limit for limit in limits if limit]
    assert cpu_quota(machine.root) == (min(known) / 100_000 if known else None)
    assert memory_limit(machine.root, None) == (min(known) if known else 0)


TOP = Path("/sys/fs/cgroup")
HALF, LITTLE = 50_000, 5_000
"""Microseconds of each 100 ms: half a CPU, and a twentieth, which any busy loop uses up."""


def limits() -> tuple[dict[str, dict[str, str]], str]:
    """Limits by group below the top, and the text of `LITTLE`, in the version that is here."""
    memory = str(300 * MIB)
    if (TOP / "cpu").is_dir():
        cpu = {"cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": str(HALF)}
        return {"cpu": cpu, "memory": {"memory.limit_in_bytes": memory}}, str(LITTLE)
    both = {"cpu.max": f"{HALF} 100000", "memory.max": memory}
    return {"": both}, f"{LITTLE} 100000"


@contextmanager
def real_group(controller: str, files: dict[str, str]) -> Iterator[Path]:
    """A group of the machine at hand with these limits, gone afterwards."""
    folder = TOP / controller / f"dse-test-{os.getpid()}"
    try:
        folder.mkdir()
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error}")
    try:
        try:
            for name, value in files.items():
                (folder / name).write_text(value)
        except OSError as error:
            pytest.skip(f"no such limit can be set here: {error}")
        yield folder
    finally:
        folder.rmdir()


IN_GROUPS = """\
import json, os, sys, time
from pathlib import Path
little, *groups = sys.argv[1:]
for group in groups:
    Path(group, "cgroup.procs").write_text(str(os.getpid()))
from dse.machine.cgroups import memory_left, throttled_periods
from dse.machine.detect import detect
root = Path("/")
system, left, before = detect().as_dict(), memory_left(root), throttled_periods(root)
quota = next(p for p in (Path(groups[0], n) for n in ("cpu.cfs_quota_us", "cpu.max")) if p.exists())
quota.write_text(little)
while throttled_periods(root) == before and time.process_time() < 60:
    pass
print(json.dumps([system, left, throttled_periods(root) - before]))
"""


def test_a_real_group() -> None:
    wanted, little = limits()
    with ExitStack() as stack:
        made = [stack.enter_context(real_group(name, files)) for name, files in wanted.items()]
        command = [sys.executable, "-c", IN_GROUPS, little, *map(str, made)]
        answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    system, left, stops = json.loads(answer.stdout)
    assert (system["cpu_quota"], system["available_cpus"]) == (0.5, 1)
    assert system["memory_limit_bytes"] == 300 * MIB
    assert 0 < left < 300 * MIB
    assert stops >= 1
