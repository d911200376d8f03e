"""Prints a comparison on one screen: its conclusion, systems sorted by a criterion, and notes."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from dse.commands._compare_tables import agreement_table, points_table, ranks_table, systems_table
from dse.commands.console import print_lines
from dse.commands.next_step import print_next
from dse.compare.choice import next_command
from dse.compare.comparison import MAX_COLUMNS
from dse.compare.conclusion import conclude, full_name, level_words
from dse.compare.notes import comparison_notes
from dse.core.printable import to_printable
from dse.core.wording import WIDTH, format_count, wrap_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.console import Console

    from dse.compare.comparison import Comparison, SystemOrder
    from dse.report.word_table import WordTable

MAX_LINES = 40
"""Lines of a comparison if nothing more is asked for."""
OTHER_LINES = 6
"""Lines for the title and the head of the table, for what is not shown, and blank ones."""
MIN_ROWS, MIN_NOTE_LINES = 8, 4


def show(
    comparison: Comparison,
    order: SystemOrder | None,
    console: Console,
    *,
    every: bool = False,
    agreement: bool = False,
) -> None:
    """Prints a comparison.

    Args:
        comparison: the comparison.
        order: what systems are sorted by; None if no system has a value.
        console: where to print.
        every: whether to print all systems, accuracies, criteria and notes.
        agreement: whether to print how far accuracies lie from published ones.
    """
    width = _width(console)
    head = _wrapped(conclude(comparison, order), width)
    notes = [_wrapped([note], width) for note in comparison_notes(comparison)]
    hint = _about_agreement(comparison, agreement=agreement)
    command = next_command(comparison, order)
    room = MAX_LINES - OTHER_LINES - len(head) - len(hint) - bool(command)
    needed = min(MIN_ROWS, len(order.systems)) if order else 0
    crowded = order is not None and not every
    shown = _first(notes, max(MIN_NOTE_LINES, room - needed)) if crowded else notes
    foot = [*chain(*shown)]
    print_lines(head, console)
    if every:
        _print_table("systems:", systems_table(comparison), console)
        for each in _orders(comparison, order):
            _print_table(_title(comparison, each), ranks_table(comparison, each, width), console)
    elif order is not None:
        rows = max(MIN_ROWS, room - len(foot))
        table = ranks_table(comparison, order, width, rows)
        _print_table(_title(comparison, order), table, console)
        print_lines(_not_shown(comparison, order, rows, len(notes) - len(shown)), console)
    if agreement and comparison.agreements:
        title = "accuracies minus the published ones of the same variants, in points:"
        _print_table(title, agreement_table(comparison, width), console)
    console.print()
    print_lines([*foot, *hint], console, "dim")
    if command:
        print_next(command)


def show_points(comparison: Comparison, console: Console) -> None:
    """Prints the frontiers, system by system."""
    for system in comparison.systems:
        print_lines([f"{full_name(system)}:"], console, "bold")
        console.print(points_table(system), width=_width(console))
        console.print()


def _width(console: Console) -> int:
    return console.width if console.is_terminal else WIDTH


def _wrapped(lines: Iterable[str], width: int) -> list[str]:
    """Lines of at most a width; what continues a line is indented."""
    return [part for line in lines for part in wrap_words(to_printable(line), width)]


def _first(notes: Sequence[Sequence[str]], lines: int) -> list[Sequence[str]]:
    """The first notes, of at most so many lines."""
    shown: list[Sequence[str]] = []
    for note in notes:
        if sum(map(len, shown)) + len(note) > lines:
            break
        shown.append(note)
    return shown


def _print_table(title: str, table: WordTable, console: Console) -> None:
    console.print()
    print_lines(_wrapped([title], _width(console)), console, "bold")
    console.print(table, width=_width(console))


def _orders(comparison: Comparison, order: SystemOrder | None) -> Iterator[SystemOrder]:
    """The orders by all criteria at all accuracies, as many of these as a table shows."""
    levels = comparison.accuracies
    for criterion in (order.criterion, *comparison.others(order.criterion)) if order else ():
        for start in range(0, len(levels), MAX_COLUMNS):
            if found := comparison.sort(criterion, levels[start : start + MAX_COLUMNS]):
                yield found


def _title(comparison: Comparison, order: SystemOrder) -> str:
    criterion = order.criterion
    unit = f" [{criterion.unit}]" if criterion.unit else ""
    return f"{criterion.words}{unit}, best first at {level_words(comparison, order.accuracy)}:"


def _not_shown(comparison: Comparison, order: SystemOrder, rows: int, notes: int) -> Iterator[str]:
    """What there is no room for, in one line."""
    others = len(comparison.others(order.criterion))
    counts = (
        (len(comparison.ranked) - len(order.systems[:rows]), "system", ""),
        (len(comparison.accuracies) - len(order.accuracies), "accuracy", "accuracies"),
        (others, "criterion", "criteria"),
        (notes, "note", ""),
    )
    if parts := [format_count(*count) for count in counts if count[0]]:
        yield f"not shown: {', '.join(parts)}; --all shows them"


def _about_agreement(comparison: Comparison, *, agreement: bool) -> list[str]:
    """How to see the agreement, or why there is none."""
    if agreement == bool(comparison.agreements):
        return []
    if agreement:
        return ["no accuracy has a published one of the same variant to agree with"]
    return ["--agreement shows how far accuracies lie from published ones"]
