"""What speaks against a measured quality: notes, and the lines that show them.

A model that is fed or read wrongly gives a number like any other. What speaks against the number
is a note, and never changes it. The notes themselves are those of a task.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dse.core.wording import format_count

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SHOWN_NAMES = 5


@dataclass(frozen=True, slots=True)
class Note:
    """What speaks against a quality.

    Attributes:
        reason: the same for all points that it holds for.
        figures: of this point; empty where the reason says all.
        remedy: what to look at.
    """

    reason: str
    figures: str
    remedy: str

    def __str__(self) -> str:
        figures = f" ({self.figures})" if self.figures else ""
        return f"{self.reason}{figures}: {self.remedy}"


def lines(points: Iterable[tuple[str, Sequence[Note]]]) -> list[str]:
    """Notes of many points, a line for each reason.

    Args:
        points: a name of each point, or an empty one where they are only counted; and its notes.
    """
    total = 0
    grouped: dict[tuple[str, str], list[tuple[str, Note]]] = {}
    for name, own in points:
        total += 1
        for note in own:
            grouped.setdefault((note.reason, note.remedy), []).append((name, note))
    return [_line(found, total) for found in grouped.values()]


def _line(found: Sequence[tuple[str, Note]], total: int) -> str:
    name, first = found[0]
    if len({note.figures for _, note in found}) > 1:
        such = f"such as {name}: " if name else "such as "
        first = replace(first, figures=such + first.figures)
    return f"{_who([name for name, _ in found], total)}: {first}"


def _who(names: Sequence[str], total: int) -> str:
    """Points by name, or by number where they are all of them or have none."""
    count = format_count(len(names), "point")
    if len(names) == 1:
        return names[0] or count
    if len(names) == total:
        return f"all {count}"
    if not names[0]:
        return count
    more = f" and {len(names) - SHOWN_NAMES:,} more" if len(names) > SHOWN_NAMES else ""
    return f"{count} ({', '.join(names[:SHOWN_NAMES])}{more})"
