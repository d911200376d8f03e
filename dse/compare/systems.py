"""A system as a comparison sees it: its configurations with all that is computed of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dse.compare.criteria import completed
from dse.core.configuration import CONFIGURATION_FIELDS
from dse.core.errors import RequestError
from dse.core.measurement import Source
from dse.core.metrics import METRICS, SCENARIOS, is_quality
from dse.core.pareto import nondominated
from dse.derived.coverage import Coverage
from dse.derived.names import bounds
from dse.derived.point import Inputs, Machine
from dse.results.table import OFFLINE_POWER
from dse.tasks import registry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dse.compare.criteria import Criterion
    from dse.core.pareto import Interval
    from dse.derived.derivation import Derivation
    from dse.derived.point import Evaluated
    from dse.results.table import ResultTable, Row
    from dse.tasks.task import Quality, Task


@dataclass(frozen=True, slots=True)
class SystemPoint:
    """A configuration on a system.

    Attributes:
        row: what is known of it.
        assessed: what was computed of that.
        quality: the name of the metric that tells how good the answers are.
    """

    row: Row
    assessed: Evaluated
    quality: str

    def value(self, name: str) -> float | None:
        """Of a metric, measured or defined; None where there is none."""
        amount = self.assessed.amounts.get(name)
        return self.row.values.get(name) if amount is None else amount.value

    def interval(self, name: str) -> Interval | None:
        """Of a metric, measured or defined; None where it is not known."""
        amount = self.assessed.amounts.get(name)
        return self.row.intervals.get(name) if amount is None else amount.interval

    @property
    def accuracy(self) -> float:
        """The quality in its metric's unit; 0 where it is not known."""
        return self.row.values.get(self.quality, 0.0)

    def sources(self, criterion: Criterion) -> tuple[str, ...]:
        """Where the values come from on which a criterion rests."""
        known = {_source(self.row, name) for name in criterion.metrics}
        return tuple(sorted(filter(None, known)))

    def inferred(self, criterion: Criterion) -> bool:
        """Whether one of them was derived from another scenario's run."""
        return not self.row.inferred.isdisjoint(criterion.metrics)

    def validity(self, criterion: Criterion) -> str:
        """``valid`` where all timed ones are from runs by MLPerf's rules, else ``probe``."""
        timed = {name for name in criterion.metrics if name in SCENARIOS}
        return "valid" if timed <= self.row.valid else "probe"


@dataclass(frozen=True, slots=True)
class ComparedSystem:
    """A system to compare.

    Attributes:
        number: from 1, by which the outputs refer to it.
        name: told apart from those of the others.
        results: what it is.
        entries: the configurations that keep to the user's conditions.
        quality: the name of the metric that tells how good the answers are.
    """

    number: int
    name: str
    results: ResultTable
    entries: tuple[SystemPoint, ...]
    quality: str

    @property
    def sources(self) -> tuple[str, ...]:
        """Where its values come from, but for accuracies that were taken over."""
        found = {s for e in self.entries for m, s in e.row.sources.items() if not is_quality(m)}
        return tuple(sorted(source.value for source in found))

    @property
    def accuracy_sources(self) -> tuple[str, ...]:
        """Where its accuracies come from."""
        known = (each.row.sources.get(self.quality) for each in self.entries)
        return tuple(sorted({source.value for source in known if source is not None}))

    @property
    def images(self) -> tuple[int, ...]:
        """The numbers of samples behind its measured qualities, where they are told."""
        return tuple(sorted({each.row.images for each in self.entries if each.row.images}))

    def able(self, criterion: Criterion, accuracy: float = 0.0) -> list[SystemPoint]:
        """The configurations that have a value, the best first, the more accurate of equal ones.

        Args:
            criterion: what counts.
            accuracy: that they have to have at least, in its unit; 0 for any, known or not.
        """
        found = [
            (criterion.loss(value), -each.accuracy, index)
            for index, each in enumerate(self.entries)
            if each.accuracy >= accuracy and (value := each.value(criterion.name)) is not None
        ]
        return [self.entries[index] for _, _, index in sorted(found)]

    def frontier(self, metric: str) -> list[SystemPoint]:
        """The configurations that no other here dominates, the most accurate first.

        Args:
            metric: measured, the other objective beside accuracy; what lacks it is left out.
        """
        names = self.quality, metric
        known = [each for each in self.entries if all(name in each.row.values for name in names)]
        kept = nondominated([each.row.values for each in known], names)
        return sorted((known[index] for index in kept), key=lambda each: -each.accuracy)


@dataclass(frozen=True, slots=True)
class Gathered:
    """Systems that can be compared.

    Attributes:
        systems: in the order given.
        derivation: with which their configurations were assessed.
        asked: the user's part of it.
        tally: what that left out.
        task: what the models are for.
        quality: how good their answers are.
    """

    systems: tuple[ComparedSystem, ...]
    derivation: Derivation
    asked: Derivation
    tally: Coverage
    task: Task
    quality: Quality


def gather(found: Sequence[ResultTable], asked: Derivation) -> Gathered:
    """Computes all of the systems' configurations, and gives each system a name of its own.

    Args:
        found: what is known of them.
        asked: metrics, conditions and facts of the user.

    Raises:
        RequestError: an expression of the user is wrong, or the systems are of different tasks.
    """
    task, quality = _task(found)
    derivation = completed(asked)
    derivation.check(_further(found))
    assessed = [_assess(results, derivation) for results in found]
    named = [_name(results, found) for results in found]
    systems = []
    for number, (results, own, name) in enumerate(zip(found, assessed, named, strict=True), 1):
        pairs = zip(results.rows, own, strict=True)
        systems.append(
            ComparedSystem(
                number,
                name if named.count(name) == 1 else f"{name} [{number}]",
                results,
                tuple(SystemPoint(r, a, quality.metric.name) for r, a in pairs if a.kept),
                quality.metric.name,
            )
        )
    tally = Coverage.of([each for own in assessed for each in own])
    told = {each.name for each in asked.definitions}
    missing = {name: causes for name, causes in tally.missing.items() if name in told}
    tally = replace(tally, missing=missing)
    return Gathered(tuple(systems), derivation, asked, tally, task, quality)


def _task(found: Sequence[ResultTable]) -> tuple[Task, Quality]:
    """The task of all systems, and the quality by which they are compared.

    Raises:
        RequestError: there are several tasks, or no answer of the task is right.
    """
    names = sorted({results.task for results in found}) or [registry.DEFAULT]
    if len(names) > 1:
        raise RequestError(
            f"systems of different tasks can't be compared: {', '.join(names)}",
            remedy="name results of one task",
        )
    task = registry.task(names[0])
    if task.quality is None:
        raise RequestError(
            f"the task '{task.name}' has no quality to compare systems by",
            remedy="name results of another task",
        )
    return task, task.quality


def _assess(results: ResultTable, derivation: Derivation) -> list[Evaluated]:
    machine = Machine.of(results.name, cpu=results.cpu, cores=results.cores, ghz=results.ghz)
    assessor = derivation.assessor(machine)
    known = (Inputs(row.configuration, row.values, row.intervals) for row in results.rows)
    return [assessor.assess(each) for each in known]


def _further(found: Sequence[ResultTable]) -> set[str]:
    """Names that some configuration has beyond those that all may have."""
    knobs = {name for results in found for row in results.rows for name in row.configuration}
    return knobs - set(CONFIGURATION_FIELDS) | {OFFLINE_POWER, *bounds(OFFLINE_POWER)}


def _source(row: Row, metric: str) -> str:
    """Where a value comes from; empty where there is none."""
    source = row.sources.get(metric)
    if source is Source.MEASURED and metric in METRICS and METRICS[metric].estimated:
        return "estimated"
    return source.value if source is not None else ""


def _name(results: ResultTable, found: Sequence[ResultTable]) -> str:
    """The name, with its origin where others have the same."""
    same = sum(other.name == results.name for other in found)
    return f"{results.name} ({results.origin})" if same > 1 else results.name
