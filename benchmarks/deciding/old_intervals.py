"""Intervals of values as they were before: each value counts alone, whatever time it is from."""

from __future__ import annotations

import math
from statistics import NormalDist, median, variance
from typing import TYPE_CHECKING

from dse.core.intervals import Spread, bulk_deviation, student_t

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_PRIOR_DEGREES = 6
MAX_NEIGHBOURS = 9
ROBUST_EFFICIENCY = 0.5


def pool_spread(groups: Iterable[Sequence[float]]) -> Spread | None:
    """The spread within groups of repeated values; None if nothing was repeated.

    Args:
        groups: positive values; each group has the values of one quantity in the order measured.
    """
    squares, degrees = 0.0, 0
    gaps: list[tuple[float, float]] = []
    for values in groups:
        if len(values) > 1:
            logs = [math.log(value) for value in values]
            own = len(logs) - 1
            squares += variance(logs) * own
            degrees += own
            apart = [
                abs(b - a) for n, a in enumerate(logs) for b in logs[n + 1 : n + MAX_NEIGHBOURS]
            ]
            gaps += ((gap, own / len(apart)) for gap in apart)
    if not degrees:
        return None
    bulk = _weighted_median(gaps) / (math.sqrt(2) * NormalDist().inv_cdf(0.75))
    return Spread(math.sqrt(squares / degrees), bulk, degrees)


def confidence_interval(
    values: Sequence[float], known: Spread | None
) -> tuple[float, float] | None:
    """The interval (95 %) of the median of repeated values; None where nothing tells it.

    Args:
        values: positive values, each from a process of its own.
        known: the spread of such measurements in general.
    """
    logs = [math.log(value) for value in values]
    own, prior = float(len(logs) - 1), float(known.degrees if known else 0)
    error, general = 1.0, known.sd if known else 0.0
    if len(logs) > 2:  # the median of one or two is their mean
        own, prior = ROBUST_EFFICIENCY * own, ROBUST_EFFICIENCY * prior
        error, general = math.sqrt(math.pi / 2), known.bulk if known else 0.0
    prior = min(prior, MAX_PRIOR_DEGREES)
    degrees = own + prior
    if not degrees:
        return None
    squares = prior * general**2 + (own * bulk_deviation(logs) ** 2 if own else 0.0)
    half = student_t(degrees) * error * math.sqrt(squares / degrees / len(logs))
    centre = median(logs)
    return math.exp(centre - half), math.exp(centre + half)


def _weighted_median(weighted: list[tuple[float, float]]) -> float:
    weighted.sort()
    half, reached = sum(weight for _, weight in weighted) / 2, 0.0
    for value, weight in weighted:
        reached += weight
        if reached >= half:
            return value
    return weighted[-1][0]
