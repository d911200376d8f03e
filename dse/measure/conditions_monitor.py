"""What else the machine did while a worker measured: asked between its runs, never during one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.machine.conditions import MIN_SPAN_S, conditions_between
from dse.machine.sample import cpu_seconds, sample

if TYPE_CHECKING:
    from dse.machine.conditions import Conditions


class ConditionsMonitor:
    """Tells what happened since it last told; begins when it is made.

    Args:
        pid: of the worker.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._before = sample()
        self._cpu_s = cpu_seconds(pid)
        self._last: Conditions | None = None

    def conditions(self) -> Conditions:
        """Of the time since the worker's last answer.

        Answers that follow closely are of the same run, and get the same conditions.
        """
        now, cpu_s = sample(), cpu_seconds(self._pid)
        if self._last is not None and now.monotonic_s - self._before.monotonic_s < MIN_SPAN_S:
            return self._last
        own = None if cpu_s is None or self._cpu_s is None else cpu_s - self._cpu_s
        self._last = conditions_between(self._before, now, own)
        self._before, self._cpu_s = now, cpu_s
        return self._last
