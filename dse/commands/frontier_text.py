"""A frontier on a terminal: its leaders, what their marks mean, and what to know of the values."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from rich.text import Text

from dse.commands.console import PLAIN_WIDTH, print_lines
from dse.core.metrics import CPU_TIME, MODEL_SIZE, PEAK_MEMORY
from dse.core.wording import WIDTH
from dse.report.standing import leaders
from dse.report.summary import notes
from dse.report.text import (
    behind_lines,
    beyond_lines,
    frontier_table,
    mark_lines,
    marks,
    settings_legend,
)
from dse.report.user_metrics import cell
from dse.report.word_table import WordTable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console

    from dse.report.breakdown import Breakdown
    from dse.report.view import View

MORE = (PEAK_MEMORY.name, MODEL_SIZE.name, CPU_TIME.name)
"""Metrics that a wide terminal shows as well."""


def print_frontier(view: View, out: Console, how: str, *, every: bool = False) -> None:
    """Prints a frontier that has points.

    Args:
        view: has it.
        out: where to.
        how: what shows the points that others seem ahead of.
        every: whether these are shown, too.
    """
    frontier = view.frontier
    points = frontier if every else leaders(frontier)
    own = view.derivation.definitions
    further = {each.heading: partial(cell, view, name=each.name) for each in own}

    def table(metrics: Sequence[str]) -> WordTable:
        return frontier_table(points, metrics, marks(frontier), further=further)

    known = {m.metric for record in points for m in record.outcome.measurements}
    more = [name for name in MORE if name in known and name not in view.metrics]
    out.print(_widest(out, table, view.metrics, more))
    print_lines(beyond_lines(view) if every else behind_lines(frontier, how), out, width=WIDTH)
    explained = [settings_legend(points), *mark_lines(frontier, points)]
    print_lines([*explained, *notes(view)], out, "dim", width=WIDTH)


def print_breakdown(found: Breakdown, out: Console) -> None:
    """Prints the conclusion, the table if it has rows, and what to know of it."""
    print_lines(found.conclusion, out, width=WIDTH)
    if found.cells:
        table = WordTable(*found.headings)
        for row in found.cells:
            table.add_row(*map(Text, row))
        out.print(table)
    print_lines(found.notes, out, "dim", width=WIDTH)


def _widest(
    out: Console,
    table: Callable[[Sequence[str]], WordTable],
    usual: Sequence[str],
    more: Sequence[str],
) -> WordTable:
    """The table with as many further metrics as a terminal has room for."""
    any_width = out.options.update(width=PLAIN_WIDTH)
    for count in range(len(more) if out.is_terminal else 0, 0, -1):
        wide = table([*usual, *more[:count]])
        if out.measure(wide, options=any_width).maximum <= out.width:
            return wide
    return table(usual)
