"""Which points are on the frontier for a quality that these samples can't tell from another's."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice, permutations
from typing import TYPE_CHECKING

from dse.core.details import QualityDetails
from dse.core.mcnemar import quality_p_value
from dse.core.wording import join_some
from dse.study.decisions import QUALITY_ALPHA, Order

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dse.report.view import View
    from dse.study.record import Record

MAX_PAIRS = 3
"""Largest number of pairs that a line names."""


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two points whose qualities may differ by luck alone.

    Attributes:
        better: the point with the better value.
        other: the other point.
        p_value: of the difference, see `dse.core.mcnemar`.
    """

    better: Record
    other: Record
    p_value: float

    def __str__(self) -> str:
        return f"#{self.better.id} and #{self.other.id} (p = {self.p_value:.2g})"


def indistinct_lines(view: View, noun: str) -> list[str]:
    """Says which qualities of the frontier the samples can't tell apart, where it depends on that.

    Args:
        view: what is shown.
        noun: what a sample is, in the plural.
    """
    pairs = sorted(_pairs(view), key=lambda pair: (pair.better.id, pair.other.id))
    if not pairs:
        return []
    quality = pairs[0].better.outcome.quality
    total = QualityDetails.of(quality.details).total if quality else None
    samples = f"{total:,} {noun}" if total else f"these {noun}"
    return [f"{samples} can't tell these accuracies apart: {join_some(pairs, MAX_PAIRS)}"]


def _pairs(view: View) -> Iterator[_Pair]:
    """The pairs in which one point leads by its quality alone, and that may be luck.

    Of all configurations of two models on one runtime, which share their qualities, it is one pair.
    """
    metric = next((each for each in view.objectives if each.quality), None)
    if metric is None:
        return
    found = _answered(view.frontier, metric.name)
    level = QUALITY_ALPHA / max(1, len(view.frontier) - 1)
    for one, other in permutations(found.values(), 2):
        if view.frontier.order(one[0], other[0], metric.name) is not Order.BETTER:
            continue
        p_value = _p_value(one[0], other[0], metric.name)
        if p_value >= level:
            pairs = ((a, b) for a in one for b in other if _leads_by_it_alone(a, b, view))
            yield from (_Pair(a, b, p_value) for a, b in islice(pairs, 1))


def _answered(records: Iterable[Record], quality: str) -> dict[str, list[Record]]:
    """Those of which it is known which samples were answered right, by the key of their quality."""
    found: dict[str, list[Record]] = {}
    for record in records:
        measurement = record.outcome.measurement(quality)
        if measurement is not None and QualityDetails.of(measurement.details).right:
            found.setdefault(measurement.key, []).append(record)
    return found


def _p_value(one: Record, other: Record, quality: str) -> float:
    """That of the difference; 0 where these were not the same samples."""
    first, second = one.outcome.measurement(quality), other.outcome.measurement(quality)
    p_value = quality_p_value(first, second) if first and second else None
    return 0.0 if p_value is None else p_value


def _leads_by_it_alone(one: Record, other: Record, view: View) -> bool:
    """Whether a point that is not certain is at most as good as another one but for its quality."""
    if view.frontier.certain(one):
        return False
    others = [metric.name for metric in view.objectives if not metric.quality]
    orders = {view.frontier.order(one, other, name) for name in others}
    return orders <= {Order.WORSE, Order.TIE}
