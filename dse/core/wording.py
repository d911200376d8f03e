"""Words that depend on numbers."""

from __future__ import annotations


def format_count(number: float, noun: str, plural: str = "") -> str:
    """A number with its noun, such as "1 point", "1,200 samples" or "1.5 CPUs".

    Args:
        number: how many.
        noun: in the singular.
        plural: where it is not the noun with an s.
    """
    shown = f"{number:,}" if isinstance(number, int) else f"{number:g}"
    return f"{shown} {noun if number == 1 else plural or f'{noun}s'}"
