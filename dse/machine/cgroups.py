"""The control groups of a process: how much CPU time and memory they grant.

Both versions of Linux's control groups are read, from the process's own group up to the top: the
lowest limit counts. Standard library only.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from dse.machine.procfs import parse_number, read_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

V2 = ""
"""Stands for a controller's name in the second version, which has one hierarchy for all."""
_USUAL_FOLDERS = {
    V2: ("sys/fs/cgroup", "sys/fs/cgroup/unified"),
    "cpu": ("sys/fs/cgroup/cpu", "sys/fs/cgroup/cpu,cpuacct"),
    "memory": ("sys/fs/cgroup/memory",),
}
"""Folders of the hierarchies, used if the list of mounts can't be read."""
_ESCAPED = re.compile(r"\\([0-7]{3})")
"""Escaped character in the list of mounts: systemd puts backslashes into names of groups."""


class _Mount(NamedTuple):
    """A hierarchy's mount: the group at its top, and its folder."""

    group: str
    folder: Path


def cpu_quota(root: Path) -> float | None:
    """CPU time that the groups grant, in CPUs; None for no limit.

    Args:
        root: the folder that contains ``proc`` and ``sys``.
    """
    quotas = [_quota(group) for group in _groups(root, "cpu")]
    return min((quota for quota in quotas if quota is not None), default=None)


def parse_quota(cpu_max: str) -> float | None:
    """CPU time in the text of ``cpu.max`` (quota and period), in CPUs; None for no limit."""
    fields = cpu_max.split()
    if len(fields) != 2:
        return None
    quota, period = (parse_number(field) for field in fields)
    return quota / period if quota and period else None


def throttled_periods(root: Path) -> int | None:
    """Number of periods in which the groups used up their quota and stopped; None if unknown.

    The counts of all groups up to the top are added: only differences of the sum mean something.
    """
    counts = [_statistics(group / "cpu.stat").get("nr_throttled") for group in _groups(root, "cpu")]
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def memory_limit(root: Path, machine_bytes: int | None) -> int:
    """Memory limit of the groups in bytes; 0 if no limit lies below the machine's memory.

    Args:
        root: the folder that contains ``proc`` and ``sys``.
        machine_bytes: the machine's memory in bytes; None if unknown.
    """
    limits = [limit for group in _groups(root, "memory") for limit in _memory_limits(group)]
    least = min(limits, default=0)
    return 0 if machine_bytes is not None and least >= machine_bytes else least


def memory_left(root: Path) -> int | None:
    """Bytes that are free within the groups' limits; None without limits.

    Pages of files don't count as used: the kernel drops them when memory is needed.
    """
    left = [
        max(0, min(limits) - _used(group))
        for group in _groups(root, "memory")
        if (limits := _memory_limits(group))
    ]
    return min(left, default=None)


def are_visible(root: Path) -> bool:
    """Whether the groups of CPU time are visible: a container may hide them."""
    return bool(_groups(root, "cpu"))


def _quota(group: Path) -> float | None:
    first = f"{read_text(group / 'cpu.cfs_quota_us')} {read_text(group / 'cpu.cfs_period_us')}"
    return parse_quota(read_text(group / "cpu.max")) or parse_quota(first)


def _memory_limits(group: Path) -> list[int]:
    """The limits of one group; above ``memory.high`` the kernel keeps reclaiming memory."""
    files = ("memory.max", "memory.high", "memory.limit_in_bytes")
    known = [parse_number(read_text(group / file)) for file in files]
    # The first version writes "no limit" as the largest whole number of pages.
    return [limit for limit in known if limit is not None and limit < 1 << 62]


def _used(group: Path) -> int:
    texts = read_text(group / "memory.current"), read_text(group / "memory.usage_in_bytes")
    used = parse_number(texts[0] or texts[1]) or 0
    pages = _statistics(group / "memory.stat")
    kinds = ("inactive_file", "active_file")
    # In the first version only the names with a prefix include the groups below.
    files = sum(pages.get(f"total_{kind}", pages.get(kind, 0)) for kind in kinds)
    return max(0, used - files)


def _statistics(file: Path) -> dict[str, int]:
    """Number by name, from lines ``name number``."""
    pairs = (line.split() for line in read_text(file).splitlines())
    counts = ((pair[0], parse_number(pair[1])) for pair in pairs if len(pair) == 2)
    return {name: count for name, count in counts if count is not None}


def _groups(root: Path, controller: str) -> list[Path]:
    """The folders of the groups of both versions, from the process's own group up to the top."""
    own = _own_groups(read_text(root / "proc/self/cgroup"))
    mounts = _mounts(root)
    found: dict[Path, None] = {}
    for hierarchy in (V2, controller):
        if hierarchy in own:
            usual = [_Mount("/", root / folder) for folder in _USUAL_FOLDERS[hierarchy]]
            for mount in mounts.get(hierarchy) or usual:
                found |= dict.fromkeys(_upwards(mount, own[hierarchy]))
    return [folder for folder in found if folder.is_dir()]


def _own_groups(text: str) -> dict[str, str]:
    """The process's group by controller, from ``/proc/self/cgroup``."""
    own: dict[str, str] = {}
    for line in text.splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if path.startswith("/"):
            own |= dict.fromkeys(controllers.split(","), path)
    return own


def _upwards(mount: _Mount, group: str) -> Iterator[Path]:
    """The folders of a group and of all groups above it that the mount shows."""
    top = mount.group.rstrip("/")
    below = group.removeprefix(top).strip("/") if f"{group}/".startswith(f"{top}/") else ""
    # A group outside the namespace is written as one above it, and has no folder.
    names = below.split("/") if below and ".." not in below.split("/") else []
    for count in range(len(names), -1, -1):
        yield mount.folder.joinpath(*names[:count])


@cache
def _unescape(found: re.Match[str]) -> str:
    return chr(int(found[1], 8))


def _mounts(root: Path) -> dict[str, list[_Mount]]:
    """Mounts of the hierarchies by controller, from ``/proc/self/mountinfo``.

    Source: proc_pid_mountinfo(5).
    """
    found: dict[str, list[_Mount]] = {}
    for line in read_text(root / "proc/self/mountinfo").splitlines():
        here, _, source = line.partition(" - ")
        fields, kinds = here.split(), source.split()
        if len(fields) < 5 or len(kinds) < 3 or kinds[0] not in ("cgroup", "cgroup2"):
            continue
        group, folder = (_ESCAPED.sub(_unescape, field) for field in fields[3:5])
        mount = _Mount(group, root / folder.lstrip("/"))
        controllers = [V2] if kinds[0] == "cgroup2" else kinds[2].split(",")
        for controller in controllers:
            found.setdefault(controller, []).append(mount)
    return found
