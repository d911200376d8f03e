"""The points of a study as columns, in the form that the page reads."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dse.core.configuration import CONFIGURATION_FIELDS, flat_forms
from dse.core.printable import to_printable
from dse.core.reasons import boil_down

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dse.core.configuration import KnobValue
    from dse.report.frame import Notes
    from dse.report.quantities import ReportedMetric
    from dse.report.standing import Standing
    from dse.study.record import Record


@dataclass(slots=True)
class TextColumn:
    """A column of texts that repeat: each text once, and its index for every row; -1 for none."""

    words: list[str] = field(default_factory=list)
    cells: list[int] = field(default_factory=list)
    _places: dict[str, int] = field(default_factory=dict)

    def add(self, text: str | None) -> None:
        """Adds a row."""
        if text is None:
            self.cells.append(-1)
            return
        place = self._places.setdefault(text, len(self.words))
        if place == len(self.words):
            self.words.append(to_printable(text))
        self.cells.append(place)

    def as_dict(self) -> dict[str, Any]:
        """A JSON object."""
        return {"words": self.words, "cells": self.cells}


def make_columns(
    records: Sequence[Record],
    standings: Mapping[int, Standing],
    metrics: Sequence[ReportedMetric],
    notes: Notes,
) -> list[dict[str, Any]]:
    """A JSON object for each column, with a row for each record.

    The columns are id, standing, fields and knobs, metrics, notes, failure and message. A column of
    numbers has ``cells``; a column of texts is a `TextColumn`, with ``values`` where words stand
    for numbers and truth values. A metric also has ``basis``, what its values are based
    on, and ``low`` and ``high``, the bounds of its intervals, where any are known.
    """
    flat = flat_forms(record.configuration for record in records)
    names = dict.fromkeys([*CONFIGURATION_FIELDS, *(name for each in flat for name in each)])
    failures = [record.outcome.failure for record in records]
    return [
        _number_column("id", [record.id for record in records]),
        {
            **_text_column("standing", [standings[record.id].value for record in records]),
            "long": "standing in the study",
        },
        *(_field_column(name, [each.get(name) for each in flat]) for name in names),
        *(_metric_column(metric, records) for metric in metrics),
        _text_column("notes", ["; ".join(notes(r)) or None for r in records]),
        _text_column("failure", [each.kind.value if each else None for each in failures]),
        _text_column(
            "failure_message", [boil_down(each.message) if each else None for each in failures]
        ),
    ]


def _field_column(name: str, values: Sequence[KnobValue | None]) -> dict[str, Any]:
    if not any(isinstance(value, str | bool) for value in values):
        return _number_column(name, [_finite(value) for value in values])
    known = {_format_value(value): value for value in values if value is not None}
    column = _text_column(name, (None if each is None else _format_value(each) for each in values))
    if not all(isinstance(value, str) for value in known.values()):
        column["values"] = [_plain(value) for value in known.values()]
    return column


def _format_value(value: KnobValue) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _metric_column(metric: ReportedMetric, records: Sequence[Record]) -> dict[str, Any]:
    values, rests = [metric.of(record) for record in records], TextColumn()
    for each in values:
        rests.add(each.basis if each else None)
    intervals = [each.interval if each else None for each in values]
    return {
        **_number_column(metric.name, [_finite(each.value if each else None) for each in values]),
        "metric": True,
        "title": metric.heading,
        "long": metric.title,
        "direction": metric.direction,
        "decimals": metric.decimals,
        "relative": metric.relative,
        **_bounds(intervals),
        "basis": rests.as_dict(),
    }


def _bounds(intervals: Sequence[tuple[float, float] | None]) -> dict[str, list[float | None]]:
    """Both ends of intervals; nothing where there are none, which saves room in the page."""
    if not any(intervals):
        return {}
    low, high = ([_finite(each[end] if each else None) for each in intervals] for end in (0, 1))
    return {"low": low, "high": high}


def _number_column(name: str, cells: Sequence[float | None]) -> dict[str, Any]:
    return {"name": to_printable(name), "title": _title(name), "cells": cells}


def _text_column(name: str, texts: Iterable[str | None]) -> dict[str, Any]:
    found = TextColumn()
    for text in texts:
        found.add(text)
    return {"name": to_printable(name), "title": _title(name), **found.as_dict()}


def _title(name: str) -> str:
    return to_printable(name).replace("_", " ")


def _plain(value: KnobValue) -> KnobValue | None:
    return to_printable(value) if isinstance(value, str) else _finite(value)


def _finite(value: KnobValue | None) -> float | None:
    """A number for JSON, which has only finite numbers."""
    return value if isinstance(value, int | float) and math.isfinite(value) else None
