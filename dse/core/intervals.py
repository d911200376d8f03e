"""Confidence intervals of measured values.

Values that are measured within a minute share much of their noise: on a virtual machine half of it
is common to all that runs within some seconds (docs/measuring.md). So repeated values come in
*blocks*, those of a minute in each (`in_blocks`), and a further value narrows an interval only if
it is of another block.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import accumulate, chain
from statistics import NormalDist, median, stdev
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    Blocks = Sequence[Sequence[float]]

CORRELATION_S = 60.0
"""Length of a block: what is common to values that are as far apart as that is negligible."""
COMMON_SHARE = 0.5
"""Share of the variance that is common to a block, where values of other blocks don't tell."""
MAX_PRIOR_DEGREES = 6
"""Largest weight of the spread of other quantities, in degrees of freedom."""
TAIL_DEGREES = 4
"""The degrees of the distribution of single errors; the closed form of its tail is used."""
MAX_REACHES = 1e6
"""Beyond so many reaches a tail is empty."""
MAX_NEIGHBOURS = 9
"""Blocks, and values of a block, are compared with each other within a window of this length."""
ROBUST_EFFICIENCY = 0.5
"""Efficiency of the median deviation of a few values: it needs about twice as many of them as a
standard deviation. For many values it is 0.37."""
GAP_EFFICIENCY = 0.86
"""Efficiency of the median difference of many values."""
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


def chance_beyond(reaches: float) -> float:
    """The chance that a value is off by more than so much, to one side.

    The tails are those of Student's distribution with `TAIL_DEGREES` degrees, whatever is known of
    the noise: on a virtual machine one process in twenty takes half as long again.

    Args:
        reaches: how far, where 1 is the end of an interval of 95 %; negative to the other side.
    """
    if abs(reaches) > MAX_REACHES:
        return 0.0 if reaches > 0 else 1.0
    t = reaches * student_t(TAIL_DEGREES)
    square = t**2 / (1 + t**2 / TAIL_DEGREES)
    return 0.5 - 0.375 * math.copysign(math.sqrt(square), t) * (1 - square / 12)


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


def in_blocks(values: Iterable[tuple[str, float, float]]) -> list[list[float]]:
    """Repeated values in blocks of a minute, in order of time.

    Args:
        values: machine, seconds since the epoch and value of each. Values of two machines share no
            block; one whose time is not told (0) is a block of its own.
    """
    found: list[list[float]] = []
    begun: tuple[str, float] | None = None
    for machine, at, value in sorted(values, key=lambda each: each[:2]):
        if at and begun and begun[0] == machine and at - begun[1] < CORRELATION_S:
            found[-1].append(value)
            continue
        found.append([value])
        begun = (machine, at) if at else None
    return found


@dataclass(slots=True)
class _Gaps:
    """How far repeated values lie apart, in logarithms.

    Attributes:
        squares: sum of squares, each like the square of a standard deviation.
        degrees: degrees of freedom.
        gaps: the difference of each pair, and its weight.
    """

    squares: float = 0.0
    degrees: int = 0
    gaps: list[tuple[float, float]] = field(default_factory=list)

    def add(self, square: float, degrees: int, gaps: Sequence[float]) -> None:
        """Takes in the values of one quantity."""
        self.squares += square * degrees
        self.degrees += degrees
        self.gaps += ((gap, degrees / len(gaps)) for gap in gaps)

    @property
    def variances(self) -> tuple[float, float]:
        """The variance, and that of the bulk."""
        bulk = _weighted_median(self.gaps) / (math.sqrt(2) * NormalDist().inv_cdf(0.75))
        return self.squares / self.degrees, bulk**2


def pool_spread(groups: Iterable[Blocks]) -> Spread | None:
    """Estimates the spread of repeated values; None if nothing was repeated.

    It is the spread of values that are minutes apart. Values of one block have `COMMON_SHARE` less
    of the variance; they count `MAX_PRIOR_DEGREES` at most, so that other blocks soon tell better.

    Args:
        groups: positive values; each group has the blocks of one quantity in the order measured.

    Source: the spread of the bulk is the median difference of two values of one quantity, divided
    by that of a standard normal distribution (P. J. Bickel and E. L. Lehmann, Descriptive
    statistics for nonparametric models IV: Spread, Contributions to Statistics: Hajek Memorial
    Volume (1979), 33-40). Groups are weighted by their degrees of freedom. The estimate tolerates
    29 % of outliers.
    """
    within, between = _Gaps(), _Gaps()
    for blocks in groups:
        logs = [[math.log(value) for value in block] for block in blocks]
        _add_within(within, logs)
        _add_between(between, logs)
    # Each with the part of the variance that it sees.
    parts = [(between, between.degrees, 1.0)]
    parts += [(within, min(within.degrees, MAX_PRIOR_DEGREES), 1 - COMMON_SHARE)]
    total = sum(weight for _, weight, _ in parts)
    if not total:
        return None
    found = [(gaps.variances, weight / part) for gaps, weight, part in parts if weight]
    sd, bulk = (math.sqrt(sum(weight * v[n] for v, weight in found) / total) for n in (0, 1))
    return Spread(sd, bulk, within.degrees + between.degrees)


def _add_within(found: _Gaps, blocks: Blocks) -> None:
    """Takes in how far the values of each block lie apart."""
    for block in blocks:
        if len(block) > 1:
            gaps = [
                abs(b - a) for n, a in enumerate(block) for b in block[n + 1 : n + MAX_NEIGHBOURS]
            ]
            found.add(_squares(block) / (len(block) - 1), len(block) - 1, gaps)


def _add_between(found: _Gaps, blocks: Blocks) -> None:
    """Takes in how far values of different blocks lie apart.

    The mean square of a difference is twice the variance. The sum over all pairs comes from that
    of all values less those of each block: what a block has in common does not count as known.
    """
    if len(blocks) < 2:
        return
    sizes = [len(block) for block in blocks]
    whole = _pair_squares(list(chain.from_iterable(blocks)))
    squares = whole - sum(map(_pair_squares, blocks))
    pairs = (sum(sizes) ** 2 - sum(size**2 for size in sizes)) / 2
    gaps = [
        abs(b - a)
        for n, block in enumerate(blocks)
        for other in blocks[n + 1 : n + MAX_NEIGHBOURS]
        for a, b in zip(block, other, strict=False)
    ]
    found.add(max(0.0, squares) / pairs / 2, len(blocks) - 1, gaps)


def _pair_squares(values: Sequence[float]) -> float:
    """The sum of the squares of the differences of all pairs of values."""
    return len(values) * _squares(values)


def _squares(values: Sequence[float]) -> float:
    """The sum of the squares of the differences from the mean."""
    mean = math.fsum(values) / len(values)
    return math.fsum((value - mean) ** 2 for value in values)


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


def confidence_interval(blocks: Blocks, known: Spread | None) -> tuple[float, float] | None:
    """The confidence interval (95 %) of `typical_value` of repeated measurements.

    Most of the variance lies between processes, or is common to a minute, and a few repetitions
    estimate it poorly. So the variance of a quantity's own blocks is moderated by that of values in
    general, whose weight is at most `MAX_PRIOR_DEGREES` further blocks; `COMMON_SHARE` of that does
    not fall with the number of values in a block. From three values on the median resists an
    outlier, and the general variance is that of the bulk; from three blocks on their own is, too.

    Args:
        blocks: positive values in blocks, each value from a process of its own.
        known: the spread of such measurements in general, these among them.

    Returns:
        Lower and upper bound; None if neither the blocks nor ``known`` give a spread.

    Source: G. K. Smyth, Statistical Applications in Genetics and Molecular Biology 3 (2004),
    article 3 (the moderated t statistic, with fixed instead of fitted prior degrees of freedom);
    T. Kalibera and R. Jones, Rigorous benchmarking in reasonable time, ISMM 2013 (repetitions of
    the process are what counts). A median's standard error is at most that of the mean times the
    square root of pi / 2. Blocks of different sizes count as many as the sum of their sizes squared
    over the sum of squares (L. Kish, Survey Sampling, Wiley 1965).
    """
    logs = [math.log(value) for block in blocks for value in block]
    own = float(len(blocks) - 1)
    # What these values tell themselves must not count twice.
    prior = max(0.0, known.degrees - own) if known else 0.0
    error, general = 1.0, known.sd if known else 0.0
    if len(logs) > 2:  # the median of one or two is their mean
        prior, general = GAP_EFFICIENCY * prior, known.bulk if known else 0.0
    if len(blocks) > 2:
        own, error = ROBUST_EFFICIENCY * own, math.sqrt(math.pi / 2)
    prior = min(prior, MAX_PRIOR_DEGREES)
    degrees = own + prior
    if not degrees:
        return None
    count = len(logs) ** 2 / sum(len(block) ** 2 for block in blocks)
    squares = prior * general**2 * (COMMON_SHARE / count + (1 - COMMON_SHARE) / len(logs))
    if own:
        centres = [median(map(math.log, block)) for block in blocks]
        squares += own * bulk_deviation(centres) ** 2 / count
    half = student_t(degrees) * error * math.sqrt(squares / degrees)
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
