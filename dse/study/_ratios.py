"""The ratios of rivals within rounds: how far apart they are, and how well that is known."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field, replace
from itertools import combinations, pairwise
from statistics import NormalDist, median
from typing import TYPE_CHECKING

from dse.core.confidence_sequence import MAX_PRIOR_DEGREES, Prior, Series

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Mapping

    from dse.study.rounds import RoundTable

Pair = tuple[str, str]
"""Two keys of measurements, the lower one first."""


@dataclass(slots=True)
class _Pool:
    """Series of one kind of load: their spread is taken as alike.

    Attributes:
        values: of each pair.
        series: of each pair, without what the others tell.
    """

    values: dict[Pair, list[float]] = field(default_factory=dict)
    series: dict[Pair, Series] = field(default_factory=dict)
    bulk: float = 0.0
    squares: float = 0.0
    degrees: int = 0

    def close(self) -> None:
        """Works out the series, once all values are there."""
        self.bulk = _bulk(self.values.values())
        self.series = {pair: Series.of(own, self.bulk) for pair, own in self.values.items()}
        self.squares = sum(each.squares for each in self.series.values())
        self.degrees = sum(each.count - 1 for each in self.series.values())

    def known(self, pair: Pair) -> Series:
        """The series of a pair, with what the others tell of its spread."""
        own = self.series[pair]
        degrees = self.degrees - (own.count - 1)
        if not degrees:
            return own
        sd = math.sqrt(max(0.0, self.squares - own.squares) / degrees)
        return replace(own, prior=Prior(self.bulk, sd, min(degrees, MAX_PRIOR_DEGREES)))


class Ratios:
    """The logarithms of the ratios of a metric, by pairs that had rounds in common.

    Args:
        table: the values of all rounds.
        metric: the metric.
        kinds: the kind of load by the key of a measurement; other keys are left out. The noise of
            pairs of the same two kinds is taken as alike.
        hosts_left_out: machines whose rounds don't count.
    """

    def __init__(
        self,
        table: RoundTable,
        metric: str,
        kinds: Mapping[str, Hashable],
        hosts_left_out: Collection[str] = (),
    ) -> None:
        found: dict[Pair, list[tuple[float, bool]]] = defaultdict(list)
        for host, values in table.values(metric):
            if host not in hosts_left_out:
                for one, other in combinations(sorted(values.keys() & kinds.keys()), 2):
                    disturbed = values[one].disturbed or values[other].disturbed
                    found[one, other].append((values[one].log - values[other].log, disturbed))
        pools: dict[frozenset[Hashable], _Pool] = defaultdict(_Pool)
        self._pools: dict[Pair, _Pool] = {}
        for pair, ratios in found.items():
            pool = pools[frozenset(kinds[key] for key in pair)]
            pool.values[pair] = _that_count(ratios)
            self._pools[pair] = pool
        for pool in pools.values():
            pool.close()

    @property
    def pairs(self) -> Collection[Pair]:
        """The pairs that had rounds in common."""
        return self._pools.keys()

    def series(self, pair: Pair) -> Series:
        """What is known of the ratio of the first to the second of a pair."""
        return self._pools[pair].known(pair)


def _that_count(ratios: Collection[tuple[float, bool]]) -> list[float]:
    """The undisturbed ones; all of them on a machine that is hardly ever quiet.

    What disturbs a whole round cancels, and what disturbs a member alone is an outlier.
    """
    clean = [ratio for ratio, disturbed in ratios if not disturbed]
    return clean if 2 * len(clean) >= len(ratios) else [ratio for ratio, _ in ratios]


def _bulk(groups: Collection[list[float]]) -> float:
    """The standard deviation without outliers, from the differences of neighbours in groups."""
    gaps = [abs(after - before) for own in groups for before, after in pairwise(own)]
    return median(gaps) / (math.sqrt(2) * NormalDist().inv_cdf(0.75)) if gaps else 0.0
