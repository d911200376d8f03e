"""The lines of a CSV file that somebody else wrote, with a number in every complaint."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from dse.core.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from dse.core.metrics import Metric

MAX_BYTES = 64 << 20
MAX_VALUE = 1e15
"""No metric has a larger value in its unit, nor one that is not 0 and below the inverse."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a table.

    Attributes:
        file: the table.
        number: where it ends, counted from 1.
        cells: text by column.
        own_names: of columns that `rename` gave another name, by that name.
    """

    file: Path
    number: int
    cells: Mapping[str, str]
    own_names: Mapping[str, str] = field(default_factory=dict)

    def rename(self, names: Mapping[str, str]) -> Line:
        """The line with other names of columns; complaints have the own ones of the file.

        Args:
            names: new ones by the file's own.
        """
        cells = {names.get(name, name): text for name, text in self.cells.items()}
        return replace(self, cells=cells, own_names={new: own for own, new in names.items()})

    def value(self, metric: Metric) -> float:
        """The value of a metric, from the column of its name.

        Raises:
            RequestError: there is none, or the metric can't have it.
        """
        if metric.unit == "%":
            found = self.amount(metric.name, least=0, most=100)
        else:
            found = self.amount(metric.name, above=-math.inf if metric.quality else 0)
        if found and not 1 / MAX_VALUE <= abs(found) <= MAX_VALUE:
            text = self.cells[metric.name]
            raise self.wrong(metric.name, f"'{text}' is too far from 1 to be measured or drawn")
        return found + 0.0  # not -0

    def amount(
        self,
        column: str,
        *,
        above: float = -math.inf,
        least: float = -math.inf,
        most: float = math.inf,
    ) -> float:
        """The finite number in a column.

        Raises:
            RequestError: there is none, or it is not within the bounds.
        """
        text = self.cells[column]
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if math.isfinite(value) and above < value and least <= value <= most:
            return value
        bounds = "".join(
            f" {word} {bound:g}"
            for word, bound in (("above", above), ("from", least), ("up to", most))
            if math.isfinite(bound)
        )
        raise self.wrong(column, f"'{text}' is not a number{bounds}")

    def count(self, column: str) -> int:
        """The whole number from 1 in a column.

        Raises:
            RequestError: there is none.
        """
        value = self.amount(column, above=0, most=1e6)
        if not value.is_integer():
            raise self.wrong(column, f"'{self.cells[column]}' is not a whole number")
        return int(value)

    def wrong(self, column: str | None, problem: str) -> RequestError:
        """A complaint about this line."""
        remedy = "correct the line, or take it out"
        named = None if column is None else self.own_names.get(column, column)
        return RequestError(problem, file=self.file, line=self.number, field=named, remedy=remedy)


def read_lines(path: Path) -> tuple[tuple[str, ...], list[Line]]:
    """The columns and the lines of a table.

    Raises:
        RequestError: it can't be read, is too large, is not a CSV file, or has no line below its
            head.
    """
    other = "name a table of recorded or published results"
    try:
        if path.stat().st_size > MAX_BYTES:
            raise RequestError(f"is larger than {MAX_BYTES >> 20} MiB", file=path, remedy=other)
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream, strict=True)
            columns = tuple(reader.fieldnames or ())
            lines = [_line(path, reader.line_num, cells, len(columns)) for cells in reader]
    except OSError as error:
        raise RequestError(f"can't be read: {error.strerror}", file=path, remedy=other) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise RequestError(f"is not a CSV file: {error}", file=path, remedy=other) from error
    if not lines:
        raise RequestError("has no lines below its head", file=path, remedy=other)
    return columns, lines


def require(path: Path, columns: Iterable[str], needed: Iterable[str]) -> None:
    """Checks that a table has the columns that it needs.

    Raises:
        RequestError: one is missing.
    """
    missing = [name for name in needed if name not in columns]
    if missing:
        problem = f"has no column {', '.join(missing)}"
        raise RequestError(problem, file=path, line=1, field=missing[0], remedy="add it")


def _line(path: Path, number: int, cells: Mapping[str | None, str | None], count: int) -> Line:
    # A line that is too long has cells without a column, one that is too short columns without.
    if None in cells or None in cells.values():
        problem = f"has another number of cells than the {count} columns"
        raise RequestError(problem, file=path, line=number, remedy="correct the line")
    return Line(path, number, {str(name): str(text) for name, text in cells.items()})
