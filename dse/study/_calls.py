"""Calls of a database that may never answer: told of, given up, and ended by an interrupt."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from dse.core.errors import DseError
from dse.core.retry import never
from dse.machine.measuring_lock import do_nothing

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    import sqlalchemy

T = TypeVar("T")
LOG = logging.getLogger(__name__)

POLL_S = 0.1
"""The time within which an interrupt is seen."""
SLOW_S = 5.0
"""After so long without an answer the user is told, and others may measure."""
ANSWER_S = 20.0
"""The longest wait for a server's answer to one statement."""
GRACE_S = 2.0
"""The longest wait for an answer after an interrupt."""
ENDING_S = 1.0
"""How long a call may take to notice that its connection was ended."""


class _Call(threading.Thread, Generic[T]):
    """Does work in a thread of its own; what came of it is in the queue."""

    def __init__(self, work: Callable[[], T]) -> None:
        super().__init__(daemon=True)
        self._work = work
        self._answer = SimpleQueue[tuple[bool, Any]]()

    def run(self) -> None:
        try:
            self._answer.put((True, self._work()))
        except BaseException as error:  # noqa: BLE001  # raised where the answer is waited for
            self._answer.put((False, error))

    def result(self, seconds: float) -> T:
        """What the work returns.

        Raises:
            Empty: it is not done yet; or what the work raises.
        """
        done, answer = self._answer.get(timeout=seconds)
        if done:
            return cast("T", answer)
        raise answer


def interruptible(work: Callable[[], T]) -> T:
    """Does work in a thread of its own, so that Ctrl-C ends the wait for it at once.

    Raises:
        KeyboardInterrupt: the user has asked to stop; or what the work raises.
    """
    call = _Call(work)
    call.start()
    while True:
        with suppress(Empty):
            return call.result(POLL_S)


class Calls:
    """Does work with a database, each time in a thread of its own.

    A thread that waits in a driver can't be interrupted, and the drivers of PostgreSQL don't limit
    the time that an answer takes.

    Args:
        engines: of the database.
        shown: its URL without the password.
    """

    def __init__(self, engines: Collection[sqlalchemy.Engine], shown: str) -> None:
        from sqlalchemy import event

        self._shown = shown
        # SQLite has a limit of its own, and waits for other processes within it.
        sqlite = any(engine.dialect.name == "sqlite" for engine in engines)
        self._max_silence_s = float("inf") if sqlite else ANSWER_S
        self._asked: float | None = None  # when, if an answer is waited for
        self._connection: Any = None
        self._current: threading.Thread | None = None
        handlers: dict[str, Callable[..., None]] = {
            **dict.fromkeys(("before_cursor_execute", "commit"), self._refuse_abandoned),
            **dict.fromkeys(("do_connect", "rollback", "reset"), self._ask),
            **dict.fromkeys(("after_cursor_execute", "checkin", "connect"), self._note_answer),
            "checkout": self._use,
        }
        for engine in engines:
            for name, handler in handlers.items():
                event.listen(engine, name, handler)
        # It tells of each connection that ends as it is given back, which is none of its users'.
        logging.getLogger("sqlalchemy.pool").addHandler(logging.NullHandler())

    def do(
        self,
        work: Callable[[], T],
        stopped: Callable[[], bool] = never,
        waits: Callable[[], None] = do_nothing,
        *,
        told: bool = False,
        max_silence_s: float | None = None,
    ) -> T:
        """Does work, and waits for what it returns.

        Args:
            work: is given up where the database does not answer.
            stopped: whether the user has asked to stop.
            waits: called once an answer is late.
            told: whether that is known: an earlier try has waited.
            max_silence_s: the longest wait for one answer, if not the usual one.

        Raises:
            DseError: there was no answer, which may pass; or what the work raises.
            KeyboardInterrupt: the user has asked to stop, and there was no answer.
        """
        limit_s = self._max_silence_s if max_silence_s is None else max_silence_s
        call = self._current = _Call(work)
        self._asked = None
        call.start()
        while True:
            with suppress(Empty):
                return call.result(POLL_S)
            silence = self._silence()
            if silence > (0 if told else GRACE_S) and stopped():
                raise KeyboardInterrupt
            if silence > SLOW_S and not told:
                told = True
                waits()
                LOG.warning("storage %s does not answer; waiting for it", self._shown)
            if silence > limit_s:
                return self._give_up(call, limit_s)

    def _silence(self) -> float:
        """For how many seconds an answer has been waited for."""
        asked = self._asked
        return 0.0 if asked is None else time.monotonic() - asked

    def _give_up(self, call: _Call[T], limit_s: float) -> T:
        """Ends the connection of a call, which fails then."""
        connection, self._connection = self._connection, None
        if hasattr(connection, "fileno"):
            with suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as end:
                end.shutdown(socket.SHUT_RDWR)
        with suppress(Empty, DseError):
            return call.result(ENDING_S)
        self._current = None
        silence = TimeoutError(f"no answer within {limit_s:g} s")
        raise DseError(f"storage {self._shown}: {silence}") from silence

    def _use(self, connection: Any, *_: object) -> None:
        self._connection = connection

    def _refuse_abandoned(self, *_: object) -> None:
        thread = threading.current_thread()
        if isinstance(thread, _Call) and thread is not self._current:
            # Its work was given up, and may have been done again by now.
            silence = TimeoutError("no answer in time")
            raise DseError(f"storage {self._shown}: {silence}") from silence
        self._ask()

    def _ask(self, *_: object) -> None:
        self._asked = time.monotonic()

    def _note_answer(self, *_: object) -> None:
        self._asked = None
