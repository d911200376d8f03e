"""Waits for a storage that fails at work: it may come back."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from dse.core.errors import DseError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

PATIENCE_S = 300.0
"""Within so long a disk is cleared, a server restarted, a folder mounted again; or not at all."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 10.0
LOOK_S = 0.1
"""How soon an interrupt ends a pause."""
PASSING = frozenset(
    {
        *(sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL),
        *(sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM),
        *(sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_AUTH),
    }
)
"""SQLite's primary result codes of what may pass; not damage, nor a database of something else."""


def _say_nothing(_: str) -> None:
    pass


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, and who is told.

    Attributes:
        seconds: after which the failure is final.
        say: tells the user that something is waited for.
        stopped: whether the user has asked to stop.
    """

    seconds: float = PATIENCE_S
    say: Callable[[str], None] = _say_nothing
    stopped: Callable[[], bool] = _never

    def attempt(self, work: Callable[[], T]) -> T:
        """Does something until it succeeds; what it does must bear being done twice.

        Raises:
            DseError: it goes on failing, or in a way that does not pass.
            KeyboardInterrupt: the user has asked to stop meanwhile.
        """
        begun, pause, said = time.monotonic(), FIRST_PAUSE_S, False
        while True:
            try:
                return work()
            except DseError as error:
                if time.monotonic() - begun > self.seconds or not passes(error):
                    raise
                if not said:
                    self.say(f"{error}; waiting for it, at most {self.seconds:g} s")
                    said = True
            self._pause(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self.stopped():
                raise KeyboardInterrupt
            time.sleep(min(left, LOOK_S))


def passes(error: BaseException) -> bool:
    """Whether the cause of an error is one that passes: locked, gone, full, not writable."""
    import sqlalchemy

    cause: BaseException | None = error
    while not isinstance(cause, (sqlalchemy.exc.DBAPIError, OSError)):
        if cause is None:
            return False
        cause = cause.__cause__
    if isinstance(cause, OSError):
        return True
    code = getattr(cause.orig, "sqlite_errorcode", None)
    if code is not None:
        return code & 0xFF in PASSING
    return cause.connection_invalidated or isinstance(
        cause, (sqlalchemy.exc.OperationalError, sqlalchemy.exc.InterfaceError)
    )
