"""Words that depend on numbers."""

from __future__ import annotations

from textwrap import wrap

MAX_WIDTH = 100
"""Columns of a line that is read, however wide a terminal is."""


def format_count(number: float, noun: str, plural: str = "") -> str:
    """A number with its noun, such as "1 point", "1,200 samples" or "1.5 CPUs".

    Args:
        number: how many.
        noun: in the singular.
        plural: where it is not the noun with an s.
    """
    shown = f"{number:,}" if isinstance(number, int) else f"{number:g}"
    return f"{shown} {noun if number == 1 else plural or f'{noun}s'}"


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
