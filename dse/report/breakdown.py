"""A study by precision or by runtime: a conclusion, a table, and what to know of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dse.report import _precision_text, _runtimes
from dse.report._precision import costs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dse.report.view import View

WAYS = ("precision", "runtime")


@dataclass(frozen=True, slots=True)
class Breakdown:
    """What a study comes to, seen in one way.

    Attributes:
        by: one of `WAYS`.
        conclusion: in sentences.
        headings: of the columns, each with whether it holds numbers.
        cells: the rows of the table.
        notes: what a reader must know of it.
        rows: the same as JSON objects, all of them.
        more: what else the JSON object has.
    """

    by: str
    conclusion: Sequence[str]
    headings: Sequence[tuple[str, bool]]
    cells: Sequence[Sequence[str]]
    notes: Sequence[str]
    rows: Sequence[dict[str, Any]]
    more: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """A JSON object."""
        own = {"by": self.by, "conclusion": list(self.conclusion)}
        return {**own, **self.more, "rows": list(self.rows)}

    def flat_rows(self) -> list[dict[str, object]]:
        """The rows of a CSV table; what they have by metric or knob has a column each."""
        return [_flat(row) for row in self.rows]


def break_down(view: View, by: str, *, every: bool) -> Breakdown:
    """A study by precision or by runtime.

    Args:
        view: the study.
        by: one of `WAYS`.
        every: whether the table has also methods that others are ahead of.
    """
    if by == "runtime":
        found = _runtimes.runtimes(view)
        return Breakdown(
            by,
            [_runtimes.conclude(view, found)],
            _runtimes.headings(view),
            _runtimes.cells(view, found),
            _runtimes.hints(view),
            [each.as_dict() for each in found],
            {},
        )
    cost = costs(view)
    return Breakdown(
        by,
        _precision_text.conclude(cost),
        _precision_text.headings(cost),
        _precision_text.cells(cost, every=every),
        _precision_text.notes(cost, every=every),
        [row.as_dict() for row in cost.rows],
        {"quality": cost.quality, "unpaired": cost.unpaired},
    )


def _flat(row: Mapping[str, Any]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in row.items():
        if isinstance(value, dict):
            plain = name in ("best", "method")
            found |= {key if plain else f"{key}_{name}": each for key, each in value.items()}
        else:
            found[name] = " ".join(map(str, value)) if isinstance(value, list) else value
    return found
