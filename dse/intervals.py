"""Confidence intervals of measured values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist, median, variance
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PRIOR_DEGREES = 6
"""How much the spread of other quantities counts at most, in repetitions."""


def wilson(good: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a proportion.

    Args:
        good: how many of the trials succeeded.
        total: how many there were, at least one.
        confidence: coverage, as a fraction.

    Returns:
        Lower and upper bound, as fractions.

    Source: E. B. Wilson, Journal of the American Statistical Association 22 (1927), 209-212.
    """
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = good / total
    centre = share + z * z / (2 * total)
    spread = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    scale = 1 + z * z / total
    # Rounding must not put the share itself outside where it is 0 or 1.
    return (
        min(share, max(0.0, (centre - spread) / scale)),
        max(share, min(1.0, (centre + spread) / scale)),
    )


def student_t(degrees: float, confidence: float = 0.95) -> float:
    """The two-sided quantile of Student's t distribution.

    Args:
        degrees: of freedom, at least one; the result for others than whole ones is interpolated.
        confidence: coverage, as a fraction.

    Source: exact for one and two degrees; else G. W. Hill, Algorithm 396, Communications of the
    ACM 13 (1970), 619-620, good to six digits from three degrees on.
    """
    tail = 1 - confidence
    if degrees <= 1:
        return 1 / math.tan(tail * math.pi / 2)
    if degrees == 2:  # has a closed form
        return math.sqrt(2 / (tail * (2 - tail)) - 2)
    a = 1 / (degrees - 0.5)
    b = 48 / (a * a)
    c = ((20700 * a / b - 98) * a - 16) * a + 96.36
    d = ((94.5 / (b + c) - 3) / b + 1) * math.sqrt(a * math.pi / 2) * degrees
    y = (d * tail) ** (2 / degrees)
    if y > 0.05 + a:
        x = NormalDist().inv_cdf(tail / 2)
        y = x * x
        if degrees < 5:  # as the algorithm has it
            c += 0.3 * (degrees - 4.5) * (x + 0.6)
        c = (((0.05 * d * x - 5) * x - 7) * x - 2) * x + b + c
        y = (((((0.4 * y + 6.3) * y + 36) * y + 94.5) / c - y - 3) / b + 1) * x
        y = math.expm1(a * y * y)
    else:
        y = (
            (1 / (((degrees + 6) / (degrees * y) - 0.089 * d - 0.822) * (degrees + 2) * 3))
            + 0.5 / (degrees + 4)
        ) * y - 1
        y = y * (degrees + 1) / (degrees + 2) + 1 / ((d * tail) ** (2 / degrees))
    return math.sqrt(degrees * y)


@dataclass(frozen=True, slots=True)
class Spread:
    """How far repeated values of one quantity lie apart.

    Attributes:
        sd: standard deviation of their natural logarithms.
        degrees: of freedom behind it, at least one.
    """

    sd: float
    degrees: int


def pooled(groups: Iterable[Sequence[float]]) -> Spread | None:
    """The spread within groups of repeated values; None where nothing was repeated.

    Args:
        groups: positive values, each group of one quantity.
    """
    squares, degrees = 0.0, 0
    for values in groups:
        if len(values) > 1:
            logs = [math.log(value) for value in values]
            squares += variance(logs) * (len(logs) - 1)
            degrees += len(logs) - 1
    return Spread(math.sqrt(squares / degrees), degrees) if degrees else None


def typical(values: Sequence[float]) -> float:
    """The median of positive values, of their logarithms: one disturbed run does not move it."""
    return math.exp(median(map(math.log, values))) if len(values) > 1 else values[0]


def repeated(values: Sequence[float], known: Spread | None) -> tuple[float, float] | None:
    """The confidence interval (95 %) of what repeated measurements typically give (`typical`).

    What varies most is what differs from one process to the next, and few repetitions tell little
    of it. So a quantity's own variance is moderated by the one known from others, which counts as
    `PRIOR_DEGREES` further repetitions at most.

    Args:
        values: positive, each from a process of its own.
        known: the spread of such measurements in general.

    Returns:
        Lower and upper bound; None where neither the values nor ``known`` tell of any spread.

    Source: G. K. Smyth, Statistical Applications in Genetics and Molecular Biology 3 (2004),
    article 3 (the moderated t statistic, its prior degrees of freedom fixed instead of fitted);
    that repetitions of the process are what counts: T. Kalibera and R. Jones, Rigorous
    benchmarking in reasonable time, ISMM 2013. A median's standard error is that of the mean,
    times at most the square root of pi / 2.
    """
    logs = [math.log(value) for value in values]
    own = len(logs) - 1
    prior = min(known.degrees, PRIOR_DEGREES) if known else 0
    degrees = own + prior
    if not degrees:
        return None
    squares = (own * variance(logs) if own else 0.0) + (prior * known.sd**2 if known else 0.0)
    error = math.sqrt(squares / degrees / len(logs))
    if len(logs) > 2:  # of one or two the median is the mean
        error *= math.sqrt(math.pi / 2)
    half, centre = student_t(degrees) * error, median(logs)
    return math.exp(centre - half), math.exp(centre + half)
