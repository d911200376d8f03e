"""The lock that lets a machine measure one thing at a time: parallel runs disturb each other."""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

from dse.core.paths import cache_dir, take_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

POLL_S = 0.05
"""Interval at which a waiting process tries again; it must hardly disturb the one that measures."""
MEASURING, NEXT = "mlperf-dse-measuring.lock", "mlperf-dse-next.lock"
WAITING = "another process measures on this machine; waiting for its run to end"
"""What tells the user that the lock is waited for."""


def do_nothing() -> None:
    """Does nothing: the default callback."""


class Turn:
    """The turn to measure, as `measuring_lock` gives it; true while this process has it.

    Attributes:
        given_up: how often others were let measure meanwhile.
    """

    def __init__(
        self, locks: tuple[int, int], stop: Callable[[], bool], waits: Callable[[], None]
    ) -> None:
        self._following, self._measuring = locks
        self._stop, self._waits = stop, waits
        self._has = self._said = False
        self.given_up = 0

    def __bool__(self) -> bool:
        return self._has

    def take(self) -> None:
        """Waits for it, unless it is told to stop."""
        # The holder of NEXT is the next to measure: so the last one can't overtake it.
        for descriptor in (self._following, self._measuring):
            while take_lock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB) is False:
                if self._stop():
                    fcntl.flock(self._following, fcntl.LOCK_UN)
                    return
                if not self._said:
                    self._waits()
                    self._said = True
                time.sleep(POLL_S)
        fcntl.flock(self._following, fcntl.LOCK_UN)
        self._has = True

    def give_up(self) -> None:
        """Lets others measure."""
        fcntl.flock(self._measuring, fcntl.LOCK_UN)
        self._has = self._said = False
        self.given_up += 1


_turn: ContextVar[Turn | None] = ContextVar("turn", default=None)


@contextmanager
def measuring_lock(
    stop: Callable[[], bool] = lambda: False, waits: Callable[[], None] = do_nothing
) -> Iterator[Turn]:
    """Waits until no other process measures on this machine, and holds the lock for the block.

    It holds for processes of all studies and commands: the locks lie in the system's folder for
    temporary files, and the system frees them however a process ends. A waiting process comes
    before one that has just released the lock. Containers with their own temporary folders, and
    file systems without locks, are not excluded. A process that holds the lock must not take it
    again.

    Args:
        stop: called while waiting; whether to give up.
        waits: called once, when waiting begins.

    Yields:
        The turn, which is true while the lock is held: not where `stop` ended the wait for it.
    """
    with ExitStack() as held:
        turn = Turn((_open(held, NEXT), _open(held, MEASURING)), stop, waits)
        turn.take()
        held.callback(_turn.reset, _turn.set(turn))
        yield turn


def is_measured() -> bool:
    """Whether some process measures on this machine right now.

    The lock is tried for an instant: a process that wants it just then tries again after `POLL_S`.
    """
    with ExitStack() as held:
        # False says that it is taken; None that this file system has no locks.
        return take_lock(_open(held, MEASURING), fcntl.LOCK_SH | fcntl.LOCK_NB) is False


@contextmanager
def turn_given_up() -> Iterator[None]:
    """Lets others measure for the block, and then waits for the turn again where it was held.

    After a block that raises it is not taken again.
    """
    turn = _turn.get()
    if turn:
        turn.give_up()
    yield
    if turn is not None:
        turn.take()


def _open(held: ExitStack, name: str) -> int:
    """Opens a lock file that all users share; if that is impossible, one of this user."""
    try:
        descriptor = _open_shared(Path(tempfile.gettempdir(), name))
    except OSError:
        folder = cache_dir()
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = _open_shared(folder / name)
    held.callback(os.close, descriptor)
    return descriptor


def _open_shared(path: Path) -> int:
    # Read access is enough to lock; in a folder that all may write, the kernel refuses to create
    # a file that another user has created (fs.protected_regular).
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(path, flags)
    except FileNotFoundError:
        # If another process is faster, its file is opened.
        descriptor = os.open(path, flags | os.O_CREAT, 0o644)
        if os.fstat(descriptor).st_uid == os.geteuid():
            os.fchmod(descriptor, 0o644)  # whatever the umask
        return descriptor
