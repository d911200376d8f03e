"""Words that several commands share, or that depend on numbers."""

from __future__ import annotations

import shlex
from itertools import islice
from textwrap import wrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable


WIDTH = 80
"""Columns that everything for a reader fits."""
MAX_WIDTH = 100
"""Columns of a line that is read, however wide a terminal is."""
_UNITS_S = (("d", 86_400), ("h", 3_600), ("min", 60))
MIN_OF_UNIT = 1.5
"""A time is given in the largest unit of which it has at least this much."""
ENOUGH = "what is left is not expected to add to the frontier"
"""Why an exploration has ended before everything was measured, as it says itself."""


def format_count(number: float, noun: str, plural: str = "") -> str:
    """A number with its noun, such as "1 point", "1,200 samples" or "1.5 CPUs".

    Args:
        number: how many.
        noun: in the singular.
        plural: where it is not the noun with an s.
    """
    shown = f"{number:,}" if isinstance(number, int) else f"{number:g}"
    return f"{shown} {noun if number == 1 else plural or f'{noun}s'}"


def format_command(words: Iterable[str]) -> str:
    """A command as a user would type it.

    Args:
        words: after ``dse``.
    """
    return shlex.join(("dse", *words))


def join_some(names: Collection[object], most: int) -> str:
    """The first of several names, and how many more there are: "a, b, c and 4 more".

    Args:
        names: all of them.
        most: how many are told.
    """
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(map(str, islice(names, most))) + more


def format_duration(seconds: float) -> str:
    """A span of time in two figures, such as "12 s", "2.4 min", "45 min" or "1.7 d".

    Args:
        seconds: at least 0, finite.
    """
    for unit, length in _UNITS_S:
        if seconds >= MIN_OF_UNIT * length:
            count = seconds / length
            return f"{round(count, int(count < 10)):g} {unit}"
    return f"{seconds:.0f} s"


def wrap_words(text: str, width: int) -> list[str]:
    """Lines of a text, the further ones indented a little more; no word is broken.

    Args:
        text: one line.
        width: columns of the terminal.
    """
    indent = text[: len(text) - len(text.lstrip())] + "  "
    lines = wrap(
        text,
        min(width, MAX_WIDTH),
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return lines or [""]
