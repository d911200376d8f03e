"""The points of a study as columns, in the form in which the page reads them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dse.core.configuration import CONFIGURATION_FIELDS
from dse.report.failures import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dse.core.configuration import KnobValue
    from dse.report.frame import Notes
    from dse.report.quantities import ReportedMetric
    from dse.report.standing import PointStatus
    from dse.study.record import Record

DIGITS = 6
"""Significant digits of a value; a measurement has fewer. The tables beside the page have all."""


@dataclass(slots=True)
class Words:
    """Texts of which many are alike: each once, and its place for every row; -1 for none."""

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
            self.words.append(printable(text))
        self.cells.append(place)

    def as_dict(self) -> dict[str, Any]:
        """A JSON object."""
        return {"words": self.words, "cells": self.cells}


def columns(
    records: Sequence[Record],
    standings: Mapping[int, PointStatus],
    metrics: Sequence[ReportedMetric],
    notes: Notes,
) -> list[dict[str, Any]]:
    """A JSON object for each column.

    They are id, standing, fields and knobs, metrics, notes, failure and message. A column of
    numbers has them as ``cells``, one of words as `Words` has them. A metric has ``low`` and
    ``high`` of its intervals as well, and ``basis``, what its values rest on.

    Args:
        records: a row for each.
        standings: by id.
        metrics: in the order wanted.
        notes: what speaks against an outcome's quality.
    """
    flat = [record.configuration.as_dict() for record in records]
    names = dict.fromkeys([*CONFIGURATION_FIELDS, *(name for each in flat for name in each)])
    failures = [record.outcome.failure for record in records]
    return [
        _numbers("id", [record.id for record in records]),
        _words("standing", [standings[record.id].value for record in records]),
        *(_field(name, [each.get(name) for each in flat]) for name in names),
        *(_metric(metric, records) for metric in metrics),
        _words("notes", ["; ".join(map(str, notes(r.outcome))) or None for r in records]),
        _words("failure", [each.kind.value if each else None for each in failures]),
        _words("failure_message", [each.message if each else None for each in failures]),
    ]


def _field(name: str, values: Sequence[KnobValue | None]) -> dict[str, Any]:
    if any(isinstance(value, str | bool) for value in values):
        return _words(name, [None if value is None else _word(value) for value in values])
    return _numbers(name, [_rounded(value) for value in values])


def _word(value: KnobValue) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _metric(metric: ReportedMetric, records: Sequence[Record]) -> dict[str, Any]:
    values, rests = [metric.of(record) for record in records], Words()
    for each in values:
        rests.add(each.basis if each else None)
    intervals = [each.interval if each else None for each in values]
    return {
        **_numbers(metric.name, [_rounded(each.value if each else None) for each in values]),
        "metric": True,
        "title": metric.heading,
        "long": metric.title,
        "direction": metric.direction,
        "decimals": metric.decimals,
        "relative": metric.relative,
        "low": [_rounded(each[0] if each else None) for each in intervals],
        "high": [_rounded(each[1] if each else None) for each in intervals],
        "basis": rests.as_dict(),
    }


def _numbers(name: str, cells: Sequence[float | None]) -> dict[str, Any]:
    return {"name": printable(name), "title": _title(name), "cells": cells}


def _words(name: str, texts: Iterable[str | None]) -> dict[str, Any]:
    found = Words()
    for text in texts:
        found.add(text)
    return {"name": printable(name), "title": _title(name), **found.as_dict()}


def _title(name: str) -> str:
    return printable(name).replace("_", " ")


def _rounded(value: KnobValue | None) -> float | None:
    """A number for JSON, which has none that are not finite."""
    if not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value if isinstance(value, int) else float(f"{value:.{DIGITS}g}")
