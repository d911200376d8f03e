"""Evidence that one of two quantities is lower, from pairs whose values could be swapped.

On a shared machine noise has one side: most values crowd at a lower end, and others lie anywhere
above. Their mean tells little, their lower ends much. If two quantities were alike, it would be a
matter of luck which value of a pair, measured in random order, belongs to which of them. So a bet
on that, placed with what earlier pairs tell, gains nothing in the long run, whatever the shape of
the noise is, as long as both have the same.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from functools import lru_cache

LOWER_END = 0.1
"""The quantile at which values crowd that have noise of one side."""
MIN_BEFORE = 3
"""No bet is placed with fewer pairs before it."""
MAX_LOG_ODDS = 3.0
"""No bet is placed at larger odds: earlier pairs are only a rough guide."""
MIN_SCALE = 1e-9
MAX_KEPT = 1 << 14
"""Largest number of answers that stay in memory: each round asks for those of all pairs again."""


@lru_cache(maxsize=MAX_KEPT)
def swap_evidence(ours: tuple[float, ...], theirs: tuple[float, ...], difference: float) -> float:
    """How surely our quantity is lower than the other one plus a difference.

    Each pair multiplies a fortune by twice the probability that was given to its own order before.
    That is the order of two asymmetric Laplace distributions (K. Yu and R. A. Moyeed, Statistics
    and Probability Letters 54 (2001), 437-447) about the lower ends of all earlier pairs. If both
    were alike, the fortune would be a test martingale (G. Shafer, Journal of the Royal Statistical
    Society A 184 (2021), 407-431), and so exceed 1 / alpha with the chance alpha at most, ever.

    Args:
        ours: our value of each pair, in the order in which they were measured.
        theirs: the other one of each.
        difference: added to theirs.

    Returns:
        The logarithm of the fortune in the end; 0 where no bet was placed.
    """
    low, high = _Values(), _Values()
    fortune = 0.0
    for before, (our, other) in enumerate(zip(ours, theirs, strict=True)):
        value = our - difference
        if before >= MIN_BEFORE and low.end < high.end:
            scale = max((low.deviations + high.deviations) / (2 * before), MIN_SCALE)
            apart = min(max(other, low.end), high.end)
            apart -= min(max(value, low.end), high.end)
            odds = min(max(apart / scale, -MAX_LOG_ODDS), MAX_LOG_ODDS)
            fortune += math.log(2) - math.log1p(math.exp(-odds))
        low.add(value)
        high.add(other)
    return fortune


class _Values:
    """The values of one quantity so far.

    Attributes:
        end: the lower one, a quantile of them.
        deviations: from it, added up; those below count more, as they are fewer.
    """

    def __init__(self) -> None:
        self._sorted: list[float] = []
        self._sum = 0.0
        self.end = self.deviations = 0.0

    def add(self, value: float) -> None:
        """Takes in a value."""
        insort(self._sorted, value)
        self._sum += value
        place, part = divmod(LOWER_END * (len(self._sorted) - 1), 1)
        low, *above = self._sorted[int(place) : int(place) + 2]
        self.end = end = low + part * (above[0] - low) if above else low
        below = self._sorted[: bisect_left(self._sorted, end)]
        self.deviations = LOWER_END * (self._sum - len(self._sorted) * end)
        self.deviations += len(below) * end - sum(below)
