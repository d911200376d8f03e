"""The Pareto frontier of measured points.

A measured value is known up to an interval. So the frontier keeps every point that no other
dominates *beyond the intervals*, and tells those that are certain from those that are not. Where
all values are exact, this is the usual frontier.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dse.types import METRICS

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from dse.space.space import Constraint

Interval = tuple[float, float]


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
class _Loss:
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
    accuracy's interval tells of other images, and both saw the same.

    That relation is transitive, so a point that was dropped never comes back: adding one costs a
    comparison with each that is kept.

    Args:
        objectives: names of metrics; each is compared in its metric's direction.
    """

    def __init__(self, objectives: Sequence[str]) -> None:
        self._objectives = tuple(objectives)
        self._kept: dict[Hashable, tuple[_Loss, ...]] = {}

    def add(self, name: Hashable, point: Point) -> bool:
        """Adds a point unless one that is there dominates it; drops those that it dominates.

        Args:
            name: tells the point from the others.
            point: has a value of every objective.

        Returns:
            Whether it is kept.
        """
        losses = tuple(_loss(point, objective) for objective in self._objectives)
        if any(_dominates(other, losses) for other in self._kept.values()):
            return False
        for each in [n for n, other in self._kept.items() if _dominates(losses, other)]:
            del self._kept[each]
        self._kept[name] = losses
        return True

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
        own = self._kept[name]
        return all(
            _equal(own, other) or any(map(_surely_less, own, other))
            for each, other in self._kept.items()
            if each != name
        )


def _loss(point: Point, objective: str) -> _Loss:
    metric = METRICS[objective]
    sign = -1.0 if metric.direction == "maximize" else 1.0
    value = sign * point.values[objective]
    interval = point.intervals.get(objective)
    known = None
    if interval is not None:
        low, high = sorted(sign * bound for bound in interval)
        known = low, high
    low, high = known if known and metric.timed else (value, value)
    return _Loss(value, low, high, known, point.keys.get(objective))


def _same(one: _Loss, other: _Loss) -> bool:
    return one.key is not None and one.key == other.key


def _dominates(one: Sequence[_Loss], other: Sequence[_Loss]) -> bool:
    better = False
    for mine, theirs in zip(one, other, strict=True):
        if _same(mine, theirs):
            continue
        if mine.worst > theirs.best:
            return False
        better = better or mine.worst < theirs.best or mine.value < theirs.value
    return better


def _equal(one: Sequence[_Loss], other: Sequence[_Loss]) -> bool:
    pairs = zip(one, other, strict=True)
    return all(_same(a, b) or (_exact(a, b) and a.value == b.value) for a, b in pairs)


def _exact(one: _Loss, other: _Loss) -> bool:
    return all(x.known is not None and x.known[0] == x.known[1] for x in (one, other))


def _surely_less(mine: _Loss, theirs: _Loss) -> bool:
    if _same(mine, theirs) or mine.known is None or theirs.known is None:
        return False
    margin = math.hypot(mine.known[1] - mine.value, theirs.value - theirs.known[0])
    return theirs.value - mine.value > margin


def nondominated(points: Sequence[Mapping[str, float]], objectives: Sequence[str]) -> list[int]:
    """Positions of the points whose values no other's dominate, in their order.

    Of several points with equal values all are kept.

    Args:
        points: value by metric name, each in its metric's unit; every objective is present.
        objectives: names of metrics; each is compared in its metric's direction.
    """
    if not points:
        return []
    import moocore

    flags = moocore.is_nondominated(
        [[point[name] for name in objectives] for point in points],
        maximise=[METRICS[name].direction == "maximize" for name in objectives],
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
