"""Compares accuracies with the published ones of the same variants."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from dse.core.measurement import Source

if TYPE_CHECKING:
    from dse.compare.systems import ComparedSystem, Gathered
    from dse.results.table import Row
    from dse.tasks.task import Task


@dataclass(frozen=True, slots=True)
class Difference:
    """An accuracy and the published one of the same model and precision.

    Attributes:
        model: name of the model.
        precision: precision of the model file.
        value: the accuracy, in its metric's unit.
        published: the published accuracy.
        samples: number of samples that the accuracy was measured on; None if unknown.
    """

    model: str
    precision: str
    value: float
    published: float
    samples: int | None

    @property
    def points(self) -> float:
        """How far the accuracy lies above the published one, in percentage points."""
        return self.value - self.published


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far the accuracies of a system lie from the published ones.

    Attributes:
        system: the system with these accuracies.
        differences: the differences, at least one, the largest first.
    """

    system: ComparedSystem
    differences: tuple[Difference, ...]

    @property
    def mean(self) -> float:
        """Mean difference with signs, in percentage points."""
        return fmean(each.points for each in self.differences)

    @property
    def mean_absolute(self) -> float:
        """Mean difference without signs, in percentage points."""
        return fmean(abs(each.points) for each in self.differences)

    @property
    def samples(self) -> tuple[int, ...]:
        """The known numbers of samples behind the accuracies."""
        return tuple(sorted({each.samples for each in self.differences if each.samples}))


def agreements(gathered: Gathered) -> tuple[Agreement, ...]:
    """The agreement of each system with own accuracies of variants that have published ones."""
    found = ((system, _differences(system, gathered.task)) for system in gathered.systems)
    return tuple(Agreement(system, own) for system, own in found if own)


def _differences(system: ComparedSystem, task: Task) -> tuple[Difference, ...]:
    rows = (each.row for each in system.entries if system.quality in each.row.values)
    found = (_difference(row, system.quality, task) for row in rows)
    own = dict.fromkeys(filter(None, found))
    return tuple(sorted(own, key=lambda each: -abs(each.points)))


def _difference(row: Row, quality: str, task: Task) -> Difference | None:
    model, precision = str(row.configuration.get("model")), str(row.configuration.get("precision"))
    published = task.published(model, precision)
    if published is None or _taken_over(row, quality):
        return None
    return Difference(model, precision, row.values[quality], published.value, row.samples)


def _taken_over(row: Row, quality: str) -> bool:
    """Whether the accuracy is the published one itself, combined with measured times."""
    others = {source for metric, source in row.sources.items() if metric != quality}
    return row.sources[quality] is Source.PUBLISHED and bool(others - {Source.PUBLISHED})
