"""The Pareto frontier of measured points.

A measured value is known up to an interval. So the frontier keeps every point that no other
dominates *beyond the intervals*, and tells those that are certain from those that are not. Where
all values are exact, this is the usual frontier.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dse.core.metrics import METRICS

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from dse.core.metrics import Metric

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Constraint:
    """What an outcome must keep to, in the metric's unit; None where there is no bound."""

    metric: str
    minimum: float | None = None
    maximum: float | None = None

    def met(self, value: float) -> bool:
        """Whether a value of the metric keeps to it; the bounds themselves do."""
        low = self.minimum is None or value >= self.minimum
        return low and (self.maximum is None or value <= self.maximum)


@dataclass(frozen=True, slots=True)
class Point:
    """A configuration as the frontier sees it.

    Attributes:
        values: by metric name, each in its metric's unit.
        intervals: by metric name; one that is missing is unknown, not exact.
        keys: by metric name, what was measured: two points with the same key have one and the same
            measurement there, and do not differ however wide its interval is.
    """

    values: Mapping[str, float]
    intervals: Mapping[str, Interval] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def exact(cls, values: Mapping[str, float]) -> Point:
        """A point whose values are known exactly."""
        return cls(values, {name: (value, value) for name, value in values.items()})


@dataclass(frozen=True, slots=True)
class Loss:
    """A value of one objective, turned so that less is better.

    Attributes:
        value: the value.
        best: the lower bound that another point has to beat.
        worst: the upper bound.
        known: lower and upper bound of the interval; None where it is unknown.
        key: what was measured.
    """

    value: float
    best: float
    worst: float
    known: Interval | None
    key: str | None


class Frontier:
    """The points that no other dominates beyond the intervals; grows point by point.

    One point dominates another beyond the intervals if it is at least as good in every objective
    and better in one, even where each has its worst bound and the other its best. In an objective
    that does not vary from run to run (`Metric.timed` is false) the values themselves count: an
    accuracy's interval tells of other samples, and both saw the same.

    That relation is transitive, so a point that was dropped never comes back: adding one costs a
    comparison with each that is kept.

    Args:
        objectives: metrics, or names in `METRICS`; each is compared in its metric's direction.
    """

    def __init__(self, objectives: Sequence[str | Metric]) -> None:
        self._objectives = tuple(map(metric_of, objectives))
        self._kept: dict[Hashable, tuple[Loss, ...]] = {}
        self._rivals: _Rivals | None = None

    @classmethod
    def of(cls, points: Mapping[Hashable, Point], objectives: Sequence[str | Metric]) -> Frontier:
        """The frontier of many points at once, by their names."""
        import numpy as np

        frontier = cls(objectives)
        if not points:
            return frontier
        known = [losses(point, objectives) for point in points.values()]
        values, best, worst = (
            np.array([[getattr(loss, part) for loss in own] for own in known])
            for part in ("value", "best", "worst")
        )
        keys = numbered([[loss.key for loss in own] for own in known])
        names = list(points)
        for place in undominated(values, best, worst, keys):
            frontier.keep(names[place], points[names[place]])
        return frontier

    def add(self, name: Hashable, point: Point) -> bool:
        """Adds a point unless one that is there dominates it; drops those that it dominates.

        Args:
            name: tells the point from the others.
            point: has a value of every objective.

        Returns:
            Whether it is kept.
        """
        own = losses(point, self._objectives)
        if any(_dominates(other, own) for other in self._kept.values()):
            return False
        for each in [n for n, other in self._kept.items() if _dominates(own, other)]:
            del self._kept[each]
        self._kept[name], self._rivals = own, None
        return True

    def keep(self, name: Hashable, point: Point) -> None:
        """Adds a point that neither dominates one that is there nor is dominated by one."""
        self._kept[name], self._rivals = losses(point, self._objectives), None

    @property
    def names(self) -> tuple[Hashable, ...]:
        """The points that are kept, in the order in which they were added."""
        return tuple(self._kept)

    def certain(self, name: Hashable) -> bool:
        """Whether a kept point is better than every other one, in some objective, for sure.

        It is if the interval of the difference leaves 0 out (from the two intervals: G. Y. Zou and
        A. Donner, Statistics in Medicine 27 (2008), 1693-1702). Points that were measured again
        would still have such a point on their frontier.
        """
        if self._rivals is None:
            self._rivals = _Rivals(self._kept)
        return self._rivals.beaten_by(name)


class _Rivals:
    """Kept points as arrays of shape (points, objectives), to compare one with all others."""

    def __init__(self, kept: Mapping[Hashable, Sequence[Loss]]) -> None:
        import numpy as np

        self._places = {name: place for place, name in enumerate(kept)}
        points = list(kept.values())
        self._values = np.array([[loss.value for loss in point] for point in points])
        unknown = math.nan, math.nan
        bounds = np.array([[loss.known or unknown for loss in point] for point in points])
        self._below = self._values - bounds[..., 0]
        self._above = bounds[..., 1] - self._values
        self._keys = numbered([[loss.key for loss in point] for point in points])

    def beaten_by(self, name: Hashable) -> bool:
        """Whether each other point is surely worse than this one somewhere, or equal to it."""
        import numpy as np

        own = self._places[name]
        same = self._keys == self._keys[own]
        ahead = self._values - self._values[own]
        # What is not known is NaN, which no comparison holds for.
        surely = ~same & (ahead > np.hypot(self._above[own], self._below))
        widths = self._below + self._above
        equal = same | ((ahead == 0) & (widths == 0) & (widths[own] == 0))
        fine = surely.any(axis=1) | equal.all(axis=1)
        fine[own] = True
        return bool(fine.all())


def numbered(keys: Sequence[Sequence[str | None]]) -> NDArray[np.int64]:
    """Numbers in the place of keys: equal where those are, and different for all unknown ones."""
    import numpy as np

    numbers: dict[object, int] = {}
    return np.array(
        [
            [numbers.setdefault(object() if key is None else key, len(numbers)) for key in row]
            for row in keys
        ]
    )


def metric_of(objective: str | Metric) -> Metric:
    """An objective by its name in `METRICS`, or as it is."""
    return METRICS[objective] if isinstance(objective, str) else objective


def losses(point: Point, objectives: Sequence[str | Metric]) -> tuple[Loss, ...]:
    """A point's values in these objectives, in their order."""
    return tuple(_loss(point, metric_of(objective)) for objective in objectives)


def _loss(point: Point, metric: Metric) -> Loss:
    sign = -1.0 if metric.direction == "maximize" else 1.0
    value = sign * point.values[metric.name]
    interval = point.intervals.get(metric.name)
    known = None
    if interval is not None:
        low, high = sorted(sign * bound for bound in interval)
        known = low, high
    low, high = known if known and metric.timed else (value, value)
    return Loss(value, low, high, known, point.keys.get(metric.name))


def _same(one: Loss, other: Loss) -> bool:
    return one.key is not None and one.key == other.key


def _dominates(one: Sequence[Loss], other: Sequence[Loss]) -> bool:
    better = False
    for mine, theirs in zip(one, other, strict=True):
        if _same(mine, theirs):
            continue
        if mine.worst > theirs.best:
            return False
        better = better or mine.worst < theirs.best or mine.value < theirs.value
    return better


def undominated(
    values: NDArray[np.float64],
    best: NDArray[np.float64],
    worst: NDArray[np.float64],
    keys: NDArray[np.int64],
) -> list[int]:
    """Positions of the points that a `Frontier` would keep of many, in their order.

    Args:
        values: of shape (points, objectives), turned so that less is better, as are the others.
        best: the bound that another point has to beat.
        worst: the other bound.
        keys: equal where two points have one and the same measurement.
    """
    import numpy as np

    kept = np.ones(len(values), dtype=np.bool_)
    # Those that are good throughout go first: they drop most of the others at once.
    ranks = worst.argsort(axis=0).argsort(axis=0).sum(axis=1)
    for point in ranks.argsort().tolist():
        if not kept[point]:
            continue
        rest = np.flatnonzero(kept)
        same = keys[rest] == keys[point]
        less = (worst[point] < best[rest]) | (values[point] < values[rest])
        beaten = (same | (worst[point] <= best[rest])).all(axis=1) & (less & ~same).any(axis=1)
        kept[rest[beaten]] = False
    found: list[int] = np.flatnonzero(kept).tolist()
    return found


def nondominated(
    points: Sequence[Mapping[str, float]], objectives: Sequence[str | Metric]
) -> list[int]:
    """Positions of the points whose values no other's dominate, in their order.

    Of several points with equal values all are kept.

    Args:
        points: value by metric name, each in its metric's unit; every objective is present.
        objectives: metrics, or names in `METRICS`; each is compared in its metric's direction.
    """
    if not points:
        return []
    import moocore

    metrics = [metric_of(objective) for objective in objectives]
    flags = moocore.is_nondominated(
        [[point[metric.name] for metric in metrics] for point in points],
        maximise=[metric.direction == "maximize" for metric in metrics],
        keep_weakly=True,
    )
    return [position for position, flag in enumerate(flags) if flag]


def hypervolume(
    points: Sequence[Mapping[str, float]],
    objectives: Sequence[str],
    reference: Mapping[str, float],
) -> float:
    """Volume that the points dominate, up to the reference point, in the objectives' units.

    Args:
        points: value by metric name.
        objectives: names of metrics, the axes of the volume.
        reference: a point that is worse than every point that shall count.
    """
    if not points:
        return 0.0
    import moocore

    return float(
        moocore.hypervolume(
            [[point[name] for name in objectives] for point in points],
            ref=[reference[name] for name in objectives],
            maximise=[METRICS[name].direction == "maximize" for name in objectives],
        )
    )


def violations(point: Mapping[str, float], constraints: Sequence[Constraint]) -> dict[str, float]:
    """By how much each bound is missed; zero or less where it is kept.

    The names are ``<metric>.min`` and ``<metric>.max``, the values in the metric's unit.
    """
    missed = {}
    for bound in constraints:
        if bound.minimum is not None:
            missed[f"{bound.metric}.min"] = bound.minimum - point[bound.metric]
        if bound.maximum is not None:
            missed[f"{bound.metric}.max"] = point[bound.metric] - bound.maximum
    return missed


def feasible(point: Mapping[str, float], constraints: Sequence[Constraint]) -> bool:
    """Whether a point's values keep to all constraints."""
    return all(constraint.met(point[constraint.metric]) for constraint in constraints)
