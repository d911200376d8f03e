"""Trying again what fails now and may work later: a full disk, a server that restarts."""

from __future__ import annotations

import logging
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from dse.core.errors import DseError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

LOG = logging.getLogger(__name__)
POLL_S = 0.1
"""The time within which an interrupt ends a pause."""


def never() -> bool:
    """Does not stop: the default callback."""
    return False


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long to try, and who is told.

    Attributes:
        max_seconds: after which a failure is final.
        max_attempts: after which one is final; attempts that made progress do not count.
        first_pause_s: before the second attempt; each further pause is twice as long.
        max_pause_s: the longest pause.
        stopped: whether the user has asked to stop.
    """

    max_seconds: float = math.inf
    max_attempts: float = math.inf
    first_pause_s: float = 0.1
    max_pause_s: float = 10.0
    stopped: Callable[[], bool] = never

    def run(
        self,
        work: Callable[[], T],
        is_transient: Callable[[DseError], bool],
        progressed: Callable[[], bool] = never,
        waits: Callable[[], None] = lambda: None,
    ) -> T:
        """Does something until it succeeds; the log warns once of a wait for seconds.

        The second attempt follows soon and without a word.

        Args:
            work: what to do; it must bear being done again.
            is_transient: whether another attempt may succeed after an error.
            progressed: whether an attempt that failed has brought the work forward.
            waits: called when the second attempt has failed as well.

        Raises:
            DseError: it goes on failing, or in a way that does not pass.
            KeyboardInterrupt: the user has asked to stop meanwhile.
        """
        begun, attempts, failed, pause = time.monotonic(), 0, 0, self.first_pause_s
        while True:
            try:
                return work()
            except DseError as error:
                if progressed():
                    attempts, pause = 0, self.first_pause_s
                attempts += 1
                late = time.monotonic() - begun > self.max_seconds
                if late or attempts >= self.max_attempts or not is_transient(error):
                    raise
                failed += 1
                if failed == 2:
                    waits()
                    if math.isfinite(self.max_seconds):
                        LOG.warning("%s; waiting for it, at most %g s", error, self.max_seconds)
            self._pause(pause)
            pause = min(2 * pause, self.max_pause_s)

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self.stopped():
                raise KeyboardInterrupt
            time.sleep(min(left, POLL_S))
