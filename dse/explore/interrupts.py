"""Ctrl-C: the first finishes the run in hand, the third one exits at once."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

IMPATIENT = 3


@dataclass(slots=True)
class Interrupts:
    """How often the user asked to stop."""

    count: int = 0

    @property
    def wanted(self) -> bool:
        """Whether to stop after the run in hand."""
        return self.count > 0


@contextmanager
def interrupts(say: Callable[[str], None]) -> Iterator[Interrupts]:
    """Counts SIGINT and SIGTERM instead of dying of them; the third raises KeyboardInterrupt.

    Args:
        say: tells the user what will happen.
    """
    state = Interrupts()

    def handle(_signal: int, _frame: FrameType | None) -> None:
        state.count += 1
        if state.count >= IMPATIENT:
            raise KeyboardInterrupt
        if state.count == 1:
            say("stopping after the run in hand; press Ctrl-C twice more to exit at once")
        else:
            say("still finishing the run in hand; once more exits at once")

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield state
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
