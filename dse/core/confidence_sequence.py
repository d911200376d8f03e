"""Confidence intervals that hold however often one looks, and whenever one stops.

An interval for a fixed number of values is wrong where measuring goes on until something is
decided. A confidence sequence holds at all numbers of values at once.

That is exact for normal values with a known prior. Here outliers are drawn in and the prior comes
from other pairs, anew at each look: that the level holds all the same is shown by simulations and
by studies of one model under two names (docs/deciding.md).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from dse.core.intervals import bulk_deviation, student_t

if TYPE_CHECKING:
    from collections.abc import Sequence

EFFECT = 5.0
"""The difference that is looked for soonest, in standard deviations of a single value. Any number
is valid; a large one decides large differences after few values, a small one small ones sooner."""
MAX_PRIOR_DEGREES = 6.0
"""The largest weight of the spread of other quantities, in further values."""
CLIP = 3.0
"""Values farther from the median than this number of standard deviations are taken as so far."""
MIN_OWN_VALUES = 4
"""With fewer values their own spread tells nothing of which of them are outliers."""
MAX_ROUNDS = 1e6
"""No estimate of what is needed looks further."""


@dataclass(frozen=True, slots=True)
class Prior:
    """What other series tell of the spread of such values.

    Attributes:
        sd: the standard deviation with outliers drawn in as far as `CLIP` allows.
        degrees: the number of values that this counts as, at most `MAX_PRIOR_DEGREES`.
    """

    sd: float
    degrees: float


NOTHING = Prior(0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Series:
    """What is known of the centre of a series of values.

    Attributes:
        count: the number of values.
        centre: their mean; outliers are drawn in before.
        squares: their squares about the centre.
        prior: what others tell of the spread.
    """

    count: int
    centre: float
    squares: float
    prior: Prior = NOTHING

    @classmethod
    def of(cls, values: Sequence[float], bulk: float = 0.0) -> Series:
        """Takes in values in any order.

        Args:
            values: at least one; independent, and spread evenly about their centre.
            bulk: the standard deviation without outliers, as far as others tell it.
        """
        drawn = _draw_in(values, bulk)
        centre = sum(drawn) / len(drawn)
        return cls(len(drawn), centre, sum((value - centre) ** 2 for value in drawn))

    @property
    def _sum(self) -> float:
        return self.squares + self.prior.degrees * self.prior.sd**2

    @property
    def sd(self) -> float:
        """The standard deviation of a value; NaN for a single one with nothing beside it."""
        degrees = self.count - 1 + self.prior.degrees
        return math.sqrt(self._sum / degrees) if degrees else math.nan

    @property
    def reach(self) -> float:
        """Half the length of an interval of 95 % at a single look."""
        degrees = self.count - 1 + self.prior.degrees
        return student_t(degrees) * self.sd / math.sqrt(self.count) if degrees else math.nan

    def half_width(self, alpha: float) -> float:
        """Half the length of the interval about the centre.

        Args:
            alpha: the chance that the true centre is ever outside, at any number of values.

        Returns:
            Infinite where there are too few values to tell.
        """
        return half_width(self.count, self._sum, self.prior.degrees, alpha)

    def evidence(self, centre: float) -> float:
        """The logarithm of the evidence against a supposed centre, at this number of values."""
        return log_evidence(self.count, self._sum, self.prior.degrees, self.centre - centre)

    def needed(self, aim: float, alpha: float) -> float:
        """The number of values, these included, at which the interval is about so narrow.

        Args:
            aim: half its length, more than 0.
            alpha: see `half_width`.
        """
        degrees = max(self.prior.degrees, 1.0)
        return values_needed(aim, self.sd, alpha, degrees, more_than=self.count)


def log_evidence(count: int, squares: float, degrees: float, difference: float) -> float:
    """The logarithm of the evidence against a supposed centre.

    If that is the true one, it is ever above -log(alpha) with a chance of alpha at most.

    Args:
        count: the number of values.
        squares: sum of the squares about their mean, and of the prior's.
        degrees: the degrees of the prior.
        difference: of their mean to the supposed centre.

    Source: the values are normal with an unknown standard deviation, whose prior is a scaled
    inverse chi squared (G. K. Smyth, Statistical Applications in Genetics and Molecular Biology 3
    (2004), article 3) or, without one, flat in its logarithm; a difference from a supposed centre
    is normal with the standard deviation `EFFECT` times that of a value. The ratio of both
    likelihoods, integrated over the standard deviation, is a test martingale (T. L. Lai, Annals of
    Statistics 4 (1976), 265-280; H. Wang and A. Ramdas, Sequential Analysis 44 (2025), 56-110), so
    Ville's inequality bounds it.
    """
    scale = 1 + count * EFFECT**2
    between = count * difference**2
    if not squares + between:  # all values, and what is supposed, are the same
        return -math.log(scale) / 2
    ratio = (squares + between) / (squares + between / scale)
    return (count + degrees) / 2 * math.log(ratio) - math.log(scale) / 2


def half_width(count: int, squares: float, degrees: float, alpha: float) -> float:
    """Half the length of an interval that holds at all numbers of values at once.

    Args:
        count: the number of values.
        squares: sum of the squares about their mean, and of the prior's.
        degrees: the degrees of the prior.
        alpha: the chance of a miss.

    Returns:
        The difference at which `log_evidence` is -log(alpha); infinite where there is none.
    """
    scale = 1 + count * EFFECT**2
    bound = (math.sqrt(scale) / alpha) ** (2 / (count + degrees))
    if bound >= scale:
        return math.inf
    return math.sqrt(squares * (bound - 1) / (count * (1 - bound / scale)))


def values_needed(
    aim: float, sd: float, alpha: float, degrees: float = MAX_PRIOR_DEGREES, more_than: int = 0
) -> float:
    """The number of values at which the interval is about as narrow as wanted.

    Args:
        aim: half its length, more than 0.
        sd: the standard deviation of a value.
        alpha: the chance of a miss.
        degrees: of what is known of the spread beforehand.
        more_than: the smallest answer is one more.

    Returns:
        A whole number; infinite beyond `MAX_ROUNDS`, or where the spread is not known.
    """
    if math.isnan(sd):
        return math.inf

    def enough(count: int) -> bool:
        return half_width(count, sd**2 * (count - 1 + degrees), degrees, alpha) <= aim

    high = max(more_than + 1, 2)
    while not enough(high):
        high *= 2
        if high > MAX_ROUNDS:
            return math.inf
    low = more_than
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if middle and enough(middle) else (middle, high)
    return float(high)


def rounds_needed(difference: float, sd: float, alpha: float = 0.05) -> float:
    """The rounds until two rivals are told apart.

    Args:
        difference: of the logarithms of their values.
        sd: the standard deviation of that difference within a round.
        alpha: the chance of a false decision, divided by the number of open pairs.
    """
    return values_needed(abs(difference), sd, alpha)


def _draw_in(values: Sequence[float], bulk: float) -> list[float]:
    """Values with outliers drawn in towards their median."""
    if len(values) >= MIN_OWN_VALUES:
        bulk = max(bulk, bulk_deviation(values))
    if not bulk:
        return list(values)
    middle = median(values)
    low, high = middle - CLIP * bulk, middle + CLIP * bulk
    return [min(max(value, low), high) for value in values]
