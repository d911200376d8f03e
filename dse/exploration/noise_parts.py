"""The parts of a machine's noise: what neighbours in time share, and what each process has alone.

The logarithm of a value is taken as the level of its configuration, plus what is common to all that
runs at the time, plus what is of its process alone. What is common is an Ornstein-Uhlenbeck
process: its correlation falls exponentially with the lag. The two parts and the correlation time
are those of the largest restricted likelihood, which estimates the levels away and so is not
deceived by a series that lasts only a few correlation times.

A process that lies more than `OUTLYING` robust standard deviations from the median of its six
neighbours is left out and counted: a process that is slow on its own tells nothing of the rest.

Source: B. C. Kelly, J. Bechtold, A. Siemiginowska, The Astrophysical Journal 698 (2009), 895-910
(the likelihood at irregular times, by a Kalman filter); D. A. Harville, Journal of the American
Statistical Association 72 (1977), 320-338 (restricted likelihood).
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median
from typing import TYPE_CHECKING

import numpy as np

from dse.core.confidence_sequence import Series
from dse.core.intervals import bulk_deviation, pool_spread

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MIN_VALUES = 8
"""The fewest processes that tell of anything."""
OUTLYING = 4.0
"""A normal value lies so many standard deviations away once in 16,000."""
BESIDE = 3
"""Neighbours on each side; of six, two may be slow themselves."""
LAG_EDGES_S = (1.4, 2.8, 5.7, 11.3, 22.6, 45.3, 90.5, 181.0)
"""Bounds of the lags that correlations are given for: about 2, 4, 8, ... 128 seconds."""
MIN_LAG_PAIRS = 8
"""A correlation is given where at least this many pairs of values lie so far apart."""
TIMES, SHARES = 36, 49
"""The correlation times and the shares of which the likelihood is computed."""
MAX_SHARE = 0.96
LIKELIHOOD_DROP = 1.92
"""Half the 95 % quantile of chi-squared with one degree of freedom: the interval of a profile."""


@dataclass(frozen=True, slots=True)
class TimedValue:
    """What one process gave.

    Attributes:
        at_s: when the value was taken, in seconds after any fixed moment.
        configuration: which one was measured, 0 or 1.
        value: positive, of the first run.
        again: of a second run of the same process; None without one.
    """

    at_s: float
    configuration: int
    value: float
    again: float | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """The most likely value with its 95 % interval; None stands for what the data can't tell."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class LagCorrelation:
    """How values are correlated that lie some time apart; None where too few do.

    Attributes:
        lag_s: the mean time between them.
        other: of different configurations.
        same: of the same configuration.
    """

    lag_s: float
    other: float | None
    same: float | None


@dataclass(frozen=True, slots=True)
class NoiseParts:
    """What the noise of a series consists of; standard deviations are of logarithms.

    Attributes:
        count: the number of values that were used.
        left_out: the number of outlying ones.
        sd: of a single value, over times much longer than the correlation time.
        ratio_sd: of the ratio of two neighbours, as decisions take it: with the outlying ones
            drawn in.
        lag_s: the usual time between neighbours.
        common: the share of the variance of a value that neighbours have in common.
        common_interval: of that share, 95 %.
        within: the share that differs between two runs of one process; None where unknown.
        between: the rest, which differs between processes; None where unknown.
        correlation_s: the time in which the correlation falls by a factor of e; None where nothing
            varies.
        correlations: as they are, whatever their form, by lag.
    """

    count: int
    left_out: int
    sd: float
    ratio_sd: float
    lag_s: float
    common: float
    common_interval: tuple[float, float]
    within: float | None
    between: float | None
    correlation_s: Estimate | None
    correlations: tuple[LagCorrelation, ...]


def split_noise(values: Sequence[TimedValue]) -> NoiseParts:
    """Tells from a series of two configurations in turn what its noise consists of.

    Args:
        values: in any order, at least `MIN_VALUES`, some of each configuration.

    Raises:
        ValueError: there are too few.
    """
    if len(values) < MIN_VALUES or len({one.configuration for one in values}) != 2:
        raise ValueError(f"{len(values)} values are too few: it takes {MIN_VALUES}")
    values = sorted(values, key=lambda one: one.at_s)
    outliers = find_outliers(centre(values))
    kept = [one for one, outlying in zip(values, outliers, strict=True) if not outlying]
    if len({one.configuration for one in kept}) != 2:
        kept = values
    gaps = [b.at_s - a.at_s for a, b in pairwise(kept)]
    lag_s = max(median(gaps), 1e-3)
    fitted = _fit(kept, lag_s)
    within, between = _shares_of_processes(kept, fitted.sd, fitted.common)
    return NoiseParts(
        count=len(kept),
        left_out=len(values) - len(kept),
        sd=fitted.sd,
        ratio_sd=_ratio_sd(values, fitted, lag_s),
        lag_s=lag_s,
        common=fitted.common,
        common_interval=fitted.common_interval,
        within=within,
        between=between,
        correlation_s=fitted.correlation_s,
        correlations=tuple(_correlations(kept, fitted.sd)) if fitted.sd else (),
    )


def centre(values: Sequence[TimedValue]) -> list[float]:
    """The logarithms of values, less the median of those of their configuration."""
    logs = [math.log(one.value) for one in values]
    groups = defaultdict[int, list[float]](list)
    for log, one in zip(logs, values, strict=True):
        groups[one.configuration].append(log)
    levels = {which: median(own) for which, own in groups.items()}
    return [log - levels[one.configuration] for log, one in zip(logs, values, strict=True)]


def find_outliers(centred: Sequence[float]) -> list[bool]:
    """Which values lie far from their neighbours in time; none where most equal these."""
    away = []
    for n, value in enumerate(centred):
        beside = [*centred[max(0, n - BESIDE) : n], *centred[n + 1 : n + 1 + BESIDE]]
        away.append(value - median(beside))
    scale, middle = bulk_deviation(away), median(away)
    return [bool(scale) and abs(value - middle) > OUTLYING * scale for value in away]


@dataclass(frozen=True, slots=True)
class _Fit:
    """The parts of the largest likelihood; `NoiseParts` says what they are."""

    sd: float
    common: float
    common_interval: tuple[float, float]
    correlation_s: Estimate | None


def _fit(values: Sequence[TimedValue], lag_s: float) -> _Fit:
    """The largest restricted likelihood on a grid of correlation times and shares."""
    logs = np.array(centre(values))
    if not np.ptp(logs):
        return _Fit(0.0, 0.0, (0.0, 1.0), None)
    span_s = values[-1].at_s - values[0].at_s
    times = np.geomspace(lag_s / 2, max(span_s / 2, 2 * lag_s), TIMES)
    shares = np.linspace(0.0, MAX_SHARE, SHARES)
    likelihood, variance = _likelihood(values, logs, lag_s, times[:, None], shares[None, :])
    best = np.unravel_index(int(np.argmax(likelihood)), likelihood.shape)
    low, high = _likely(likelihood.max(axis=0))
    return _Fit(
        sd=math.sqrt(variance[best]),
        common=float(shares[best[1]]),
        common_interval=(float(shares[low]), 1.0 if high == SHARES - 1 else float(shares[high])),
        correlation_s=_estimate(times, likelihood.max(axis=1)),
    )


def _estimate(times: Floats, likelihood: Floats) -> Estimate:
    """The correlation time; what lies at an end of the grid is beyond what the data tell."""

    def told(place: int) -> float | None:
        return float(times[place]) if 0 < place < len(times) - 1 else None

    low, high = _likely(likelihood)
    return Estimate(told(int(np.argmax(likelihood))), told(low), told(high))


def _likely(likelihood: Floats) -> tuple[int, int]:
    """The first and the last place of a profile that is hardly less likely than the best."""
    inside = np.flatnonzero(likelihood >= likelihood.max() - LIKELIHOOD_DROP)
    return int(inside[0]), int(inside[-1])


def _likelihood(
    values: Sequence[TimedValue], logs: Floats, lag_s: float, times: Floats, shares: Floats
) -> tuple[Floats, Floats]:
    """The logarithm of the restricted likelihood and the variance of a value, for each pair.

    A Kalman filter runs over the values and, beside them, over the indicators of the two
    configurations; what it leaves of these gives the levels by generalised least squares.

    Args:
        values: n of them, in the order of their times.
        logs: of the values, shape (n,).
        lag_s: the lag that the shares are of.
        times: correlation times, shape (t, 1).
        shares: of the variance that is common at that lag, shape (1, s).

    Returns:
        Two arrays of shape (t, s); impossible pairs have a likelihood of minus infinity.
    """
    # The share at lag 0 is larger, and at most 1.
    common = shares * np.exp(lag_s / times)
    possible = common <= 1.0
    common = np.where(possible, common, 0.5)
    own = np.maximum(1.0 - common, 1e-9)
    state, spread = np.zeros((3, *common.shape)), common.copy()
    squares = np.zeros((3, 3, *common.shape))
    logarithms = np.zeros(common.shape)
    before_s = values[0].at_s
    for one, log in zip(values, logs, strict=True):
        decay = np.exp(-(one.at_s - before_s) / times)
        before_s = one.at_s
        spread = decay**2 * spread + common * (1.0 - decay**2)
        column = np.array([log, one.configuration == 0, one.configuration == 1], dtype=np.float64)
        surprise = column[:, None, None] - decay * state
        total = spread + own
        state = decay * state + spread / total * surprise
        spread = spread * own / total
        squares += surprise[:, None] * surprise[None, :] / total
        logarithms += np.log(total)
    return _restricted(squares, logarithms, len(values), possible)


def _restricted(
    squares: Floats, logarithms: Floats, count: int, possible: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """The restricted likelihood of what the filter has left.

    Args:
        squares: weighted sums of products of the values' and the two indicators' columns, shape
            (3, 3, t, s).
        logarithms: sum of those of the variances, shape (t, s).
        count: the number of values.
        possible: the pairs that can be, shape (t, s).
    """
    determinant = squares[1, 1] * squares[2, 2] - squares[1, 2] ** 2
    explained = (
        squares[0, 1] ** 2 * squares[2, 2]
        - 2 * squares[0, 1] * squares[0, 2] * squares[1, 2]
        + squares[0, 2] ** 2 * squares[1, 1]
    ) / determinant
    free = count - 2
    variance = np.maximum(squares[0, 0] - explained, 1e-300) / free
    likelihood = -0.5 * (free * np.log(variance) + logarithms + np.log(determinant))
    return np.where(possible, likelihood, -np.inf), variance


def _ratio_sd(values: Sequence[TimedValue], fitted: _Fit, lag_s: float) -> float:
    """The standard deviation of the ratio of neighbours; for few values that of the fit."""
    ratios = [
        math.log(b.value / a.value)
        for a, b in pairwise(values)
        if a.configuration == 0 and b.configuration == 1 and b.at_s - a.at_s < 2 * lag_s
    ]
    if len(ratios) < MIN_VALUES // 2:
        return fitted.sd * math.sqrt(2 * (1 - fitted.common))
    return Series.of(ratios).sd


def _shares_of_processes(
    values: Sequence[TimedValue], sd: float, common: float
) -> tuple[float | None, float | None]:
    """The shares of the variance within a process and between processes, beside what is common."""
    changes = [
        [[one.again / one.value] for one in values if one.again and one.configuration == which]
        for which in (0, 1)
    ]
    spread = pool_spread(changes)
    if spread is None or not sd:
        return None, None
    within = min(1.0 - common, spread.bulk**2 / 2 / sd**2)
    return within, 1.0 - common - within


def _correlations(values: Sequence[TimedValue], sd: float) -> Iterator[LagCorrelation]:
    """The correlation by lag, from the mean square of differences: so no mean enters."""
    logs = centre(values)
    found: dict[tuple[int, bool], list[tuple[float, float]]] = defaultdict(list)
    for n, one in enumerate(values):
        for m in range(n + 1, len(values)):
            other = values[m]
            lag_s = other.at_s - one.at_s
            if lag_s >= LAG_EDGES_S[-1]:
                break
            place = sum(lag_s >= edge for edge in LAG_EDGES_S)
            same = one.configuration == other.configuration
            found[place, same].append((lag_s, (logs[m] - logs[n]) ** 2))
    for place in range(1, len(LAG_EDGES_S)):
        kinds = [found[place, same] for same in (False, True)]
        enough = [kind for kind in kinds if len(kind) >= MIN_LAG_PAIRS]
        if enough:
            lag_s = fmean(lag for kind in enough for lag, _ in kind)
            other_, same_ = (_correlation(kind, sd) for kind in kinds)
            yield LagCorrelation(lag_s, other_, same_)


def _correlation(found: Sequence[tuple[float, float]], sd: float) -> float | None:
    if len(found) < MIN_LAG_PAIRS:
        return None
    return 1 - fmean(square for _, square in found) / (2 * sd**2)
