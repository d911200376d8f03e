"""Text of others as it may stand in a line on a terminal."""

from __future__ import annotations


def to_printable(text: str) -> str:
    """A text without what would steer a terminal, break its line or turn it around.

    Each control character becomes a question mark, and a tab a space, so that the length stays.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " if c == "\t" else "?" for c in text)
