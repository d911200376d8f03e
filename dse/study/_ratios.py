"""The ratios of rivals within rounds: how far apart they are, and how well that is known."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field, replace
from itertools import combinations, pairwise
from statistics import NormalDist, median
from typing import TYPE_CHECKING

from dse.core.confidence_sequence import MAX_PRIOR_DEGREES, Prior, Series
from dse.study._rivals import Rivals

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Mapping

    from dse.core.metrics import Metric
    from dse.study.rounds import RoundTable

Pair = tuple[str, str]
"""Two keys of measurements, the lower one first."""
Values = list[tuple[float, float]]
"""Those of both rivals, as logarithms, round by round; less is better."""


@dataclass(slots=True)
class _Pool:
    """Series of one kind of load: their spread is taken as alike.

    Attributes:
        values: of each pair.
        series: of each pair, without what the others tell.
    """

    values: dict[Pair, Values] = field(default_factory=dict)
    series: dict[Pair, Series] = field(default_factory=dict)
    bulk: float = 0.0
    squares: float = 0.0
    degrees: int = 0

    def close(self) -> None:
        """Works out the series, once all values are there."""
        apart = {pair: [one - other for one, other in own] for pair, own in self.values.items()}
        self.bulk = _bulk(apart.values())
        self.series = {pair: Series.of(own, self.bulk) for pair, own in apart.items()}
        self.squares = sum(each.squares for each in self.series.values())
        self.degrees = sum(each.count - 1 for each in self.series.values())

    def known(self, pair: Pair) -> Series:
        """The series of a pair, with what the others tell of its spread."""
        own = self.series[pair]
        degrees = self.degrees - (own.count - 1)
        if not degrees:
            return own
        sd = math.sqrt(max(0.0, self.squares - own.squares) / degrees)
        return replace(own, prior=Prior(sd, min(degrees, MAX_PRIOR_DEGREES)))


class Ratios:
    """What rounds tell of a metric, by pairs that had rounds in common.

    Args:
        table: the values of all rounds.
        metric: the metric, and which values of it are better.
        kinds: the kind of load by the key of a measurement; other keys are left out. The noise of
            pairs of the same two kinds is taken as alike.
        hosts_left_out: machines whose rounds don't count.
    """

    def __init__(
        self,
        table: RoundTable,
        metric: Metric,
        kinds: Mapping[str, Hashable],
        hosts_left_out: Collection[str] = (),
    ) -> None:
        sign = -1.0 if metric.direction == "maximize" else 1.0
        found: dict[Pair, list[tuple[tuple[float, float], bool]]] = defaultdict(list)
        for host, values in table.values(metric.name):
            if host not in hosts_left_out:
                for one, other in combinations(sorted(values.keys() & kinds.keys()), 2):
                    disturbed = values[one].disturbed or values[other].disturbed
                    own = sign * values[one].log, sign * values[other].log
                    found[one, other].append((own, disturbed))
        pools: dict[frozenset[Hashable], _Pool] = defaultdict(_Pool)
        self._pools: dict[Pair, _Pool] = {}
        self._alike = {pair: kinds[pair[0]] == kinds[pair[1]] for pair in found}
        for pair, rounds in found.items():
            pool = pools[frozenset(kinds[key] for key in pair)]
            pool.values[pair] = _that_count(rounds)
            self._pools[pair] = pool
        for pool in pools.values():
            pool.close()

    @property
    def pairs(self) -> Collection[Pair]:
        """The pairs that had rounds in common."""
        return self._pools.keys()

    def rivals(self, pair: Pair) -> Rivals:
        """What is known of a pair."""
        pool = self._pools[pair]
        ours, theirs = zip(*pool.values[pair], strict=True)
        return Rivals(pool.known(pair), ours, theirs, self._alike[pair])


def _that_count(rounds: Collection[tuple[tuple[float, float], bool]]) -> Values:
    """The undisturbed ones; all of them on a machine that is hardly ever quiet.

    What disturbs a whole round cancels, and what disturbs a member alone is an outlier.
    """
    clean = [values for values, disturbed in rounds if not disturbed]
    return clean if 2 * len(clean) >= len(rounds) else [values for values, _ in rounds]


def _bulk(groups: Collection[list[float]]) -> float:
    """The standard deviation without outliers, from the differences of neighbours in groups."""
    gaps = [abs(after - before) for own in groups for before, after in pairwise(own)]
    return median(gaps) / (math.sqrt(2) * NormalDist().inv_cdf(0.75)) if gaps else 0.0
