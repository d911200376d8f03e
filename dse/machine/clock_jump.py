"""Compares the system's clock with one that nobody can set. Standard library only.

LoadGen reads the system's clock. If that is set in the middle of a run, its times mean nothing.
"""

from __future__ import annotations

import time

JUMP_S = 0.05
"""Smallest jump. Slewing, as time services do, moves both clocks alike; most steps are larger."""
CLOSE_ENOUGH_S = 0.001
"""Largest time between two readings that count as simultaneous."""
MAX_READINGS = 10


def offset_s() -> float:
    """How far the system's clock is ahead of the monotonic one, in seconds.

    The clocks are read again if the process had to wait for a CPU between two readings.
    """
    closest, offset = float("inf"), 0.0
    for _ in range(MAX_READINGS):
        before = time.monotonic()
        wall = time.time()
        after = time.monotonic()
        if after - before < closest:
            closest, offset = after - before, wall - (before + after) / 2
        if closest < CLOSE_ENOUGH_S:
            break
    return offset
