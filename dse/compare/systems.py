"""The systems of a comparison: their configurations with all derived values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dse.compare._hardware import detect_hardware, is_published
from dse.compare.criteria import complete
from dse.core.configuration import CONFIGURATION_FIELDS, CPU, DEVICE
from dse.core.errors import RequestError
from dse.core.measurement import Source
from dse.core.metrics import METRICS, SCENARIOS, is_quality
from dse.core.pareto import nondominated
from dse.derived.coverage import Coverage
from dse.derived.point import Inputs, Machine, bounds
from dse.results.table import OFFLINE_POWER
from dse.tasks import registry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dse.compare._hardware import Hardware
    from dse.compare.criteria import Criterion
    from dse.core.configuration import KnobValue
    from dse.core.pareto import Interval
    from dse.derived.derivation import Derivation
    from dse.derived.point import Evaluated
    from dse.results.table import ResultTable, Row
    from dse.tasks.task import Quality, Task


@dataclass(frozen=True, slots=True)
class SystemPoint:
    """A configuration on a system.

    Attributes:
        row: its values.
        assessed: the values derived from them.
        quality: name of the metric that tells how good the answers are.
    """

    row: Row
    assessed: Evaluated
    quality: str

    def value(self, name: str) -> float | None:
        """The value of a metric, measured or defined; None if there is none."""
        amount = self.assessed.amounts.get(name)
        return self.row.values.get(name) if amount is None else amount.value

    def interval(self, name: str) -> Interval | None:
        """The interval of a metric, measured or defined; None if unknown."""
        amount = self.assessed.amounts.get(name)
        return self.row.intervals.get(name) if amount is None else amount.interval

    @property
    def accuracy(self) -> float:
        """The quality in its metric's unit; 0 where it is not known."""
        return self.row.values.get(self.quality, 0.0)

    def sources(self, criterion: Criterion) -> tuple[str, ...]:
        """The sources of the values that a criterion depends on."""
        known = {_source(self.row, name) for name in criterion.metrics}
        return tuple(sorted(filter(None, known)))

    def inferred(self, criterion: Criterion) -> bool:
        """Whether one of these values was inferred from another scenario's run."""
        return not self.row.inferred.isdisjoint(criterion.metrics)

    def validity(self, criterion: Criterion) -> str:
        """``valid`` if all timed values are from runs by MLPerf's rules, else ``probe``."""
        timed = {name for name in criterion.metrics if name in SCENARIOS}
        return "valid" if timed <= self.row.valid else "probe"


@dataclass(frozen=True, slots=True)
class ComparedSystem:
    """A system to compare.

    Attributes:
        number: number in the outputs, counted from 1.
        name: a unique name.
        results: its results.
        entries: the configurations that meet the user's conditions.
        quality: name of the metric that tells how good the answers are.
        hardware: what it ran on, as far as its source tells.
    """

    number: int
    name: str
    results: ResultTable
    entries: tuple[SystemPoint, ...]
    quality: str
    hardware: Hardware

    @property
    def measured(self) -> bool:
        """Whether it is a study; else others published it."""
        return not is_published(self.results)

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources of its values except accuracies."""
        found = {s for e in self.entries for m, s in e.row.sources.items() if not is_quality(m)}
        return tuple(sorted(source.value for source in found))

    @property
    def accuracy_sources(self) -> tuple[str, ...]:
        """The sources of its accuracies."""
        known = (each.row.sources.get(self.quality) for each in self.entries)
        return tuple(sorted({source.value for source in known if source is not None}))

    @property
    def samples(self) -> tuple[int, ...]:
        """The known numbers of samples behind its measured qualities."""
        return tuple(sorted({each.row.samples for each in self.entries if each.row.samples}))

    def able(self, criterion: Criterion, accuracy: float = 0.0) -> list[SystemPoint]:
        """The configurations that have a value, the best first; of equal ones the most accurate.

        Args:
            criterion: the criterion.
            accuracy: lowest quality, in its unit; 0 for any, known or unknown.
        """
        found = [
            (criterion.loss(value), -each.accuracy, index)
            for index, each in enumerate(self.entries)
            if each.accuracy >= accuracy and (value := each.value(criterion.name)) is not None
        ]
        return [self.entries[index] for _, _, index in sorted(found)]

    def frontier(self, metric: str) -> list[SystemPoint]:
        """The configurations of this system that no other dominates, the most accurate first.

        Args:
            metric: measured metric, the second objective; configurations without it are left out.
        """
        names = self.quality, metric
        known = [each for each in self.entries if all(name in each.row.values for name in names)]
        kept = nondominated([each.row.values for each in known], names)
        return sorted((known[index] for index in kept), key=lambda each: -each.accuracy)


@dataclass(frozen=True, slots=True)
class Gathered:
    """Systems that can be compared.

    Attributes:
        systems: the systems in the order given.
        derivation: the definitions and conditions that were evaluated.
        asked: the user's part of the derivation.
        tally: what the derivation left out.
        task: what the models are for.
        quality: how good their answers are.
        elsewhere: the number of configurations that are left out as they ran on another device
            than the CPU.
    """

    systems: tuple[ComparedSystem, ...]
    derivation: Derivation
    asked: Derivation
    tally: Coverage
    task: Task
    quality: Quality
    elsewhere: int = 0


def gather_systems(found: Sequence[ResultTable], asked: Derivation) -> Gathered:
    """Evaluates all configurations of the systems, and gives each system a unique name.

    Those that ran on another device than the CPU count where a condition asks for the device.

    Args:
        found: the results of the systems.
        asked: the user's metrics, conditions and facts.

    Raises:
        RequestError: an expression of the user is wrong, or the systems are of different tasks.
    """
    task, quality = _task(found)
    given = found
    if not any(DEVICE in condition.names for condition in asked.conditions):
        found = [replace(each, rows=tuple(filter(_on_cpu, each.rows))) for each in given]
    elsewhere = sum(len(each.rows) for each in given) - sum(len(each.rows) for each in found)
    derivation = complete(asked)
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
                detect_hardware(results),
            )
        )
    tally = Coverage.of([each for own in assessed for each in own])
    told = {each.name for each in asked.definitions}
    missing = {name: causes for name, causes in tally.missing.items() if name in told}
    tally = replace(tally, missing=missing)
    return Gathered(tuple(systems), derivation, asked, tally, task, quality, elsewhere)


def _task(found: Sequence[ResultTable]) -> tuple[Task, Quality]:
    """The task of all systems, and the quality by which they are compared.

    Raises:
        RequestError: there are several tasks, or no answer of the task is right.
    """
    names = sorted({results.task for results in found}) or [registry.DEFAULT]
    if len(names) > 1:
        raise RequestError(
            f"systems of different tasks can't be compared: {', '.join(names)}",
            remedy="name results of one task, or choose one with --task",
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
    known = (Inputs(_flat(row), row.values, row.intervals) for row in results.rows)
    return [assessor.assess(each) for each in known]


def _on_cpu(row: Row) -> bool:
    return row.configuration.get(DEVICE, CPU) == CPU


def _flat(row: Row) -> Mapping[str, KnobValue]:
    """A configuration with its device, which is the CPU where a study tells of none."""
    told = {DEVICE: CPU} if "backend" in row.configuration else {}
    return {**told, **row.configuration}


def _further(found: Sequence[ResultTable]) -> set[str]:
    """Further names that an expression may use: those of knobs and of the power."""
    knobs = {name for results in found for row in results.rows for name in row.configuration}
    return knobs - set(CONFIGURATION_FIELDS) | {OFFLINE_POWER, *bounds(OFFLINE_POWER)}


def _source(row: Row, metric: str) -> str:
    """The source of a value; empty if there is no value."""
    source = row.sources.get(metric)
    if source is Source.MEASURED and metric in METRICS and METRICS[metric].estimated:
        return "estimated"
    return source.value if source is not None else ""


def _name(results: ResultTable, found: Sequence[ResultTable]) -> str:
    """The name; if others have the same, with what tells them apart: release, division, origin."""
    same = [other for other in found if other.name == results.name]
    if len(same) == 1:
        return results.name
    for beside in (_release, _division):
        told = {beside(other) for other in same} - {""}
        if len(told) == len(same):
            return f"{results.name} ({beside(results)})"
    return f"{results.name} ({results.origin})"


def _release(results: ResultTable) -> str:
    return results.release


def _division(results: ResultTable) -> str:
    return results.description.get("Division", "")
