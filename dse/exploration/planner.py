"""What comes next: a configuration that was never measured, one to measure again, or the anchor."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dse.exploration import _remeasuring
from dse.study.record import Purpose

if TYPE_CHECKING:
    from dse.core.configuration import Configuration
    from dse.core.measurement import FidelityName
    from dse.exploration._pool import Pool
    from dse.exploration._samplers import Sampler
    from dse.study.results import StudyResults
    from dse.study.rounds import RoundPlace

ANCHOR_EVERY_S = 120.0
"""The anchor takes two or three seconds, so a fiftieth of the time."""


@dataclass(frozen=True, slots=True)
class Step:
    """Something to measure.

    Attributes:
        configuration: what.
        purpose: why.
        fidelity: how long.
        metrics: what of it to take again; empty where it has never been measured.
        round: the place of the step in a round, if it is of one.
    """

    configuration: Configuration
    purpose: Purpose
    fidelity: FidelityName = "probe"
    metrics: tuple[str, ...] = ()
    round: RoundPlace | None = None


class StepPlanner:
    """Decides step by step.

    Args:
        results: of the study.
        pool: what was never measured.
        sampler: chooses from it.
        again: whether to measure anything again, the anchor included.
    """

    def __init__(self, results: StudyResults, pool: Pool, sampler: Sampler, *, again: bool) -> None:
        self._results = results
        self._pool = pool
        self._sampler = sampler
        self._again = again
        self._put_off: Step | None = None
        # A study that goes on first looks whether the machine is still what it was.
        self._anchored = float("-inf") if results.records else time.monotonic()

    def next(self, *, exploring: bool, repeating: bool = True) -> Step | None:
        """The next step; None when nothing is left to do.

        Args:
            exploring: whether to go on with configurations that were never measured.
            repeating: whether there is time to measure again.
        """
        step, self._put_off = self._put_off, None
        # While the anchor was measured, others may have been faster, or what is known enough.
        if step is None or not exploring or step.configuration not in self._pool:
            step = self._work(exploring=exploring, repeating=repeating)
        if step is None or step.purpose is Purpose.ANCHOR or not self._anchor_due():
            return step
        self._put_off = step
        self.note_anchor()
        return self._anchor()

    def idle(self, *, repeating: bool) -> bool:
        """Whether nothing is left to explore, and nothing to repeat.

        Args:
            repeating: whether there is time to measure again.
        """
        return not self._pool.left and self._work(exploring=True, repeating=repeating) is None

    def _work(self, *, exploring: bool, repeating: bool) -> Step | None:
        if exploring and len(self._pool):
            return Step(self._sampler.propose(), Purpose.EXPLORE)
        if not self._again or not repeating:
            return None
        if _remeasuring.noise_unknown(self._results):
            self.note_anchor()
            return self._anchor()
        if found := _remeasuring.next_drifted(self._results):
            return Step(found[0].configuration, Purpose.REPEAT, "probe", tuple(found[1]))
        if found := _remeasuring.next_for_noise(self._results):
            return Step(found[0].configuration, Purpose.REPEAT, "probe", tuple(found[1]))
        return None

    def _anchor_due(self) -> bool:
        if not self._again or self._results.anchor is None:
            return False
        overdue = time.monotonic() - self._anchored > ANCHOR_EVERY_S
        return overdue or _remeasuring.anchor_in_doubt(self._results)

    def due_anchor(self) -> Step | None:
        """The anchor, where it is due; a round has it as a member."""
        return self._anchor() if self._anchor_due() else None

    def note_anchor(self) -> None:
        """Notes that the anchor is measured now."""
        self._anchored = time.monotonic()

    def _anchor(self) -> Step | None:
        anchor = self._results.anchor
        if anchor is None:
            return None
        metrics = tuple(m.metric for m in self._results.timed(anchor.outcome))
        return Step(anchor.configuration, Purpose.ANCHOR, "probe", metrics)
