"""What the rounds of two rivals tell: how far apart they are, and how well that is known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dse.core.swaps import MIN_BEFORE, swap_evidence

if TYPE_CHECKING:
    from dse.core.confidence_sequence import Series

BISECTIONS = 12
"""How often the ends of an interval are halved in on."""


@dataclass(frozen=True, slots=True)
class Rivals:
    """Two configurations in a metric, by the logarithms of their values within rounds.

    Two kinds of evidence are averaged, so either suffices: that of the mean of the ratios, which
    tells large differences after few rounds, and that of the order of both values, which needs more
    of them and stands noise of any shape, if both have the same. The order counts only on the side
    of the mean.

    Attributes:
        series: the differences of both in the order of the rounds, less where the first is better.
        ours: the values of the first; less is better.
        theirs: those of the second.
        alike: whether both load the machine alike, and so have noise of one shape; else their order
            tells nothing.
    """

    series: Series
    ours: tuple[float, ...]
    theirs: tuple[float, ...]
    alike: bool

    @property
    def count(self) -> int:
        """The number of rounds."""
        return self.series.count

    @property
    def centre(self) -> float:
        """The difference."""
        return self.series.centre

    def evidence(self, difference: float) -> float:
        """The logarithm of the evidence that the true difference is not this one, on its side."""
        mean = self.series.evidence(difference)
        if not self.alike:
            return mean
        if self.centre < difference:
            order = swap_evidence(self.ours, self.theirs, difference)
        else:
            order = swap_evidence(self.theirs, self.ours, -difference)
        return _average(mean, order)

    def excludes(self, difference: float, alpha: float) -> bool:
        """Whether the true difference is not this one.

        Args:
            difference: any.
            alpha: the chance of an error, however often one looks.
        """
        enough = -math.log(alpha)
        if self.alike:
            # A bet doubles a fortune at most: with few of them it need not be worked out.
            most = max(0, self.count - MIN_BEFORE) * math.log(2)
            if _average(self.series.evidence(difference), most) < enough:
                return False
        return self.evidence(difference) >= enough

    def interval(self, alpha: float) -> tuple[float, float]:
        """Between which ends the true difference lies.

        Args:
            alpha: see `excludes`.
        """
        reach = self.series.half_width(alpha / 2)
        return self._end(-reach, alpha), self._end(reach, alpha)

    def _end(self, reach: float, alpha: float) -> float:
        inside, outside = self.centre, self.centre + reach
        if math.isinf(reach):
            return outside
        for _ in range(BISECTIONS):
            middle = (inside + outside) / 2
            if self.excludes(middle, alpha):
                outside = middle
            else:
                inside = middle
        return outside

    def needed(self, tie: float, alpha: float) -> float:
        """The number of rounds, these included, until it is decided, if it is what it seems to be.

        Args:
            tie: a smaller difference is none.
            alpha: see `excludes`.

        Returns:
            Infinite where nothing tells it.
        """
        centre = abs(self.centre)
        aim = max(centre, tie - centre)
        if not aim:
            return math.inf
        supposed = 0.0 if aim == centre else math.copysign(tie, self.centre)
        enough, by_now = -math.log(alpha), self.evidence(supposed)
        needed = self.series.needed(aim, alpha / 2)
        if by_now > 1:  # less is a matter of luck
            needed = min(needed, max(self.count + 1, math.ceil(self.count * enough / by_now)))
        return needed


def _average(mean: float, order: float) -> float:
    """The logarithm of the average of all evidence: the mean is half of it.

    The mean has two sides, and the order only one: each of its sides is a quarter.
    """
    mean, order = mean - math.log(2), order - math.log(4)
    return max(mean, order) + math.log1p(math.exp(-abs(mean - order)))
