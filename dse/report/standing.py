"""Where each configuration of a study stands: on the frontier, behind it, or without a result."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dse.report.view import View


class Standing(StrEnum):
    """How a configuration compares with all others, the best first."""

    CERTAIN = "certain"  # on the frontier, and would be there again
    LEADING = "leading"  # its values lead, but others' intervals reach them
    BEHIND = "behind"  # another one is ahead by less than the intervals can tell
    DOMINATED = "dominated"
    OUTSIDE = "outside"  # it does not keep to the constraints and conditions
    FAILED = "failed"


MEANINGS = {
    Standing.CERTAIN: "on the frontier for certain",
    Standing.LEADING: "leads by its values, but the intervals of others reach them",
    Standing.BEHIND: "another is ahead, but by less than the intervals can tell",
    Standing.DOMINATED: "another is better in all, beyond the intervals",
    Standing.OUTSIDE: "does not keep to the constraints and conditions",
    Standing.FAILED: "has no result",
}


def standings(view: View) -> dict[int, Standing]:
    """The standing of every configuration of the current space, by the id of its record."""
    records = view.study.records.values()
    kept = {record.id for record in view.records}
    found = {
        record.id: Standing.DOMINATED if record.id in kept else Standing.OUTSIDE
        for record in records
        if record.outcome.failure is None
    }
    leading = view.leading()
    for record in view.frontier:
        sure = Standing.CERTAIN if view.certain(record) else Standing.LEADING
        found[record.id] = sure if record.id in leading else Standing.BEHIND
    return {record.id: found.get(record.id, Standing.FAILED) for record in records}
