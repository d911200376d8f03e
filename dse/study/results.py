"""What the trials of a study amount to: what is known of each configuration, and the frontier.

Everything here is derived from the trials and grows with them; nothing of it is stored.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dse.frontier import Frontier, Point, feasible
from dse.study.measured import Measured
from dse.study.record import Record
from dse.types import METRICS, TRANSIENT_FAILURES, Outcome, Source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dse.space.space import Constraint, SearchSpace
    from dse.types import Configuration, Failure, Measurement


@dataclass(slots=True)
class _Entry:
    """What the trials of one configuration say.

    Attributes:
        id: the number of the first of them.
        measurements: one of each metric, to tell what was measured.
        failure: of the last of them.
    """

    id: int
    configuration: Configuration
    measurements: dict[str, Measurement] = field(default_factory=dict)
    failure: Failure | None = None

    @property
    def outcome(self) -> Outcome:
        """All of it, as it was measured."""
        return Outcome(tuple(self.measurements.values()), self.failure)


class Results:
    """Records, frontier and remembered failures.

    Attributes:
        measured: every measurement that was ever taken.
        failures: every permanent failure, by the key of the measurement that failed.
    """

    def __init__(self) -> None:
        self.measured = Measured()
        self.failures: dict[str, Failure] = {}
        self._entries: dict[str, _Entry] = {}
        self._space: SearchSpace | None = None
        self._records: dict[str, Record] = {}
        self._frontier: Frontier | None = None
        self._revision = -1

    def start(self, space: SearchSpace) -> None:
        """Forgets the configurations, as a further generation begins; what was measured stays."""
        self._space = space
        self._entries = {}
        self._revision = -1

    def note(self, number: int, configuration: Configuration, outcome: Outcome) -> Record:
        """Takes in the outcome of a trial; a configuration's last one tells whether it failed."""
        entry = self._entries.get(configuration.key)
        first = entry is None
        entry = entry or _Entry(number, configuration)
        self._entries[configuration.key] = entry
        entry.measurements |= {m.metric: m for m in outcome.measurements}
        entry.failure = failure = outcome.failure
        if failure is not None and failure.key and failure.kind not in TRANSIENT_FAILURES:
            self.failures[failure.key] = failure
        if first and self._revision == self.measured.revision:
            self._grow(entry, self._refresh())
        else:
            self._revision = -1
        return self.records[configuration.key]

    @property
    def records(self) -> dict[str, Record]:
        """What is known of each configuration of the current space, by configuration key."""
        self._refresh()
        return self._records

    @property
    def frontier(self) -> list[Record]:
        """The records that keep to the constraints and that no other dominates; by their ids."""
        frontier = self._refresh()
        return sorted((self._records[str(key)] for key in frontier.names), key=lambda r: r.id)

    @property
    def anchor(self) -> Record | None:
        """The configuration that is measured again at intervals: the first one that was timed."""
        entry = next(filter(self._can_anchor, self._entries.values()), None)
        return None if entry is None else self.records[entry.configuration.key]

    def timed(self, outcome: Outcome) -> list[Measurement]:
        """What the study is about and would come out differently when measured again."""
        wanted = {*self.objectives, *(bound.metric for bound in self._constraints)}
        return [m for m in outcome.measurements if m.metric in wanted and _timed(m)]

    def certain(self, record: Record) -> bool:
        """Whether a record of the frontier would be there again if all were measured again."""
        frontier = self._refresh()
        kept = all(feasible(values, self._constraints) for values in _ends(record))
        return kept and frontier.certain(record.configuration.key)

    def stale(self) -> list[Record]:
        """The records that rest on measurements of a time when the machine was not itself."""
        records = sorted(self.records.values(), key=lambda r: r.id)
        return [r for r in records if any(map(self.measured.stale, self.timed(r.outcome)))]

    @property
    def objectives(self) -> Sequence[str]:
        """Names of the metrics that are optimised."""
        return self._space.objectives if self._space else ()

    @property
    def _constraints(self) -> Sequence[Constraint]:
        return self._space.constraints if self._space else ()

    def _refresh(self) -> Frontier:
        """Derives everything anew where what is known of the noise has changed."""
        if self._frontier is None or self._revision != self.measured.revision:
            self._find_anchor()
            self._revision = self.measured.revision
            self._records = {}
            self._frontier = Frontier(self.objectives)
            for entry in self._entries.values():
                self._grow(entry, self._frontier)
        return self._frontier

    def _find_anchor(self) -> None:
        entry = next(filter(self._can_anchor, self._entries.values()), None)
        timed = self.timed(entry.outcome) if entry else []
        self.measured.set_anchor({m.metric: m.key for m in timed})

    def _can_anchor(self, entry: _Entry) -> bool:
        return entry.failure is None and bool(self.timed(entry.outcome))

    def _grow(self, entry: _Entry, frontier: Frontier) -> None:
        measurements = tuple(map(self.measured.estimate, entry.measurements.values()))
        record = Record(entry.id, entry.configuration, Outcome(measurements, entry.failure))
        self._records[entry.configuration.key] = record
        if entry.failure is None and feasible(record.outcome.values, self._constraints):
            frontier.add(entry.configuration.key, _point(measurements))


def _timed(measurement: Measurement) -> bool:
    return measurement.source is Source.MEASURED and METRICS[measurement.metric].timed


def _point(measurements: Sequence[Measurement]) -> Point:
    return Point(
        {m.metric: m.value for m in measurements},
        {m.metric: m.interval for m in measurements if m.interval},
        {m.metric: m.key for m in measurements if m.source is not Source.PUBLISHED},
    )


def _ends(record: Record) -> Sequence[dict[str, float]]:
    """The values at the lower and at the upper end of their intervals."""
    return [
        {m.metric: (m.interval or (m.value, m.value))[end] for m in record.outcome.measurements}
        for end in (0, 1)
    ]
