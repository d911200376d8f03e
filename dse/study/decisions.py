"""Which of two points is better in what, as far as their ratios tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dse.study.record import Record

TIE_PERCENT = 2.0
"""Values that differ by less than this are as good as each other, unless the study says more."""


@dataclass(frozen=True, slots=True)
class OpenPair:
    """Two points of a frontier whose order is not decided, and can be by measuring.

    Attributes:
        one: the first point.
        other: the second point.
        metrics: those whose order is open and matters.
        rounds: how many rounds have both, in that of these metrics where it is the fewest.
        needed: an estimate of the further rounds until they are decided; infinite where nothing
            tells it yet.
    """

    one: Record
    other: Record
    metrics: tuple[str, ...]
    rounds: int
    needed: float
