"""Ctrl-C: the first one finishes the run in hand, the third one exits at once."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dse.exploration.stopping import Interrupts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

MAX_INTERRUPTS = 3
"""This many are not waited for any longer."""


@contextmanager
def interrupts(
    say: Callable[[str], None], still: Callable[[], str] = lambda: ""
) -> Iterator[Interrupts]:
    """Counts SIGINT and SIGTERM instead of dying of them; the third raises KeyboardInterrupt.

    Args:
        say: tells the user what will happen.
        still: how much longer the run in hand takes, as words to follow it.
    """
    state = Interrupts()

    def handle(_signal: int, _frame: FrameType | None) -> None:
        state.count += 1
        if state.count >= MAX_INTERRUPTS:
            raise KeyboardInterrupt
        if state.count == 1:
            say(f"stopping after the run in hand{still()}; press Ctrl-C twice more to exit at once")
        else:
            say(f"still finishing the run in hand{still()}; once more exits at once")

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield state
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
