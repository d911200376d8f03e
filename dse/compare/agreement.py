"""Whether accuracies are those that were published of the same models."""

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
    """An accuracy beside the published one of the same model and precision.

    Attributes:
        model: its name.
        precision: of the model file.
        value: the accuracy, in its metric's unit.
        published: the published one.
        images: the samples that the accuracy was measured on; None where it is not told.
    """

    model: str
    precision: str
    value: float
    published: float
    images: int | None

    @property
    def points(self) -> float:
        """By how much the accuracy is above the published one, in percentage points."""
        return self.value - self.published


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far the accuracies of a system lie from the published ones.

    Attributes:
        system: whose accuracies they are.
        differences: at least one, the largest first.
    """

    system: ComparedSystem
    differences: tuple[Difference, ...]

    @property
    def mean(self) -> float:
        """Of the differences, in percentage points; which sign they have shows in it."""
        return fmean(each.points for each in self.differences)

    @property
    def mean_absolute(self) -> float:
        """Of the differences without their signs, in percentage points."""
        return fmean(abs(each.points) for each in self.differences)

    @property
    def images(self) -> tuple[int, ...]:
        """The numbers of samples behind the accuracies, where they are told."""
        return tuple(sorted({each.images for each in self.differences if each.images}))


def agreements(gathered: Gathered) -> tuple[Agreement, ...]:
    """For each system that has accuracies of its own of models with a published one."""
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
    return Difference(model, precision, row.values[quality], published.value, row.images)


def _taken_over(row: Row, quality: str) -> bool:
    """Whether the accuracy is the published one itself, beside times that were measured."""
    others = {source for metric, source in row.sources.items() if metric != quality}
    return row.sources[quality] is Source.PUBLISHED and bool(others - {Source.PUBLISHED})
