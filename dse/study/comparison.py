"""Points side by side: their values, and what rounds tell of any two of them."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dse.core.pareto import Losses, numbered
from dse.study._ratios import Ratios

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from dse.core.metrics import Metric
    from dse.core.pareto import Point
    from dse.study._rivals import Rivals
    from dse.study.record import Record
    from dse.study.rounds import RoundTable

    Booleans = NDArray[np.bool_]
    Floats = NDArray[np.float64]

TIE_PERCENT = 2.0
"""Values that differ by less than this are as good as each other, unless the study says more."""
APART = 3.0
"""Without rounds two values differ if the logarithm of their ratio is as many times as large as its
interval (95 %) reaches: that is wrong in one of 3,000 pairs where six repetitions tell of a normal
noise. With 2.5, two of 50 studies of one model under two names told it from itself."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What comparisons rest on besides the values.

    Attributes:
        rounds: what rivals have measured side by side.
        tie_percent: values that differ by less are as good as each other.
        hosts_left_out: machines whose rounds don't count.
    """

    rounds: RoundTable
    tie_percent: float = TIE_PERCENT
    hosts_left_out: Collection[str] = ()


class Comparison:
    """Points side by side. Less is better in all arrays.

    Args:
        records: the points.
        points: their values, intervals and keys.
        objectives: what they are compared in.
        evidence: what tells more than the values.
        reliable: for each point, whether another one may drop out for it; all by default.

    Attributes:
        reliable: the same, as an array.
        losses: the values and their intervals, of shape (points, objectives).
        timed: of each objective, whether it comes out differently each time.
        values: the values; logarithms of timed ones that have one sign, intervals included.
        below: how far their intervals reach below them; NaN where it is unknown.
        above: how far they reach above them.
        keys: numbers that are equal where two points have one and the same measurement.
        same: of shape (points, points, objectives), whether both have one and the same measurement.
        rivals: what rounds tell, by the places of two points and of the objective. Each pair is
            there once.
    """

    def __init__(
        self,
        records: Sequence[Record],
        points: Sequence[Point],
        objectives: Sequence[Metric],
        evidence: Evidence,
        reliable: Sequence[bool] | None = None,
    ) -> None:
        import numpy as np

        self.records, self.objectives, self.evidence = records, objectives, evidence
        self.reliable: Booleans = np.ones(len(records), dtype=np.bool_)
        if reliable is not None:
            self.reliable[:] = reliable
        self.losses = Losses.of(points, objectives)
        self.timed = np.array([metric.timed for metric in objectives], dtype=np.bool_)
        self.values, low, high = self._on_scale()
        self.below, self.above = self.values - low, high - self.values
        self.keys = numbered([[point.keys.get(m.name) for m in objectives] for point in points])
        self.keys = self.keys.reshape(self.values.shape)
        self.same: Booleans = self.keys[:, None] == self.keys[None]
        self.rivals: Mapping[tuple[int, int, int], Rivals] = self._within_rounds()

    def _on_scale(self) -> Floats:
        """Values and both ends of their intervals, as logarithms where they have one sign."""
        import numpy as np

        losses = self.losses
        found = np.stack([losses.values, losses.low, losses.high])
        signs = np.sign(losses.values[:1])
        one_sign = np.all((found * signs > 0) | np.isnan(found), axis=(0, 1)) & self.timed
        logs = np.log(np.abs(np.where(one_sign, found, 1.0)))
        scaled: Floats = np.where(one_sign, signs * logs, found)
        return scaled

    def _within_rounds(self) -> dict[tuple[int, int, int], Rivals]:
        found: dict[tuple[int, int, int], Rivals] = {}
        known = [{m.metric: m.key for m in each.outcome.measurements} for each in self.records]
        for axis in self.timed.nonzero()[0].tolist():
            metric = self.objectives[axis]
            places: dict[str, list[int]] = {}
            for place, keys in enumerate(known):
                if metric.name in keys:
                    places.setdefault(keys[metric.name], []).append(place)
            kinds = {
                key: self.records[own[0]].configuration.occupancy(metric.name)
                for key, own in places.items()
            }
            evidence = self.evidence
            ratios = Ratios(evidence.rounds, metric, kinds, evidence.hosts_left_out)
            for pair in ratios.pairs:
                rivals = ratios.rivals(pair)
                for one in places[pair[0]]:
                    for other in places[pair[1]]:
                        found[one, other, axis] = rivals
        return found

    def by_values(self, axis: int) -> tuple[Booleans, Booleans]:
        """What needs no rounds: other metrics than timed ones, and values that are far apart.

        Args:
            axis: place of an objective.

        Returns:
            Of shape (points, points), whether the first is better than the second, and whether both
            are as good.
        """
        import numpy as np

        ahead = self.values[None, :, axis] - self.values[:, None, axis]  # of the first
        # A bound that is unknown is NaN, and no comparison with NaN holds.
        reach = np.hypot(self.above[:, None, axis], self.below[None, :, axis])
        timed = bool(self.timed[axis])
        same = self.same[:, :, axis] | ((ahead == 0) & ((reach == 0) | (not timed)))
        better = ahead > APART * reach if timed else ahead > 0
        return better & ~same, same

    def subset(self, places: Sequence[int]) -> Comparison:
        """Some of the points, with all that is known of them.

        Args:
            places: theirs, in their order.
        """
        made = copy(self)
        index = {place: number for number, place in enumerate(places)}
        chosen = list(places)
        made.records = [self.records[place] for place in chosen]
        made.losses = self.losses.subset(chosen)
        for name in ("reliable", "values", "below", "above", "keys"):
            setattr(made, name, getattr(self, name)[chosen])
        made.same = self.same[chosen][:, chosen]
        made.rivals = {
            (index[one], index[other], axis): rivals
            for (one, other, axis), rivals in self.rivals.items()
            if one in index and other in index
        }
        return made

    def rivals_of(self, one: int, other: int, axis: int) -> tuple[Rivals | None, int]:
        """What rounds tell of two points, and -1 where it is of the second to the first."""
        rivals = self.rivals.get((one, other, axis))
        if rivals is None:
            return self.rivals.get((other, one, axis)), -1
        return rivals, 1


def stay(ahead: Booleans, losses: Losses) -> Booleans:
    """Which points stay if each drops out only for one that stays.

    What makes points drop out need not be transitive.

    Args:
        ahead: of shape (points, points), whether the second drops out if the first stays.
        losses: the points; those that are good throughout are asked first.
    """
    import numpy as np

    kept = np.ones(len(losses), dtype=np.bool_)
    ranks = losses.values.argsort(axis=0).argsort(axis=0).sum(axis=1)
    for place in ranks.argsort(kind="stable").tolist():
        if kept[place]:
            kept &= ~ahead[place]
    for place in np.flatnonzero(~kept).tolist():
        kept[place] = not np.any(kept & ahead[:, place])
    return kept
