"""The caches of the CPUs, read from Linux's ``/sys``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.machine.procfs import parse_number, read_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_KINDS = {"Data": "d", "Instruction": "i"}
_KIB_PER_MIB = 1024

_Cache = tuple[int, str, str]
"""Level, kind (``d``, ``i`` or empty for both) and size."""


def caches(sys_cpu: Path, cpus: Iterable[int]) -> str:
    """The caches in one line, such as ``L1d 32 KiB x 2, L2 1 MiB x 2, L3 32 MiB x 1``.

    A cache that several of the CPUs share is counted once; one of unknown size has no size in the
    text. Empty if the kernel shows nothing.
    """
    found: dict[_Cache, set[str]] = {}
    for cpu in cpus:
        for index in sorted((sys_cpu / f"cpu{cpu}/cache").glob("index[0-9]*")):
            level = parse_number(read_text(index / "level"))
            if level is not None:
                kind = _KINDS.get(read_text(index / "type"), "")
                cache = level, kind, size_text(read_text(index / "size"))
                found.setdefault(cache, set()).add(_sharing(index, cpu))
    return ", ".join(
        " ".join(filter(None, (f"L{level}{kind}", size, f"x {len(shared)}")))
        for (level, kind, size), shared in sorted(found.items())
    )


def _sharing(index: Path, cpu: int) -> str:
    """A text that is equal for all CPUs of one cache; the CPU itself if the kernel shows none."""
    return read_text(index / "shared_cpu_list") or read_text(index / "shared_cpu_map") or str(cpu)


def size_text(size: str) -> str:
    """A readable size: ``1 MiB`` for the kernel's ``1024K``; empty if it is not a size."""
    kib = parse_number(size.upper().removesuffix("B").removesuffix("K").strip())
    if not kib:
        return ""
    return f"{kib} KiB" if kib < _KIB_PER_MIB else f"{kib / _KIB_PER_MIB:g} MiB"
