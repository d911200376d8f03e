"""Points side by side: their values, and what rounds tell of any two of them."""

from __future__ import annotations

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

    Attributes:
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
    ) -> None:
        import numpy as np

        self.records, self.objectives, self.evidence = records, objectives, evidence
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

    def rivals_of(self, one: int, other: int, axis: int) -> tuple[Rivals | None, int]:
        """What rounds tell of two points, and -1 where it is of the second to the first."""
        rivals = self.rivals.get((one, other, axis))
        if rivals is None:
            return self.rivals.get((other, one, axis)), -1
        return rivals, 1

    def reach(self, axis: int) -> Floats:
        """Of shape (points, points): within what the first may be better than it seems to be.

        Args:
            axis: place of an objective.

        Returns:
            The half of an interval of 95 % of the difference of both; NaN where it is unknown.
        """
        import numpy as np

        found: Floats = np.hypot(self.below[:, None, axis], self.above[None, :, axis])
        return found


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
