"""The systems of a comparison: their configurations with all derived values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dse.compare.criteria import completed
from dse.core.configuration import CONFIGURATION_FIELDS
from dse.core.measurement import Source
from dse.core.metrics import ACCURACY, METRICS, SCENARIOS
from dse.core.pareto import nondominated
from dse.derived.coverage import Coverage
from dse.derived.point import Inputs, Machine, bounds
from dse.results.table import OFFLINE_POWER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dse.compare.criteria import Criterion
    from dse.core.pareto import Interval
    from dse.derived.derivation import Derivation
    from dse.derived.point import Evaluated
    from dse.results.table import ResultTable, Row


@dataclass(frozen=True, slots=True)
class SystemPoint:
    """A configuration on a system.

    Attributes:
        row: its values.
        assessed: the values derived from them.
    """

    row: Row
    assessed: Evaluated

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
        """Top-1 in percent; 0 where it is not known."""
        return self.row.values.get(ACCURACY.name, 0.0)

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
    """

    number: int
    name: str
    results: ResultTable
    entries: tuple[SystemPoint, ...]

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources of its values except accuracies."""
        found = {s for e in self.entries for m, s in e.row.sources.items() if m != ACCURACY.name}
        return tuple(sorted(source.value for source in found))

    @property
    def accuracy_sources(self) -> tuple[str, ...]:
        """The sources of its accuracies."""
        known = (each.row.sources.get(ACCURACY.name) for each in self.entries)
        return tuple(sorted({source.value for source in known if source is not None}))

    @property
    def images(self) -> tuple[int, ...]:
        """The known numbers of images behind its measured accuracies."""
        return tuple(sorted({each.row.images for each in self.entries if each.row.images}))

    def able(self, criterion: Criterion, accuracy: float = 0.0) -> list[SystemPoint]:
        """The configurations that have a value, the best first; of equal ones the most accurate.

        Args:
            criterion: the criterion.
            accuracy: lowest accuracy in percent; 0 for any, known or unknown.
        """
        found = [
            (criterion.loss(value), -each.accuracy, place)
            for place, each in enumerate(self.entries)
            if each.accuracy >= accuracy and (value := each.value(criterion.name)) is not None
        ]
        return [self.entries[place] for _, _, place in sorted(found)]

    def frontier(self, metric: str) -> list[SystemPoint]:
        """The configurations of this system that no other dominates, the most accurate first.

        Args:
            metric: measured metric, the second objective; configurations without it are left out.
        """
        names = ACCURACY.name, metric
        known = [each for each in self.entries if all(name in each.row.values for name in names)]
        kept = nondominated([each.row.values for each in known], names)
        return sorted((known[place] for place in kept), key=lambda each: -each.accuracy)


@dataclass(frozen=True, slots=True)
class Gathered:
    """Systems that can be compared.

    Attributes:
        systems: the systems in the order given.
        derivation: the definitions and conditions that were evaluated.
        asked: the user's part of the derivation.
        tally: what the derivation left out.
    """

    systems: tuple[ComparedSystem, ...]
    derivation: Derivation
    asked: Derivation
    tally: Coverage


def gather(found: Sequence[ResultTable], asked: Derivation) -> Gathered:
    """Evaluates all configurations of the systems, and gives each system a unique name.

    Args:
        found: the results of the systems.
        asked: the user's metrics, conditions and facts.

    Raises:
        RequestError: an expression of the user is wrong.
    """
    derivation = completed(asked)
    derivation.check(_further(found))
    assessed = [_assess(results, derivation) for results in found]
    named = [_name(results, found) for results in found]
    systems = []
    for place, (results, own) in enumerate(zip(found, assessed, strict=True)):
        name, number = named[place], place + 1
        systems.append(
            ComparedSystem(
                number,
                name if named.count(name) == 1 else f"{name} [{number}]",
                results,
                tuple(SystemPoint(r, a) for r, a in zip(results.rows, own, strict=True) if a.kept),
            )
        )
    tally = Coverage.of([each for own in assessed for each in own])
    told = {each.name for each in asked.definitions}
    missing = {name: causes for name, causes in tally.missing.items() if name in told}
    return Gathered(tuple(systems), derivation, asked, replace(tally, missing=missing))


def _assess(results: ResultTable, derivation: Derivation) -> list[Evaluated]:
    machine = Machine.of(results.name, cpu=results.cpu, cores=results.cores, ghz=results.ghz)
    assessor = derivation.assessor(machine)
    known = (Inputs(row.configuration, row.values, row.intervals) for row in results.rows)
    return [assessor.assess(each) for each in known]


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
    """The name, with its origin if other systems have the same name."""
    same = sum(other.name == results.name for other in found)
    return f"{results.name} ({results.origin})" if same > 1 else results.name
