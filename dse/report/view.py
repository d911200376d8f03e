"""A study as it was asked for: which points count, what is optimised, what is computed of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from dse.core.configuration import DEVICE
from dse.core.measurement import Source
from dse.core.metrics import METRICS
from dse.core.pareto import Frontier, Point, feasible
from dse.derived.coverage import Coverage
from dse.derived.derivation import Derivation
from dse.derived.point import Inputs, Machine, bounds, known_names
from dse.report.standing import DRIFT, place_notes
from dse.study.frontier import StudyFrontier, point_of
from dse.tasks import registry

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from dse.core.configuration import KnobValue
    from dse.core.metrics import Metric
    from dse.derived.point import Evaluated, Value
    from dse.study.record import Record
    from dse.study.study import Study


class View:
    """The points of a study with what a derivation makes of them.

    Without conditions and objectives of its own it shows the study's frontier as it is. With some,
    the points that keep to the study's constraints and to the conditions have a frontier of their
    own, by the same rules.

    Args:
        study: opened.
        derivation: what the user asks for.

    Raises:
        RequestError: a name in it is not known.
    """

    def __init__(self, study: Study, derivation: Derivation | None = None) -> None:
        self.study = study
        self.derivation = derivation or Derivation()
        if self.derivation.asked:
            self.derivation.check(_further(study))
        self._assessor = self.derivation.assessor(machine_of(study))
        self._assessed: dict[int, Evaluated] = {}

    @cached_property
    def objectives(self) -> tuple[Metric, ...]:
        """What is optimised."""
        return self.derivation.metrics(self.study.space.objectives)

    @property
    def facts(self) -> Mapping[str, KnobValue]:
        """What expressions know of the machine, by name."""
        return self._assessor.facts

    @property
    def names(self) -> tuple[str, ...]:
        """All names that an expression may use, sorted; a point may have no value of some."""
        derivation = self.derivation
        defined = (definition.name for definition in derivation.definitions)
        own = (each for name in defined for each in (name, *bounds(name)))
        further = {*self.facts, *derivation.facts.names, *own, *_further(self.study)}
        return tuple(sorted(further | known_names()))

    @property
    def quality(self) -> str | None:
        """The metric of the task's quality; None where no answer is right."""
        found = registry.task(self.study.about.task).quality
        return None if found is None else found.metric.name

    @property
    def metrics(self) -> tuple[str, ...]:
        """Measured metrics to show: the objectives among them, then what the study is about."""
        own = [metric.name for metric in self.objectives if metric.name in METRICS]
        return tuple(dict.fromkeys([*own, *self.study.about.metrics]))

    @cached_property
    def records(self) -> list[Record]:
        """The measured points that keep to constraints and conditions, in order of their ids."""
        records = self.study.feasible_records(self.study.space)
        if not self.derivation.conditions:
            return records
        return [record for record in records if self.assessed(record).kept]

    @cached_property
    def frontier(self) -> StudyFrontier:
        """Those of them that no other dominates, as far as is known."""
        if not self.derivation.selects:
            return self.study.results.frontier
        able = [record for record in self.records if self.lack(record) is None]
        points: dict[Hashable, Point] = {r.configuration.key: self.point(r) for r in able}
        frontier = Frontier.of(points, self.objectives)
        return StudyFrontier(
            frontier.names,
            able,
            self.objectives,
            values=self._values,
            point=self.point,
            holds=self._holds,
            drifted=self.study.results.drifted,
            evidence=self.study.results.evidence,
        )

    def assessed(self, record: Record) -> Evaluated:
        """What the derivation makes of a record."""
        if record.id not in self._assessed:
            self._assessed[record.id] = self._assessor.assess(known_of(record))
        return self._assessed[record.id]

    def amount(self, record: Record, name: str) -> Value | None:
        """The value of a metric of the user; None where it is missing."""
        return self.assessed(record).amounts.get(name)

    def value(self, record: Record, name: str) -> float | None:
        """The value of a metric, measured or the user's."""
        amount = self.amount(record, name)
        return record.outcome.values.get(name) if amount is None else amount.value

    def notes(self, record: Record) -> list[str]:
        """What speaks against the values of a record; nothing where they are as they should be."""
        found = list(map(str, self.study.results.notes(record.outcome)))
        if record.id in self._placed:
            return found + place_notes(self.frontier, record)
        return [*found, DRIFT] if self.study.results.drifted(record) else found

    @cached_property
    def _placed(self) -> frozenset[int]:
        """Ids of the points of the frontier."""
        return frozenset(record.id for record in self.frontier)

    @cached_property
    def tally(self) -> Coverage:
        """What was left out, and what is missing of that which is shown."""
        derivation = self.derivation
        records: Sequence[Record] = self.frontier
        if derivation.conditions:
            records = self.study.feasible_records(self.study.space)
        return Coverage.of([self.assessed(record) for record in records], self._lacking)

    @property
    def _lacking(self) -> Counter[str]:
        """How many points have no value of an objective, by what they lack."""
        if not self.derivation.selects:
            return Counter()
        found = (self.lack(record) for record in self.records)
        return Counter(cause for cause in found if cause)

    def lack(self, record: Record) -> str | None:
        """What a record has no value of an objective for; None where it has all."""
        missing = self.assessed(record).missing
        names = (metric.name for metric in self.objectives)
        lacking = next((name for name in names if self.value(record, name) is None), None)
        return None if lacking is None else missing.get(lacking, lacking)

    def _values(self, record: Record) -> Mapping[str, float]:
        """The objectives of a record that has them all."""
        names = (metric.name for metric in self.objectives)
        return {name: self.value(record, name) or 0.0 for name in names}

    def point(self, record: Record) -> Point:
        """The values of a record with the intervals that count in comparisons."""
        known = self._bounded(record)
        amounts = self._assessor.assess(known).amounts
        intervals = {name: each.interval for name, each in amounts.items() if each.interval}
        keys = {name: each.key for name, each in amounts.items() if each.key}
        return Point(
            {**known.values, **{name: each.value for name, each in amounts.items()}},
            {**known.intervals, **intervals},
            {**known.keys, **keys},
        )

    def _holds(self, record: Record) -> bool:
        """Whether constraints and conditions hold wherever the values lie in their bounds."""
        known = self._bounded(record)
        constraints = self.study.space.constraints
        ends = [{**known.values, m: end} for m, ends in known.intervals.items() for end in ends]
        return self._assessor.holds_in_interval(known) and all(
            feasible(each, constraints) for each in ends
        )

    def _bounded(self, record: Record) -> Inputs:
        """A record with the bounds that count in comparisons, also where no interval is known."""
        known = point_of(record.outcome.measurements, self.study.results.measured)
        return replace(known_of(record), intervals=known.intervals)


def known_of(record: Record) -> Inputs:
    """A record as expressions see it."""
    found, own = record.outcome.measurements, record.configuration
    intervals = {m.metric: m.interval for m in found if m.interval}
    keys = {m.metric: m.key for m in found if m.source is not Source.PUBLISHED}
    return Inputs({DEVICE: own.device, **own.as_dict()}, record.outcome.values, intervals, keys)


def machine_of(study: Study) -> Machine:
    """The system of a study as expressions see it."""
    system = study.system
    return Machine.of(
        system.fingerprint,
        cpu=system.cpu,
        cpus=system.available_cpus,
        cores=system.physical_cores,
        ghz=system.ghz,
    )


def _further(study: Study) -> set[str]:
    """The knobs that configurations have, or may have."""
    planned = {knob.name for backend in study.space.backends for knob in backend.knobs}
    return planned | {
        name for record in study.records.values() for name, _ in record.configuration.knobs
    }
