"""When to stop: the user asks for it, or the rest is not expected to add to the frontier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from dse.exploration._samplers import Sampler

MIN_OUTCOMES = 20
"""Outcomes before anything is left out: the model needs to have seen some of the space."""
MIN_AGREEING = 3
"""Estimates in a row that have to agree: each of them is drawn at random."""


@dataclass(slots=True)
class Interrupts:
    """How often the user asked to stop."""

    count: int = 0

    @property
    def wanted(self) -> bool:
        """Whether to stop after the run in hand."""
        return self.count > 0


class StoppingRule:
    """Asks a sampler what is left to be gained.

    Args:
        sampler: one that doesn't know never has enough.
        least_gain: the share of the present hypervolume below which it is enough; 0 for never.
        tell: called with the share of the final hypervolume that is estimated to be found.
    """

    def __init__(self, sampler: Sampler, least_gain: float, tell: Callable[[float], None]) -> None:
        self._sampler = sampler
        self._least_gain = least_gain
        self._tell = tell
        self._below = 0
        # Before the first step: a study that goes on may have had enough already.
        self._asking = MIN_AGREEING

    def should_stop(self, outcomes: int) -> bool:
        """Whether to measure nothing further for the first time.

        Args:
            outcomes: how many configurations have one.
        """
        asking, self._asking = self._asking, 1
        if outcomes < MIN_OUTCOMES or not self._least_gain:
            return False
        for _ in range(min(asking, MIN_AGREEING - self._below)):
            remaining = self._sampler.remaining()
            if remaining is None:
                return False
            self._tell(1 / (1 + remaining))
            self._below = self._below + 1 if remaining < self._least_gain else 0
        return self._below >= MIN_AGREEING
