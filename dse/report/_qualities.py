"""Which points are on the frontier for a quality that these samples can't tell from another's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dse.core.details import QualityDetails
from dse.core.mcnemar import quality_p_value
from dse.study.decisions import QUALITY_ALPHA, Order

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    found = {_keys(pair): pair for pair in reversed(list(_pairs(view)))}
    if not found:
        return []
    pairs = sorted(found.values(), key=lambda pair: (pair.better.id, pair.other.id))
    quality = pairs[0].better.outcome.quality
    total = QualityDetails.of(quality.details).total if quality else None
    samples = f"{total:,} {noun}" if total else f"these {noun}"
    more = f" and {len(pairs) - MAX_PAIRS} more" if len(pairs) > MAX_PAIRS else ""
    named = ", ".join(map(str, pairs[:MAX_PAIRS]))
    return [f"{samples} can't tell these accuracies apart: {named}{more}"]


def _pairs(view: View) -> Iterator[_Pair]:
    """The pairs in which one point leads by its quality alone, and that may be luck."""
    quality = next((metric.name for metric in view.objectives if metric.quality), None)
    if quality is None:
        return
    frontier = view.frontier
    others = [metric.name for metric in view.objectives if metric.name != quality]
    level = QUALITY_ALPHA / max(1, len(frontier) - 1)
    for one in frontier:
        if frontier.certain(one):
            continue
        for other in frontier:
            if frontier.relation(one, other, quality).order is not Order.BETTER:
                continue
            p_value = _p_value(one, other, quality)
            if p_value is None or p_value < level:
                continue
            orders = {frontier.relation(one, other, name).order for name in others}
            if orders <= {Order.WORSE, Order.TIE}:
                yield _Pair(one, other, p_value)


def _p_value(one: Record, other: Record, quality: str) -> float | None:
    first, second = one.outcome.measurement(quality), other.outcome.measurement(quality)
    return quality_p_value(first, second) if first and second else None


def _keys(pair: _Pair) -> tuple[str, ...]:
    """What was measured of both: the same for all configurations of two models on one runtime."""
    both = pair.better.outcome.quality, pair.other.outcome.quality
    return tuple(quality.key for quality in both if quality)
