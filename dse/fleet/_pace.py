"""What grows with a fleet is done more rarely, so that it takes a small part of the time."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SHARE = 0.05
"""The part of the time that something slow may take."""
QUICK_S = 0.1
"""What takes no longer is done as often as one likes."""
MAX_PAUSE_S = 15.0
"""The longest pause: a single time that was slow, as when a network fails, says little."""


class Pace:
    """Tells when something may be done again, by how long it has taken."""

    def __init__(self) -> None:
        self._next = float("-inf")

    @property
    def due(self) -> bool:
        """Whether it may be done."""
        return time.monotonic() >= self._next

    @contextmanager
    def doing(self) -> Iterator[None]:
        """Does it in the block."""
        began = time.monotonic()
        yield
        ended = time.monotonic()
        took = ended - began
        self._next = ended + min(took / SHARE, MAX_PAUSE_S) if took > QUICK_S else ended
