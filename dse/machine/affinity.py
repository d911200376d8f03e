"""The CPUs that a thread may run on. Standard library only: workers import it as well."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def available_cpus() -> list[int]:
    """Numbers of the CPUs that this process may run on; all CPUs where there are no masks."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def can_pin() -> bool:
    """Whether the system lets a thread choose its CPUs."""
    return sys.platform == "linux"


@contextmanager
def pin_to(cpus: tuple[int, ...]) -> Iterator[None]:
    """Pins the calling thread, and every thread that it starts in the block, to these CPUs.

    Args:
        cpus: numbers of the CPUs; empty to leave the thread as it is.

    Raises:
        OSError: the system refuses.
    """
    if not cpus or sys.platform != "linux":
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
