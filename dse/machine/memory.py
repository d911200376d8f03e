"""Checks of the memory: swap and huge pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.machine.check import Check
from dse.machine.procfs import parse_number, read_text

if TYPE_CHECKING:
    from pathlib import Path

    from dse.machine.conditions import Conditions

HUGE_PAGES = "sys/kernel/mm/transparent_hugepage/enabled"
GIB_IN_KIB = 1 << 20


def swap(root: Path, conditions: Conditions) -> Check:
    """A page that must be fetched takes as long as many inferences."""
    name = "swap"
    total, free = (_kib(root, field) for field in ("SwapTotal", "SwapFree"))
    if total is None or free is None:
        return Check.hidden(name)
    if not total:
        return Check(name, "ok", "none")
    used = total - free
    now = ", being fetched from now" if conditions.swapped else ""
    return Check.judged(
        name,
        f"{used / GIB_IN_KIB:.1f} of {total / GIB_IN_KIB:.1f} GiB in use{now}",
        "end what fills the memory, then: sudo swapoff -a",
        disturbs=bool(used) or conditions.swapped,
    )


def huge_pages(root: Path) -> Check:
    """Where they are made for everyone, some processes get them and others don't."""
    name = "transparent huge pages"
    chosen = [word for word in read_text(root / HUGE_PAGES).split() if word.startswith("[")]
    if not chosen:
        return Check.hidden(name)
    found = chosen[0].strip("[]")
    remedy = f"echo madvise | sudo tee /{HUGE_PAGES}"
    return Check.judged(name, found, remedy, disturbs=found == "always")


def _kib(root: Path, field: str) -> int | None:
    for line in read_text(root / "proc/meminfo").splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return parse_number((value.split() or [""])[0])
    return None
