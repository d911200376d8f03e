"""What the trials of a study amount to: what is known of each configuration, and the frontier.

Everything here is derived from the trials and grows with them; nothing of it is stored.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dse.core.measurement import TRANSIENT_FAILURES, Outcome, Source
from dse.core.pareto import Frontier, feasible
from dse.study._pace import Pace
from dse.study.comparison import TIE_PERCENT, Evidence
from dse.study.frontier import StudyFrontier, batch_frontier, point_of, timed
from dse.study.observations import ObservationStore
from dse.study.record import Purpose, Record
from dse.study.rounds import RoundTable
from dse.tasks import registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from dse.core.configuration import Configuration
    from dse.core.measurement import Failure, FailureKind, Measurement
    from dse.core.pareto import Constraint, Point
    from dse.core.plausibility import Note
    from dse.space.space import SearchSpace
    from dse.tasks.task import Task


@dataclass(slots=True)
class _Entry:
    """What the trials of one configuration say.

    Attributes:
        id: the number of the first of them.
        place: of that one in the order in which trials were begun.
        measurements: one of each metric, to tell what was measured.
        failure: of the last of them.
    """

    id: int
    place: int
    configuration: Configuration
    measurements: dict[str, Measurement] = field(default_factory=dict)
    failure: Failure | None = None

    @property
    def outcome(self) -> Outcome:
        """All of it, as it was measured."""
        return Outcome(tuple(self.measurements.values()), self.failure)


class StudyResults:
    """Records, frontier and remembered failures.

    Attributes:
        measured: every measurement that was ever taken.
        failures: every permanent failure, by the key of the measurement that failed.
        rounds: what rivals have measured side by side.
        spent: how long the trials that have an outcome took, in seconds, by purpose.
        pace: how long those of rounds took.
        failed: how many configurations of the current space have failed, by kind.
    """

    def __init__(self) -> None:
        self.measured = ObservationStore()
        self.rounds = RoundTable()
        self.spent = dict.fromkeys(Purpose, 0.0)
        self.pace = Pace()
        self.failures: dict[str, Failure] = {}
        self.failed: Counter[FailureKind] = Counter()
        self._entries: dict[str, _Entry] = {}
        self._anchor: _Entry | None = None
        self._space: SearchSpace | None = None
        self._task: Task | None = None
        self._records: dict[str, Record] = {}
        self._frontier: Frontier | None = None
        self._shown: StudyFrontier | None = None
        self._tie_percent = TIE_PERCENT
        self._revision = (-1, -1)

    def start(self, space: SearchSpace, tie_percent: float = TIE_PERCENT) -> None:
        """Forgets the configurations, as a further revision begins; what was measured stays.

        Args:
            space: of the revision.
            tie_percent: values that differ by less are as good as each other.
        """
        self._tie_percent = tie_percent
        self._space = space
        self._task = registry.task(space.task)
        self._entries = {}
        self._anchor = None
        self.failed.clear()
        self._drop()

    def note(
        self, number: int, configuration: Configuration, outcome: Outcome, place: int | None = None
    ) -> None:
        """Takes in the outcome of a trial; a configuration's last one tells whether it failed.

        Args:
            number: of the trial.
            configuration: what it measured.
            outcome: what it tells of that.
            place: in the order in which trials were begun, if that is not the number.
        """
        key = configuration.key
        first = key not in self._entries
        entry = self._entries.setdefault(
            key, _Entry(number, number if place is None else place, configuration)
        )
        if not first and not outcome.measurements and outcome.failure == entry.failure:
            return  # a brief run tells nothing of its configuration alone
        if entry.failure is not None:
            self.failed[entry.failure.kind] -= 1
        entry.measurements |= {m.metric: m for m in outcome.measurements}
        entry.failure = failure = outcome.failure
        if failure is not None:
            self.failed[failure.kind] += 1
            if failure.key and failure.kind not in TRANSIENT_FAILURES:
                self.failures[failure.key] = failure
        self._choose_anchor(entry)
        if not first:
            # Found again when it is wanted, and not at each of many notes.
            self._drop()
        elif (
            self._frontier is not None
            and self._revision == self._known
            and self._eligible(key, entry)
        ):
            self._frontier.add(key, self._point(key))
            self._shown = None

    @property
    def records(self) -> Mapping[str, Record]:
        """What is known of each configuration of the current space, by configuration key."""
        self._forget()
        return _Records(self._entries, self._record)

    @property
    def frontier(self) -> StudyFrontier:
        """The records that keep to the constraints and that no other dominates."""
        candidates = self._refresh()
        if self._shown is None:
            self._shown = StudyFrontier(
                candidates.names,
                [self._record(str(key)) for key in candidates.names],
                self.objectives,
                values=_values,
                point=lambda record: self._point(record.configuration.key),
                holds=self._holds,
                drifted=self.drifted,
                evidence=self.evidence,
            )
        return self._shown

    @property
    def evidence(self) -> Evidence:
        """What decisions rest on besides the values."""
        left_out = {machine for _, machine in self.measured.deviations()}
        return Evidence(self.rounds, self._tie_percent, hosts_left_out=left_out)

    @property
    def anchor(self) -> Record | None:
        """The configuration that is measured again at intervals: the first one that was timed."""
        return None if self._anchor is None else self.records[self._anchor.configuration.key]

    def timed(self, outcome: Outcome) -> list[Measurement]:
        """What the study is about and would come out differently when measured again."""
        wanted = {*self.objectives, *(bound.metric for bound in self._constraints)}
        return [m for m in outcome.measurements if m.metric in wanted and timed(m)]

    def notes(self, outcome: Outcome) -> tuple[Note, ...]:
        """What speaks against the measured quality of a configuration; none where there is none."""
        quality = outcome.quality
        if self._task is None or quality is None or quality.source is not Source.MEASURED:
            return ()
        return self._task.notes(quality)

    def drifted(self, record: Record) -> bool:
        """Whether a value of a record is from times alone when the machine was not itself."""
        return any(map(self.measured.stale, self.timed(record.outcome)))

    def stale(self) -> list[Record]:
        """The measured records that rest on a time when the machine was not itself."""
        self._forget()
        if not self.measured.drifts() and not self.measured.deviations():
            return []
        found = (
            self._record(key)
            for key, entry in self._entries.items()
            if entry.failure is None and any(map(self.measured.stale, self.timed(entry.outcome)))
        )
        return sorted(found, key=lambda record: record.id)

    @property
    def objectives(self) -> Sequence[str]:
        """Names of the metrics that are optimised."""
        return self._space.objectives if self._space else ()

    def _holds(self, record: Record) -> bool:
        """Whether the constraints hold at both ends of a record's intervals."""
        known = point_of(record.outcome.measurements, self.measured)
        ends = (
            {m: known.intervals.get(m, (v, v))[n] for m, v in known.values.items()} for n in (0, 1)
        )
        return all(feasible(values, self._constraints) for values in ends)

    @property
    def _constraints(self) -> Sequence[Constraint]:
        return self._space.constraints if self._space else ()

    def _refresh(self) -> Frontier:
        """The frontier, found anew where what is known of the noise has changed."""
        self._forget()
        if self._frontier is None:
            self._frontier = Frontier(self.objectives)
            able = {k: e for k, e in self._entries.items() if self._eligible(k, e)}
            keys = list(able)
            known = [entry.measurements for entry in able.values()]
            for index in batch_frontier(known, self.measured, self.objectives):
                self._frontier.keep(keys[index], self._point(keys[index]))
        return self._frontier

    def _forget(self) -> None:
        """Drops what is derived where what is known of the noise has changed."""
        timed = self.timed(self._anchor.outcome) if self._anchor else []
        self.measured.set_anchor({m.metric: m.key for m in timed})
        if self._revision != self._known:
            self._revision = self._known
            self.measured.renew_noise()
            self._drop()

    @property
    def _known(self) -> tuple[int, int]:
        """Moves on when what is known of earlier measurements has changed."""
        return self.measured.revision, self.rounds.revision

    def _drop(self) -> None:
        self._records, self._frontier, self._shown = {}, None, None

    def _point(self, key: str) -> Point:
        return point_of(self._record(key).outcome.measurements, self.measured)

    def _eligible(self, key: str, entry: _Entry) -> bool:
        if entry.failure is not None or not self._constraints:
            return entry.failure is None
        bound = [entry.measurements[constraint.metric] for constraint in self._constraints]
        if all(map(self.measured.probed_once, bound)):
            return feasible({m.metric: m.value for m in bound}, self._constraints)
        return feasible(self._record(key).outcome.values, self._constraints)

    def _record(self, key: str) -> Record:
        if key not in self._records:
            entry = self._entries[key]
            measurements = tuple(map(self.measured.estimate, entry.measurements.values()))
            outcome = Outcome(measurements, entry.failure)
            self._records[key] = Record(entry.id, entry.configuration, outcome)
        return self._records[key]

    def _choose_anchor(self, changed: _Entry) -> None:
        """The first that can be; looks through all only when the one before no longer can."""
        if changed is self._anchor and not self._can_anchor(changed):
            able = filter(self._can_anchor, self._entries.values())
            self._anchor = min(able, key=lambda entry: entry.place, default=None)
        elif self._anchor is None or changed.place < self._anchor.place:
            self._anchor = changed if self._can_anchor(changed) else self._anchor

    def _can_anchor(self, entry: _Entry) -> bool:
        return entry.failure is None and bool(self.timed(entry.outcome))


class _Records(Mapping[str, Record]):
    """Records that are made when they are asked for."""

    def __init__(self, entries: Mapping[str, _Entry], make: Callable[[str], Record]) -> None:
        self._entries = entries
        self._make = make

    def __getitem__(self, key: str) -> Record:
        return self._make(key)

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


def _values(record: Record) -> Mapping[str, float]:
    return record.outcome.values
