"""Confidence intervals of measured values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import accumulate
from statistics import NormalDist, median, stdev, variance
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_PRIOR_DEGREES = 6
"""Largest weight of the spread of other quantities, in degrees of freedom."""
MAX_NEIGHBOURS = 9
"""Values of a series are compared with each other if they lie within a window of this length."""
ROBUST_EFFICIENCY = 0.5
"""Efficiency of a robust estimate: it needs about twice as many values as a standard deviation. The
efficiency of the median deviation is 0.37, that of the median difference 0.86 (for many values)."""
MAD_CORRECTIONS = {3: 1.495, 4: 1.363, 5: 1.206, 6: 1.200, 7: 1.140, 8: 1.129, 9: 1.107}
"""Factor by which the median deviation of N normal values is too small, by N."""


def wilson(good: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a proportion.

    Args:
        good: number of successful trials.
        total: number of trials, at least one.
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
    # Rounding must not exclude the share itself if that is 0 or 1.
    return (
        min(share, max(0.0, (centre - spread) / scale)),
        max(share, min(1.0, (centre + spread) / scale)),
    )


def student_t(degrees: float, confidence: float = 0.95) -> float:
    """The two-sided quantile of Student's t distribution.

    Args:
        degrees: degrees of freedom, at least one; results between whole numbers are interpolated.
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
    """The spread of repeated values of one quantity, in logarithms.

    Now and then a process is far slower than the others. A single value may come from such a
    process, so its error is described by the standard deviation. Such a process does not move a
    median, whose error is described by the spread of the bulk of the values.

    Attributes:
        sd: standard deviation.
        bulk: standard deviation of a normal distribution that fits the bulk.
        degrees: degrees of freedom of the standard deviation, at least one.
    """

    sd: float
    bulk: float
    degrees: int


def pool_spread(groups: Iterable[Sequence[float]]) -> Spread | None:
    """Estimates the spread within groups of repeated values; None if nothing was repeated.

    Args:
        groups: positive values; each group has the values of one quantity in the order measured.

    Source: the spread of the bulk is the median difference of two values of one quantity, divided
    by that of a standard normal distribution (P. J. Bickel and E. L. Lehmann, Descriptive
    statistics for nonparametric models IV: Spread, Contributions to Statistics: Hajek Memorial
    Volume (1979), 33-40). Groups are weighted by their degrees of freedom. The estimate tolerates
    29 % of outliers.
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


def _weighted_median(weighted: list[tuple[float, float]]) -> float:
    weighted.sort()
    half = sum(weight for _, weight in weighted) / 2
    reached = accumulate(weight for _, weight in weighted)
    # The sums are rounded differently, so the last one may fall short.
    return next(
        (v for (v, _), sofar in zip(weighted, reached, strict=True) if sofar >= half),
        weighted[-1][0],
    )


def typical_value(values: Sequence[float]) -> float:
    """The median of positive values (of their logarithms): one disturbed run does not move it."""
    return math.exp(median(map(math.log, values))) if len(values) > 1 else values[0]


def confidence_interval(
    values: Sequence[float], known: Spread | None
) -> tuple[float, float] | None:
    """The confidence interval (95 %) of `typical_value` of repeated measurements.

    Most of the variance lies between processes, and a few repetitions estimate it poorly. So a
    quantity's own variance is moderated by that of other quantities, whose weight is at most
    `MAX_PRIOR_DEGREES` further repetitions. From three values on the median resists an outlier,
    and both variances are those of the bulk.

    Args:
        values: positive values, each from a process of its own.
        known: the spread of such measurements in general.

    Returns:
        Lower and upper bound; None if neither the values nor ``known`` give a spread.

    Source: G. K. Smyth, Statistical Applications in Genetics and Molecular Biology 3 (2004),
    article 3 (the moderated t statistic, with fixed instead of fitted prior degrees of freedom);
    T. Kalibera and R. Jones, Rigorous benchmarking in reasonable time, ISMM 2013 (repetitions of
    the process are what counts). A median's standard error is at most that of the mean times the
    square root of pi / 2.
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


def bulk_deviation(values: Sequence[float]) -> float:
    """The standard deviation of the bulk, from the median deviation; of two values, their own.

    Args:
        values: at least two values.

    Source: C. Croux and P. J. Rousseeuw, Time-efficient algorithms for two highly robust
    estimators of scale, Computational Statistics 1 (1992), 411-428 (the corrections for few
    values).
    """
    count = len(values)
    if count == 2:
        return stdev(values)
    correction = MAD_CORRECTIONS.get(count, count / (count - 0.8))
    centre = median(values)
    found = median(abs(value - centre) for value in values)
    return correction * found / NormalDist().inv_cdf(0.75)
