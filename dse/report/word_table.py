"""A table for a terminal whose words stay whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.measure import measure_renderables
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console, ConsoleOptions, RenderResult

MIN_FOLDED = 10
"""Columns of the words that are broken where a terminal has no room for all of them, at least."""


class WordTable(Table):
    """A table without lines that wraps its cells between words, and breaks words if all else fails.

    So a value and the reach of its interval stay whole, one above the other where it is narrow.

    Args:
        columns: their headings, and whether they hold numbers, which are aligned to the right.
    """

    def __init__(self, *columns: tuple[str, bool]) -> None:
        super().__init__(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
        for title, numbers in columns:
            self.add_column(Text(title), justify="right" if numbers else "left", overflow="fold")

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Chooses the widths of the columns by the room that there is, and renders them."""
        cells = [(column.header, *column.cells) for column in self.columns]
        ranges = [measure_renderables(console, options, each) for each in cells]
        room = options.max_width - (len(self.columns) - 1)
        widths = _narrow([each.maximum for each in ranges], [each.minimum for each in ranges], room)
        widths = _narrow(widths, [MIN_FOLDED] * len(widths), room)
        for column, width in zip(self.columns, widths, strict=True):
            column.width = max(1, width)
        yield from super().__rich_console__(console, options)


def _narrow(widths: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """Takes from the widest column again and again, until all fit or have their least width."""
    found = list(widths)
    while sum(found) > room:
        able = [place for place, width in enumerate(found) if width > least[place]]
        if not able:
            break
        found[max(able, key=found.__getitem__)] -= 1
    return found
