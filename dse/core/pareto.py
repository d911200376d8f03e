"""The Pareto frontier of measured points.

A measured value is known up to an interval. So the frontier keeps every point that no other
dominates *beyond the intervals*. Where all values are exact, this is the usual frontier.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from dse.core.metrics import METRICS

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from dse.core.metrics import Metric

    Floats = NDArray[np.float64]
    Index = int | slice | NDArray[Any]

Interval = tuple[float, float]
REACH = 1.25
"""Intervals are stretched by this, as factors, before a point is dropped for good: there are many
points, most were measured once, and one odd process must not cost the best one its place."""


@dataclass(frozen=True, slots=True)
class Constraint:
    """A constraint of outcomes, in the metric's unit; None for no bound."""

    metric: str
    minimum: float | None = None
    maximum: float | None = None

    def met(self, value: float) -> bool:
        """Whether a value of the metric keeps to it; the bounds themselves do."""
        low = self.minimum is None or value >= self.minimum
        return low and (self.maximum is None or value <= self.maximum)

    def met_within(self, low: float, high: float) -> bool:
        """Whether a value between two ends keeps to it."""
        within = self.minimum is None or high >= self.minimum
        return within and (self.maximum is None or low <= self.maximum)


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


class Losses:
    """Points as arrays of shape (points, objectives), turned so that less is better.

    One point dominates another beyond the intervals if it is at least as good in every objective
    and better in one, even where each is `REACH` times as far off as its interval tells. In an
    objective that does not vary from run to run (`Metric.timed` is false) the values themselves
    count: an accuracy's interval tells of other samples, and both saw the same.

    Args:
        values: the values.
        low: the lower bound of each interval; NaN where it is unknown.
        high: the upper bound.
        keys: numbers that are equal where two points have one and the same measurement; None where
            no two points share one.
        timed: by objective, whether its intervals count for dominance; None for all.
    """

    def __init__(
        self,
        values: Floats,
        low: Floats,
        high: Floats,
        keys: NDArray[np.int64] | None = None,
        timed: NDArray[np.bool_] | None = None,
    ) -> None:
        import numpy as np

        self.values, self.low, self.high, self.keys, self.timed = values, low, high, keys, timed
        bounded = ~np.isnan(low) if timed is None else timed & ~np.isnan(low)
        self.best = np.where(bounded, _stretched(values, low), values)
        self.worst = np.where(bounded, _stretched(values, high), values)

    @classmethod
    def of(
        cls,
        points: Sequence[Point],
        objectives: Sequence[Metric],
        numbers: dict[object, int] | None = None,
    ) -> Self:
        """Points in these objectives.

        Args:
            points: each has a value of every objective.
            objectives: each is turned by its direction.
            numbers: of the keys seen before; those of these points are added.
        """
        import numpy as np

        shape = len(points), len(objectives)
        triples = np.array([[_turned(p, metric) for metric in objectives] for p in points])
        values, low, high = np.moveaxis(triples.reshape(*shape, 3), -1, 0)
        keys = [[point.keys.get(metric.name) for metric in objectives] for point in points]
        timed = np.array([metric.timed for metric in objectives])
        return cls(values, low, high, numbered(keys, numbers).reshape(shape), timed)

    @classmethod
    def exact(cls, values: Floats) -> Self:
        """Points whose values are known exactly.

        Args:
            values: of shape (points, objectives), turned so that less is better.
        """
        return cls(values, values, values)

    def __len__(self) -> int:
        return len(self.values)

    def dominates(self, one: Index, other: Index) -> NDArray[np.bool_]:
        """Whether one point dominates another, or which of several do, or are dominated.

        Args:
            one: index of a point, or of several.
            other: index of another one, or of several.
        """
        import numpy as np

        less = (self.worst[one] < self.best[other]) | (self.values[one] < self.values[other])
        least = self.worst[one] <= self.best[other]
        if self.keys is not None:
            same = self.keys[one] == self.keys[other]
            less, least = less & ~same, least | same
        return np.asarray(least.all(axis=-1) & less.any(axis=-1))

    def undominated(self) -> list[int]:
        """Indices of the points that no other dominates; of equal points all."""
        import numpy as np

        kept = np.ones(len(self), dtype=np.bool_)
        # Those that are good throughout go first: they drop most of the others at once.
        ranks = self.worst.argsort(axis=0).argsort(axis=0).sum(axis=1)
        for point in ranks.argsort().tolist():
            if kept[point]:
                rest = np.flatnonzero(kept)
                kept[rest[self.dominates(point, rest)]] = False
        found: list[int] = np.flatnonzero(kept).tolist()
        return found

    def subset(self, places: Sequence[int]) -> Losses:
        """Some of the points, in the order of their places."""
        chosen = list(places)
        keys = None if self.keys is None else self.keys[chosen]
        values, low, high = self.values[chosen], self.low[chosen], self.high[chosen]
        return Losses(values, low, high, keys, self.timed)

    def joined(self, other: Losses, kept: NDArray[np.bool_] | None = None) -> Losses:
        """These points, or those of them that are kept, and then the others."""
        import numpy as np

        own = slice(None) if kept is None else kept
        keys = None
        if self.keys is not None and other.keys is not None:
            keys = np.concatenate([self.keys[own], other.keys])
        values, low, high = (
            np.concatenate([getattr(self, part)[own], getattr(other, part)])
            for part in ("values", "low", "high")
        )
        return Losses(values, low, high, keys, self.timed)


def _stretched(values: Floats, ends: Floats) -> Floats:
    """Ends of intervals, `REACH` times as far off: by a factor, unless there is a zero between."""
    import numpy as np

    alike = values * ends > 0
    factors = np.where(alike, ends / np.where(alike, values, 1.0), 1.0)
    stretched: Floats = np.where(alike, values * factors**REACH, values + REACH * (ends - values))
    return stretched


class Frontier:
    """The points that no other dominates beyond the intervals; grows point by point.

    Dominance (`Losses`) is transitive, so a point that was dropped never comes back: adding one
    costs a comparison with each that is kept.

    Args:
        objectives: metrics, or names in `METRICS`; each is compared in its metric's direction.
    """

    def __init__(self, objectives: Sequence[str | Metric]) -> None:
        self._objectives = tuple(map(metric_of, objectives))
        self._names: list[Hashable] = []
        self._numbers: dict[object, int] = {}
        self._losses = Losses.of([], self._objectives)

    @classmethod
    def of(cls, points: Mapping[Hashable, Point], objectives: Sequence[str | Metric]) -> Frontier:
        """The frontier of many points at once, by their names."""
        frontier = cls(objectives)
        names = list(points)
        for index in Losses.of(list(points.values()), frontier._objectives).undominated():
            frontier.keep(names[index], points[names[index]])
        return frontier

    def add(self, name: Hashable, point: Point) -> bool:
        """Adds a point unless one that is there dominates it; drops those that it dominates.

        Args:
            name: tells the point from the others.
            point: has a value of every objective.

        Returns:
            Whether it is kept.
        """
        new = Losses.of([point], self._objectives, self._numbers)
        both = self._losses.joined(new)
        last, others = len(both) - 1, slice(len(both) - 1)
        if both.dominates(others, last).any():
            return False
        kept = ~both.dominates(last, others)
        self._names = [each for each, stays in zip(self._names, kept, strict=True) if stays]
        self._names.append(name)
        self._losses = self._losses.joined(new, kept)
        return True

    def keep(self, name: Hashable, point: Point) -> None:
        """Adds a point that neither dominates one that is there nor is dominated by one."""
        new = Losses.of([point], self._objectives, self._numbers)
        self._names.append(name)
        self._losses = self._losses.joined(new)

    @property
    def names(self) -> tuple[Hashable, ...]:
        """The points that are kept, in the order in which they were added."""
        return tuple(self._names)


def numbered(
    keys: Sequence[Sequence[str | None]], numbers: dict[object, int] | None = None
) -> NDArray[np.int64]:
    """Numbers that stand for keys: equal where those are, and different for all unknown ones.

    Args:
        keys: rows of them.
        numbers: of the keys seen before; those of these rows are added.
    """
    import numpy as np

    known: dict[object, int] = {} if numbers is None else numbers
    return np.array(
        [
            [known.setdefault(object() if key is None else key, len(known)) for key in row]
            for row in keys
        ],
        dtype=np.int64,
    )


def metric_of(objective: str | Metric) -> Metric:
    """An objective by its name in `METRICS`, or as it is."""
    return METRICS[objective] if isinstance(objective, str) else objective


def _turned(point: Point, metric: Metric) -> tuple[float, float, float]:
    """A point's value and the bounds of its interval, turned so that less is better."""
    sign = -1.0 if metric.direction == "maximize" else 1.0
    ends = point.intervals.get(metric.name, (math.nan, math.nan))
    low, high = (sign * end for end in ends)
    return sign * point.values[metric.name], *((high, low) if high < low else (low, high))


def nondominated(
    points: Sequence[Mapping[str, float]], objectives: Sequence[str | Metric]
) -> list[int]:
    """Indices of the points whose values no other's dominate, in their order.

    Of several points with equal values all are kept.

    Args:
        points: value by metric name, each in its metric's unit; every objective is present.
        objectives: metrics, or names in `METRICS`; each is compared in its metric's direction.
    """
    if not points:
        return []
    import numpy as np

    metrics = [metric_of(objective) for objective in objectives]
    values = np.array([[point[metric.name] for metric in metrics] for point in points])
    signs = np.array([-1.0 if metric.direction == "maximize" else 1.0 for metric in metrics])
    return Losses.exact(signs * values).undominated()


def hypervolume(
    points: Sequence[Mapping[str, float]], objectives: Sequence[str], reference: Mapping[str, float]
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
