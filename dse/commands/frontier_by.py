"""A study by precision or by runtime: the conclusion, and its table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dse.commands.console import print_lines
from dse.report import precision_text, runtimes
from dse.report.frame import table
from dse.report.precision import costs
from dse.report.summary import notes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd
    from rich.console import Console

    from dse.report.view import View

PRECISION, RUNTIME = WAYS = ("precision", "runtime")


def as_object(view: View, by: str) -> dict[str, Any]:
    """The JSON object of a study by precision or by runtime."""
    named = {"study": view.study.folder.name, "by": by}
    if by == RUNTIME:
        found = runtimes.runtimes(view)
        rows = [each.as_dict() for each in found]
        return {**named, "conclusion": [runtimes.conclude(view, found)], "rows": rows}
    cost = costs(view)
    return {
        **named,
        "conclusion": precision_text.conclude(cost),
        "quality": cost.quality,
        "unpaired": cost.unpaired,
        "rows": [row.as_dict() for row in cost.rows],
    }


def as_table(view: View, by: str) -> pd.DataFrame:
    """The same as a table; what a row has by metric or knob has a column each.

    Raises:
        UnavailableError: pandas is not installed.
    """
    rows = [dict(_flat(row)) for row in as_object(view, by)["rows"]]
    return table(rows, list(dict.fromkeys(name for row in rows for name in row)))


def _flat(row: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    for name, value in row.items():
        if isinstance(value, dict):
            own = name in ("best", "method")
            yield from ((key if own else f"{key}_{name}", each) for key, each in value.items())
        else:
            yield name, " ".join(map(str, value)) if isinstance(value, list) else value


def print_by(view: View, by: str, out: Console, *, every: bool) -> None:
    """Prints a study by precision or by runtime.

    Args:
        view: the study.
        by: one of `WAYS`.
        out: where to.
        every: whether also methods are shown that others are ahead of.
    """
    if by == RUNTIME:
        found = runtimes.runtimes(view)
        print_lines([runtimes.conclude(view, found)], out)
        out.print(runtimes.table(view, found))
        print_lines([*runtimes.hints(view), *notes(view)], out, "dim")
        return
    cost = costs(view)
    print_lines(precision_text.conclude(cost), out)
    if cost.rows:
        out.print(precision_text.table(cost, every=every))
    print_lines(precision_text.notes(cost, every=every), out, "dim")
