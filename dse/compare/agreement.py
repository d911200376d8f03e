"""Whether accuracies are those that were published of the same variants."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from dse.core.measurement import Source
from dse.core.metrics import is_quality
from dse.tasks.image_classification.models.catalogue import CATALOGUE
from dse.tasks.image_classification.quality import ACCURACY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dse.compare.systems import ComparedSystem
    from dse.results.table import Row


@dataclass(frozen=True, slots=True)
class Difference:
    """An accuracy beside the published one of the same model and precision.

    Attributes:
        model: its name in the catalogue.
        precision: of the model file.
        percent: the accuracy.
        published: the published one.
        images: that the accuracy was measured on; None where it is not told.
    """

    model: str
    precision: str
    percent: float
    published: float
    images: int | None

    @property
    def points(self) -> float:
        """By how many percentage points the accuracy is above the published one."""
        return self.percent - self.published


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
        """The numbers of images behind the accuracies, where they are told."""
        return tuple(sorted({each.images for each in self.differences if each.images}))


def agreements(systems: Sequence[ComparedSystem]) -> tuple[Agreement, ...]:
    """For each system that has accuracies of its own of variants with a published one."""
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
    return Difference(variant.name, str(precision), percent, published.value, row.images)


def _taken_over(row: Row) -> bool:
    """Whether the accuracy is the published one itself, beside times that were measured."""
    others = {source for metric, source in row.sources.items() if not is_quality(metric)}
    return row.sources[ACCURACY.name] is Source.PUBLISHED and bool(others - {Source.PUBLISHED})
