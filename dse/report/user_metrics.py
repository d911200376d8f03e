"""The metrics of a user as columns: in figures for tables of data, as text for a terminal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dse.derived.point import bounds
from dse.report.text import reach

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dse.report.view import View
    from dse.study.record import Record

SIGNIFICANT = 4
"""Digits that are shown of a value of which nothing is known but its unit."""
MIN_PLAIN, MAX_PLAIN = 1e-6, 1e15
"""Values beyond are shown with an exponent."""


def figures(view: View, records: Sequence[Record]) -> dict[str, list[float]]:
    """Columns by name: ``<name>``, and ``<name>_low`` and ``<name>_high`` where not all are exact.

    Args:
        view: of the study.
        records: the rows; what is missing is NaN.
    """
    columns: dict[str, list[float]] = {}
    for definition in view.derivation.definitions:
        amounts = [view.amount(record, definition.name) for record in records]
        columns[definition.name] = [each.value if each else math.nan for each in amounts]
        intervals = [each.interval if each else None for each in amounts]
        if any(each and each[0] < each[1] for each in intervals):
            for end, name in enumerate(bounds(definition.name)):
                columns[name] = [each[end] if each else math.nan for each in intervals]
    return columns


def cell(view: View, record: Record, name: str) -> str:
    """A value and how far its interval reaches; empty where it is missing."""
    amount = view.amount(record, name)
    if amount is None:
        return ""
    return f"{to_significant(amount.value)}{reach(amount.value, amount.interval)}"


def to_significant(value: float) -> str:
    """A value with `SIGNIFICANT` digits; all of those before the point."""
    if value and not MIN_PLAIN <= abs(value) < MAX_PLAIN:
        return f"{value:.{SIGNIFICANT}g}"
    before = math.floor(math.log10(abs(value))) + 1 if value else 1
    return f"{value:.{max(0, SIGNIFICANT - before)}f}"
