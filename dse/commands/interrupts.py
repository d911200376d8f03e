"""Ctrl-C: the first one finishes the run in hand, the third one exits at once."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING

from dse.exploration.stopping import Interrupts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

INTERRUPTED = 130
"""The exit code of a command that was interrupted."""
MAX_INTERRUPTS = 3
"""The number of interrupts that end everything at once."""
SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def interrupts(
    say: Callable[[str], None], still: Callable[[], str] = lambda: ""
) -> Iterator[Interrupts]:
    """Counts SIGINT and SIGTERM instead of dying of them; the third raises KeyboardInterrupt.

    A thread tells the user: a signal may arrive while a line is written, and no handler may write
    into the same stream then.

    Args:
        say: tells the user what will happen.
        still: how much longer the run in hand takes, as words to follow it.
    """
    state = Interrupts()
    lines = SimpleQueue[str | None]()

    def tell() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # they have to wake the main thread
        for line in iter(lines.get, None):
            say(line)

    def handle(_signal: int, _frame: FrameType | None) -> None:
        state.count += 1
        if state.count >= MAX_INTERRUPTS:
            raise KeyboardInterrupt
        if state.count == 1:
            now = "stopping after the run in hand"
            lines.put(f"{now}{still()}; press Ctrl-C twice more to exit at once")
        else:
            lines.put(f"still finishing the run in hand{still()}; once more exits at once")

    teller = Thread(target=tell)
    teller.start()
    before = {number: signal.signal(number, handle) for number in SIGNALS}
    try:
        yield state
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        lines.put(None)
        teller.join()
