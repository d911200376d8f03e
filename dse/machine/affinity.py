"""The CPUs that a thread may run on. Standard library only: the worker imports it, too."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def available_cpus() -> list[int]:
    """Numbers of the CPUs this process may run on; counted up from 0 where it can't be asked."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def can_pin() -> bool:
    """Whether the system lets a thread choose its CPUs."""
    return sys.platform == "linux"


@contextmanager
def pin_to(cpus: tuple[int, ...]) -> Iterator[None]:
    """Keeps the calling thread, and every thread it starts in the block, to these CPUs.

    Args:
        cpus: their numbers; empty for all it has.

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
