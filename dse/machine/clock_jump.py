"""The system's clock against one that nobody can set. Standard library only.

LoadGen reads the system's clock. Where that is set in the middle of a run, its times mean nothing.
"""

from __future__ import annotations

import time

JUMP_S = 0.05
"""Slewing a clock, as time services do, moves both clocks alike; a step is mostly larger."""
CLOSE_ENOUGH_S = 0.001
"""Two readings so close together are of one moment."""
MAX_READINGS = 10


def offset_s() -> float:
    """How far the system's clock is ahead of the monotonic one.

    A process that has to wait for a CPU between two readings reads them again.
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
