"""Answers from a table of recorded outcomes, so that a search can be tried without hardware.

The table is a CSV file with one row per configuration and the columns ``model``, ``precision``,
``backend``, ``threads``, ``batch_size``, one column per metric (`dse.core.metrics.METRICS`) and
``failure``, which holds the runtime's reason where the configuration did not run. The column
``backend`` is what a search space calls the knob ``runtime``. Columns ``instances`` and ``pinned``
(``true`` or ``false``) may be left out where they are 1 and ``false`` throughout.
"""

from __future__ import annotations

import csv
import math
from typing import TYPE_CHECKING, ClassVar

from dse.core.backend import Knob, LoadError, LoadRequest, UnsupportedError
from dse.core.metrics import METRICS

if TYPE_CHECKING:
    from pathlib import Path

    from dse.core.configuration import ModelFormat

COLUMNS = ("model", "precision", "backend", "threads", "batch_size")
OPTIONAL = {"instances": "1", "pinned": "false"}
"""Further columns, and what they hold where they are left out."""


class Replay:
    """Recalls recorded values; runs nothing."""

    name: ClassVar[str] = "replay"
    formats: ClassVar[tuple[ModelFormat, ...]] = ()
    precisions: ClassVar[tuple[str, ...]] = ()
    settings: ClassVar[tuple[str, ...]] = ("table",)
    knobs: ClassVar[tuple[Knob, ...]] = (
        Knob("runtime", (), "", "the runtime of the recorded rows (their column `backend`)"),
    )

    def version(self) -> str:
        """The version of the table format."""
        return "1"

    def recall(self, request: LoadRequest, metrics: tuple[str, ...]) -> dict[str, float]:
        """The recorded values of the configuration.

        Raises:
            LoadError: the table can't be read or has no such column.
            UnsupportedError: the table holds a failure, or no row, for the configuration.
        """
        table = request.settings.get("table")
        if table is None:
            raise LoadError("the search space names no `table` for the replay backend")
        wanted = _wanted(request)
        for row in _rows(table):
            if {name: row.get(name) or OPTIONAL.get(name) for name in wanted} == wanted:
                return _values(row, metrics)
        raise UnsupportedError(f"no row of {table.name} records {request.configuration}")


def _wanted(request: LoadRequest) -> dict[str, str]:
    configuration = request.configuration
    return {
        "model": configuration.model,
        "precision": configuration.precision,
        "backend": str(request.knob("runtime", "")),
        "threads": str(configuration.threads),
        "batch_size": str(configuration.batch_size),
        "instances": str(configuration.instances),
        "pinned": str(configuration.pinned).lower(),
    }


def _rows(table: Path) -> list[dict[str, str]]:
    try:
        with table.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            columns, rows = reader.fieldnames or (), list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LoadError(f"{table}: {error}") from error
    missing = [name for name in COLUMNS if name not in columns]
    if missing:
        raise LoadError(f"{table}: no column {', '.join(missing)}")
    return rows


def _values(row: dict[str, str], metrics: tuple[str, ...]) -> dict[str, float]:
    if row.get("failure"):
        raise UnsupportedError(row["failure"])
    values = {}
    for metric in metrics:
        text = row.get(metric) or ""
        value = _number(text)
        if not math.isfinite(value):
            unit = METRICS[metric].unit
            raise LoadError(f"column {metric} holds '{text}', not a number of {unit}")
        values[metric] = value
    return values


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
