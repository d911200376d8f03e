"""Compares accuracies with the published ones of the same variants."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from dse.core.measurement import Source
from dse.core.metrics import ACCURACY
from dse.tasks.image_classification.models.catalogue import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dse.compare.systems import ComparedSystem
    from dse.results.table import Row


@dataclass(frozen=True, slots=True)
class Difference:
    """An accuracy and the published one of the same model and precision.

    Attributes:
        model: name of the model in the catalogue.
        precision: precision of the model file.
        percent: the accuracy.
        published: the published accuracy in percent.
        images: number of images that the accuracy was measured on; None if unknown.
    """

    model: str
    precision: str
    percent: float
    published: float
    images: int | None

    @property
    def points(self) -> float:
        """How far the accuracy lies above the published one, in percentage points."""
        return self.percent - self.published


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
    def images(self) -> tuple[int, ...]:
        """The known numbers of images behind the accuracies."""
        return tuple(sorted({each.images for each in self.differences if each.images}))


def agreements(systems: Sequence[ComparedSystem]) -> tuple[Agreement, ...]:
    """The agreement of each system with own accuracies of variants that have published ones."""
    found = ((system, _differences(system)) for system in systems)
    return tuple(Agreement(system, own) for system, own in found if own)


def _differences(system: ComparedSystem) -> tuple[Difference, ...]:
    rows = (each.row for each in system.entries if each.accuracy is not None)
    own = dict.fromkeys(filter(None, map(_difference, rows)))
    return tuple(sorted(own, key=lambda each: -abs(each.points)))


def _difference(row: Row) -> Difference | None:
    model, precision = row.configuration.get("model"), row.configuration.get("precision")
    variant = CATALOGUE.get(str(model))
    published = variant.published.get(str(precision)) if variant else None
    if variant is None or published is None or _taken_over(row):
        return None
    percent = row.values[ACCURACY.name]
    return Difference(variant.name, str(precision), percent, published.percent, row.images)


def _taken_over(row: Row) -> bool:
    """Whether the accuracy is the published one itself, combined with measured times."""
    others = {source for metric, source in row.sources.items() if metric != ACCURACY.name}
    return row.sources[ACCURACY.name] is Source.PUBLISHED and bool(others - {Source.PUBLISHED})
