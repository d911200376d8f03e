"""Which of two points is better in what: told by their ratios within rounds.

Two values of one round share much of their noise, so their ratio is known far better than either
value. Unless values lie far apart, it decides. It is looked at after every round and for every
pair, so what it tells holds at any time and is corrected for the number of open pairs (S. Holm,
Scandinavian Journal of Statistics 6 (1979), 65-70: what is decided no longer counts).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from dse.core.mcnemar import quality_p_value
from dse.core.pareto import Losses
from dse.study.comparison import stay
from dse.study.contenders import MAX_ERROR, MIN_ROUNDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from dse.study._rivals import Rivals
    from dse.study.comparison import Comparison
    from dse.study.record import Record

    Booleans = NDArray[np.bool_]

ALPHA = 0.04
"""The chance that rounds ever decide any pair of a study wrongly."""
QUALITY_ALPHA = 0.05
"""The chance that a model is wrongly told apart from any other one by its answers."""


class Order(StrEnum):
    """How a point stands to another one in a metric."""

    BETTER = "better"
    WORSE = "worse"
    TIE = "tie"  # as good, within the tolerance
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Relation:
    """How a point stands to another one in a metric.

    Attributes:
        order: of the first to the second.
        rounds: how many have both.
        ratio: of the first's value to the second's within rounds; NaN without rounds.
        interval: of the ratio, at any time, with the error that each open pair may take.
    """

    order: Order
    rounds: int = 0
    ratio: float = math.nan
    interval: tuple[float, float] = (0.0, math.inf)


@dataclass(frozen=True, slots=True)
class OpenPair:
    """Two points of a frontier whose order is not decided, and can be by measuring.

    Attributes:
        one: the first point.
        other: the second point.
        metrics: those whose order is open and matters.
        rounds: how many rounds have both, in that of these metrics where it is the fewest.
        needed: an estimate of the further rounds until they are decided; infinite where nothing
            tells it yet.
    """

    one: Record
    other: Record
    metrics: tuple[str, ...]
    rounds: int
    needed: float


class Decisions:
    """What is decided between any two of some points.

    Args:
        points: what is compared.

    Attributes:
        better: of shape (points, points, objectives), whether the first is better than the second.
        tie: likewise, whether both are as good.
    """

    def __init__(self, points: Comparison) -> None:
        import numpy as np

        self._points = points
        self._places = {record.id: place for place, record in enumerate(points.records)}
        told = [points.by_values(axis) for axis in range(points.same.shape[2])]
        self.better: Booleans = np.stack([better for better, _ in told], axis=2)
        self.tie: Booleans = np.stack([tie for _, tie in told], axis=2)
        self._alpha = self._decide()

    def _decide(self) -> float:
        """Enters what rounds decide; the error that each pair may take in the end."""
        axes = self._open_axes()
        undecided = {at: rivals for at, rivals in self._points.rivals.items() if axes[at]}
        alpha = ALPHA / max(1, self._count_open())
        while True:
            decided = [at for at, rivals in undecided.items() if self._enter(at, rivals, alpha)]
            for at in decided:
                del undecided[at]
            after = ALPHA / max(1, self._count_open())
            if not decided or after == alpha:
                return after
            alpha = after

    def _enter(self, at: tuple[int, int, int], rivals: Rivals, alpha: float) -> bool:
        """Whether two rivals are decided; what their rounds say is entered then."""
        one, other, axis = at
        apart = rivals.excludes(0.0, alpha)
        tied = abs(rivals.centre) < self._tie and all(
            rivals.excludes(bound, alpha) for bound in (-self._tie, self._tie)
        )
        if apart or tied:
            ahead = rivals.centre < 0
            self.better[one, other, axis] = not tied and ahead
            self.better[other, one, axis] = not tied and not ahead
            self.tie[one, other, axis] = self.tie[other, one, axis] = tied
        return apart or tied

    @property
    def _tie(self) -> float:
        """A difference of logarithms that is as good as none."""
        return math.log1p(self._points.evidence.tie_percent / 100)

    def _open_axes(self) -> Booleans:
        """Of shape (points, points, objectives): what is not decided, and matters."""
        import numpy as np

        wins = np.any(self.better, axis=2)
        settled = wins & wins.T
        undecided = ~(self.better | self.better.swapaxes(0, 1) | self.tie) & self._points.timed
        found: Booleans = undecided & ~settled[:, :, None]
        return found

    def _count_open(self) -> int:
        """The number of open pairs of values; several points may share one."""
        import numpy as np

        axes, keys, found = self._open_axes(), self._points.keys, 0
        for axis in range(axes.shape[2]):
            one, other = np.triu(axes[:, :, axis], 1).nonzero()
            pair = np.sort([keys[one, axis], keys[other, axis]], axis=0)
            found += len(np.unique(pair[0] * (int(keys.max(initial=0)) + 1) + pair[1]))
        return found

    def survivors(self) -> list[int]:
        """Places of the points that no reliable one is as good as in all, and better in one."""
        import numpy as np

        as_good = np.all(self.better | self.tie, axis=2) & np.any(self.better, axis=2)
        as_good &= self._points.reliable[:, None]
        found: list[int] = np.flatnonzero(stay(as_good, self._points.losses)).tolist()
        return found

    def surely_best(self, among: Sequence[int]) -> list[int]:
        """Those of some points that are better than each other one in something, or as good in all.

        A quality counts where it differs by more than luck.
        """
        import numpy as np

        places = np.array(among, dtype=np.intp)
        alike = np.all(self.tie, axis=2)
        better = np.any(self.better & self._points.timed, axis=2)
        unsure = ~(alike | better)[np.ix_(places, places)]
        np.fill_diagonal(unsure, val=False)
        return [
            place
            for place, row in zip(among, unsure, strict=True)
            if all(self._better_quality(place, other, len(among)) for other in places[row])
        ]

    def _better_quality(self, place: int, other: int, count: int) -> bool:
        """Whether a point is better in another metric than a timed one, and not by luck alone."""
        axes = (self.better[place, other] & ~self._points.timed).nonzero()[0]
        return any(self._differs(place, other, axis, count - 1) for axis in axes)

    def _differs(self, place: int, other: int, axis: int, count: int) -> bool:
        """Whether values that are not timed differ by more than luck.

        Two models that answered the same samples differ by their answers. Where these are not
        known, their intervals tell; and what was published or computed is compared as it is.
        """
        points, name = self._points, self._points.objectives[axis].name
        found = [points.records[each].outcome.measurement(name) for each in (place, other)]
        if found[0] is not None and found[1] is not None:
            p_value = quality_p_value(found[0], found[1])
            if p_value is not None:
                return p_value < QUALITY_ALPHA / count
        reach = math.hypot(points.above[place, axis], points.below[other, axis])
        ahead = points.values[other, axis] - points.values[place, axis]
        return math.isnan(reach) or bool(ahead > reach)

    def order(self, one: Record, other: Record, metric: str) -> Order:
        """Whether a point is better than another one; both are among the records."""
        one_at, other_at, axis = self._at(one, other, metric)
        if self.tie[one_at, other_at, axis]:
            return Order.TIE
        if self.better[one_at, other_at, axis]:
            return Order.BETTER
        return Order.WORSE if self.better[other_at, one_at, axis] else Order.OPEN

    def _at(self, one: Record, other: Record, metric: str) -> tuple[int, int, int]:
        axis = [each.name for each in self._points.objectives].index(metric)
        return self._places[one.id], self._places[other.id], axis

    def relation(self, one: Record, other: Record, metric: str) -> Relation:
        """How a point stands to another one; both are among the records."""
        order = self.order(one, other, metric)
        one_at, other_at, axis = self._at(one, other, metric)
        rivals, sign = self._points.rivals_of(one_at, other_at, axis)
        if rivals is None:
            return Relation(order)
        if self._points.objectives[axis].direction == "maximize":
            sign = -sign
        ends = sorted(sign * end for end in rivals.interval(self._alpha))
        interval = math.exp(max(ends[0], -700.0)), _exp(ends[1])
        return Relation(order, rivals.count, math.exp(sign * rivals.centre), interval)

    def open_places(self, among: Sequence[int]) -> set[int]:
        """Places of those points whose order to another one of them is open, and matters."""
        import numpy as np

        places = np.array(among, dtype=np.intp)
        open_ = np.any(self._open_axes(), axis=2)[np.ix_(places, places)]
        return set(places[np.any(open_, axis=1)].tolist())

    def open_pairs(self, among: Sequence[int]) -> list[OpenPair]:
        """The pairs of some points whose order is open, matters, and makes points drop out.

        These are pairs of two that lead by their values, and of one that leads and one that it is
        ahead of. What is decided between others tells nothing yet; where no such pair is open, all
        others count.
        """
        import numpy as np

        axes, places = self._open_axes(), np.array(among, dtype=np.intp)
        values = self._points.losses.values[places]
        leads = np.zeros(len(places), dtype=np.bool_)
        leads[Losses.exact(values).undominated()] = True
        open_ = np.triu(np.any(axes, axis=2)[np.ix_(places, places)], 1)
        decisive = open_ & _decisive(values, leads)
        found = np.argwhere(decisive if decisive.any() else open_)
        both: list[bool] = [bool(leads[one] and leads[other]) for one, other in found.tolist()]
        return [
            self._open_pair(one, other, axes, both_lead=lead)
            for (one, other), lead in zip(places[found].tolist(), both, strict=True)
        ]

    def _open_pair(self, one: int, other: int, open_: Booleans, *, both_lead: bool) -> OpenPair:
        """A pair, of which both points lead by their values, or at most one."""
        points, axes = self._points, open_[one, other].nonzero()[0].tolist()
        found = [points.rivals_of(one, other, axis)[0] for axis in axes]
        # One that does not lead need not be decided: it may be left out before.
        left_out = not both_lead and self._agree(one, other, axes)
        alpha = MAX_ERROR / len(axes) if left_out else self._alpha
        return OpenPair(
            points.records[one],
            points.records[other],
            tuple(points.objectives[axis].name for axis in axes),
            min(rivals.count if rivals else 0 for rivals in found),
            max(self._needed(rivals, alpha) for rivals in found),
        )

    def _agree(self, one: int, other: int, axes: Sequence[int]) -> bool:
        """Whether one point is ahead in all, by rounds where there are some, else by its values."""
        points = self._points
        ahead = points.values[other] - points.values[one]
        for axis in axes:
            rivals, sign = points.rivals_of(one, other, axis)
            if rivals is not None and rivals.count >= MIN_ROUNDS:
                ahead[axis] = -sign * rivals.centre
        return bool((ahead >= 0).all() or (ahead <= 0).all())

    def _needed(self, rivals: Rivals | None, alpha: float) -> float:
        """How many further rounds decide two rivals, if they are what they seem to be."""
        if rivals is None:
            return math.inf
        near = 2 * abs(rivals.centre) < self._tie
        return rivals.needed(self._tie, self._alpha if near else alpha) - rivals.count


def _decisive(values: NDArray[np.float64], leads: Booleans) -> Booleans:
    """Of shape (points, points): whether a pair has one that leads, and no better one."""
    import numpy as np

    ahead = np.all(values[:, None] <= values[None], axis=2) & leads[:, None]
    return np.asarray((leads[:, None] & leads[None]) | ahead | ahead.T)


def _exp(value: float) -> float:
    return math.exp(value) if value < 700.0 else math.inf
