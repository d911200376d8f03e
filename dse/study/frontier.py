"""The frontier of a study: its records, which of them are certain, and which lead.

When something was measured again, every interval changes a little with what is known of the noise,
and the frontier has to be found anew. Nearly all configurations were probed once in each metric:
their intervals are a factor times the value, so it is found in arrays (`batch_frontier`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

from dse.core.measurement import Source
from dse.core.metrics import METRICS
from dse.core.pareto import Losses, Point, metric_of, nondominated, numbered
from dse.study.comparison import Comparison
from dse.study.contenders import Contenders
from dse.study.decisions import Decisions
from dse.study.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Iterable, Mapping

    from numpy.typing import NDArray

    from dse.core.measurement import Measurement
    from dse.core.metrics import Metric
    from dse.study.comparison import Evidence
    from dse.study.decisions import OpenPair, Order, Relation
    from dse.study.observations import ObservationStore

    Values = Callable[[Record], Mapping[str, float]]


class StudyFrontier(Sequence[Record]):
    """The records that no other dominates, in order of their ids.

    Candidates are those that no other dominates beyond the intervals. Of these, some are left out
    as most likely dominated, and what rounds decide makes others drop out.

    Args:
        candidates: the keys of their configurations.
        records: those records, and perhaps others.
        objectives: what is optimised.
        values: of a record, by the name of an objective.
        point: of a record, as a frontier sees it.
        holds: whether a record keeps to all bounds wherever its values lie in their intervals.
        drifted: whether all that is known of a record is from times when the machine was not
            itself.
        evidence: what tells more than the values.

    Attributes:
        candidates: the records of the candidates, in order of their ids.
        contenders: which of them may be on the frontier, by their places.
    """

    def __init__(
        self,
        candidates: Collection[Hashable],
        records: Iterable[Record],
        objectives: Sequence[str | Metric],
        *,
        values: Values,
        point: Callable[[Record], Point],
        holds: Callable[[Record], bool],
        drifted: Callable[[Record], bool],
        evidence: Evidence,
    ) -> None:
        kept = set(candidates)
        own = (record for record in records if record.configuration.key in kept)
        self.candidates = sorted(own, key=lambda record: record.id)
        self._objectives, self._values = objectives, values
        self._holds = holds
        self._drifted = drifted
        metrics = [metric_of(objective) for objective in objectives]
        points = [point(record) for record in self.candidates]
        reliable = [holds(record) and not drifted(record) for record in self.candidates]
        compared = Comparison(self.candidates, points, metrics, evidence, reliable)
        self.contenders, self._decisions = _decide(compared)
        self._places = self._decisions.survivors()
        self._known = [self.candidates[place] for place in self.contenders.places]
        self._records = [self._known[place] for place in self._places]

    def certain(self, record: Record) -> bool:
        """Whether it is decided that a record is on the frontier, and keeps to all bounds.

        What was measured in a drift only never is.
        """
        return self.decided(record) and self.keeps_bounds(record) and not self.drifted(record)

    def decided(self, record: Record) -> bool:
        """Whether a record is better than each other one in something, or as good, beyond doubt."""
        return record.id in self._best

    def drifted(self, record: Record) -> bool:
        """Whether what is known of it is from times alone when the machine was not itself."""
        return self._drifted(record)

    @cached_property
    def _best(self) -> frozenset[int]:
        """Ids of the records that are better than each other one somewhere, or as good."""
        best = self._decisions.surely_best(self._places) if self._places else []
        return frozenset(self._known[place].id for place in best)

    @cached_property
    def open_pairs(self) -> Sequence[OpenPair]:
        """The pairs whose order is not decided, and can be by measuring both in further rounds."""
        return self._decisions.open_pairs(self._places) if self._places else []

    @cached_property
    def open_ids(self) -> frozenset[int]:
        """Ids of the records whose order to another one is not decided, and can be by rounds."""
        return frozenset(self._known[p].id for p in self._decisions.open_places(self._places))

    def order(self, one: Record, other: Record, metric: str) -> Order:
        """Whether a contender is better than another one in an objective."""
        return self._decisions.order(one, other, metric)

    def relation(self, one: Record, other: Record, metric: str) -> Relation:
        """How a contender stands to another one in an objective."""
        return self._decisions.relation(one, other, metric)

    def keeps_bounds(self, record: Record) -> bool:
        """Whether a record keeps to all bounds wherever its values lie in their intervals."""
        return self._holds(record)

    @cached_property
    def leading(self) -> frozenset[int]:
        """Ids of the records whose values no other's dominate."""
        best = nondominated([self._values(each) for each in self], self._objectives)
        return frozenset(self[index].id for index in best)

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> list[Record]: ...
    def __getitem__(self, index: int | slice) -> Record | list[Record]:
        return self._records[index]

    def __len__(self) -> int:
        return len(self._records)


def _decide(compared: Comparison) -> tuple[Contenders, Decisions]:
    """The points that contend, and what is decided between them.

    A point is left out only for one that stays: decisions may make that one drop out.
    """
    contenders = Contenders.of(compared)
    while True:
        decisions = Decisions(compared.subset(contenders.places))
        stayed = [contenders.places[place] for place in decisions.survivors()]
        more = contenders.and_back(stayed)
        if len(more.places) == len(contenders.places):
            return contenders, decisions
        contenders = more


def point_of(measurements: Sequence[Measurement], measured: ObservationStore) -> Point:
    """Estimates as a frontier sees them.

    Args:
        measurements: the estimates.
        measured: everything that was measured: it tells between which bounds they lie.
    """
    ends = {m.metric: measured.bounds(m) for m in measurements}
    return Point(
        {m.metric: m.value for m in measurements},
        {name: interval for name, interval in ends.items() if interval},
        {m.metric: m.key for m in measurements if m.source is not Source.PUBLISHED},
    )


def timed(measurement: Measurement) -> bool:
    """Whether a measurement would come out differently when taken again."""
    return measurement.source is Source.MEASURED and METRICS[measurement.metric].timed


def batch_frontier(
    subjects: Sequence[Mapping[str, Measurement]],
    measured: ObservationStore,
    objectives: Sequence[str],
) -> list[int]:
    """Indices of those that no other dominates beyond the intervals, in their order.

    Args:
        subjects: the measurements of each configuration, by metric.
        measured: everything that was measured.
        objectives: names of metrics, which every configuration has.
    """
    import numpy as np

    if not subjects:
        return []
    columns = [_column([known[name] for known in subjects], measured) for name in objectives]
    values, low, high, keys = (np.stack(part, axis=1) for part in zip(*columns, strict=True))
    metrics = [METRICS[name] for name in objectives]
    for index, known in enumerate(subjects):
        own = [known[name] for name in objectives]
        if not all(map(measured.probed_once, own)):
            one = Losses.of([point_of([measured.estimate(m) for m in own], measured)], metrics)
            values[index], low[index], high[index] = one.values[0], one.low[0], one.high[0]
    timed = np.array([metric.timed for metric in metrics])
    return Losses(values, low, high, keys, timed).undominated()


def _column(found: list[Measurement], measured: ObservationStore) -> tuple[NDArray[Any], ...]:
    """Values, both bounds and keys of what was probed once, as `Losses` has them."""
    import numpy as np

    metric = METRICS[found[0].metric]
    sign = -1.0 if metric.direction == "maximize" else 1.0
    values = sign * np.array([m.value for m in found])
    reaches = [math.log(measured.interval_factor(m)) if timed(m) else 0.0 for m in found]
    factors = np.exp(sign * np.array(reaches))
    keys = numbered([[None if m.source is Source.PUBLISHED else m.key] for m in found])[:, 0]
    return values, values / factors, values * factors, keys
