"""Answers from a table of recorded outcomes, so that a search can be tried without hardware.

The table is a CSV file with one row per configuration and the columns ``model``, ``precision``,
``backend``, ``threads``, ``batch_size``, one column per metric (`dse.core.metrics.METRICS`) and
``failure``, which holds the runtime's reason where the configuration did not run. The column
``backend`` is what a search space calls the knob ``runtime``. Columns ``instances``, ``pinned``
(``true`` or ``false``) and ``device`` may be left out where they are 1, ``false`` and ``cpu``
throughout.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from dse.core.backend import Knob, LoadError, LoadRequest, UnsupportedError
from dse.core.configuration import CPU, DEVICES
from dse.core.csv_lines import read_lines, require
from dse.core.errors import RequestError
from dse.core.metrics import METRICS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dse.core.configuration import ModelFormat
    from dse.core.csv_lines import Line

COLUMNS = ("model", "precision", "backend", "threads", "batch_size")
OPTIONAL = {"instances": "1", "pinned": "false", "device": CPU}
"""Further columns, and what they hold where they are left out."""
COUNTS = ("threads", "batch_size", "instances")
"""Columns of whole numbers, which are compared as texts."""


class Replay:
    """Recalls recorded values; runs nothing."""

    name: ClassVar[str] = "replay"
    formats: ClassVar[tuple[ModelFormat, ...]] = ()
    precisions: ClassVar[tuple[str, ...]] = ()
    devices: ClassVar[tuple[str, ...]] = DEVICES
    settings: ClassVar[tuple[str, ...]] = ("table",)
    knobs: ClassVar[tuple[Knob, ...]] = (
        Knob("runtime", (), "", "the runtime of the recorded rows (their column `backend`)"),
    )

    def version(self) -> str:
        """The version of the table format."""
        return "1"

    def check(self, settings: Mapping[str, Path], metrics: tuple[str, ...]) -> None:
        """Refuses a table that can't be read, lacks a column, or holds an impossible value.

        So it does where two lines record one configuration, and where none would be found by what
        stands in a line, such as 1.0 threads.

        Raises:
            RequestError: names the table, the line and the column.
        """
        columns, lines = _read(settings["table"])
        require(settings["table"], columns, metrics)
        seen: dict[tuple[str, ...], int] = {}
        known = ", ".join(DEVICES)
        for line in lines:
            key = tuple(_key(line).values())
            if (before := seen.setdefault(key, line.number)) != line.number:
                raise line.wrong("model", f"line {before} records the same configuration")
            for name in COUNTS:
                if line.cells.get(name) and line.cells[name] != str(line.count(name)):
                    raise line.wrong(name, f"'{line.cells[name]}' is not written as digits alone")
            if line.cells.get("device", "") not in {"", *DEVICES}:
                raise line.wrong("device", f"'{line.cells['device']}' is none of {known}")
            if line.cells.get("pinned", "") not in {"", "true", "false"}:
                raise line.wrong("pinned", f"'{line.cells['pinned']}' is not true or false")
            recorded = () if line.cells.get("failure") else METRICS.values()
            for metric in recorded:
                if metric.name in metrics or line.cells.get(metric.name):
                    line.value(metric)

    def recall(self, request: LoadRequest, metrics: tuple[str, ...]) -> dict[str, float]:
        """The recorded values of the configuration.

        Raises:
            LoadError: the table can't be read, or lacks a value.
            UnsupportedError: the table holds a failure, or no row, for the configuration.
        """
        table = request.settings.get("table")
        if table is None:
            raise LoadError("the search space names no `table` for the replay backend")
        wanted = _wanted(request)
        try:
            columns, lines = _read(table)
            require(table, columns, metrics)
            for line in lines:
                if _key(line) == wanted:
                    return _values(line, metrics)
        except RequestError as error:
            raise LoadError(str(error)) from error
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
        "device": configuration.device,
    }


def _key(line: Line) -> dict[str, str]:
    """The columns that name a line's configuration."""
    return {name: line.cells.get(name) or OPTIONAL.get(name, "") for name in (*COLUMNS, *OPTIONAL)}


def _read(table: Path) -> tuple[tuple[str, ...], list[Line]]:
    columns, lines = read_lines(table)
    require(table, columns, COLUMNS)
    return columns, lines


def _values(line: Line, metrics: tuple[str, ...]) -> dict[str, float]:
    if failure := line.cells.get("failure"):
        raise UnsupportedError(failure)
    return {metric: line.value(METRICS[metric]) for metric in metrics}
