"""Where each configuration of a study stands: on the frontier, behind it, or without a result."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dse.report.view import View


class PointStatus(StrEnum):
    """How a configuration compares with all others, the best first."""

    CERTAIN = "certain"  # on the frontier, and would be there again
    LEADING = "leading"  # its values lead, but others' intervals reach them
    BEHIND = "behind"  # another one is ahead by less than the intervals can tell
    DOMINATED = "dominated"
    OUTSIDE = "outside"  # it does not keep to the constraints and conditions
    FAILED = "failed"


MEANINGS = {
    PointStatus.CERTAIN: "on the frontier for certain",
    PointStatus.LEADING: "leads by its values, but the intervals of others reach them",
    PointStatus.BEHIND: "another is ahead, but by less than the intervals can tell",
    PointStatus.DOMINATED: "another is better in all, beyond the intervals",
    PointStatus.OUTSIDE: "does not keep to the constraints and conditions",
    PointStatus.FAILED: "has no result",
}


def point_statuses(view: View) -> dict[int, PointStatus]:
    """The standing of every configuration of the current space, by the id of its record."""
    records = view.study.records.values()
    kept = {record.id for record in view.records}
    found = {
        record.id: PointStatus.DOMINATED if record.id in kept else PointStatus.OUTSIDE
        for record in records
        if record.outcome.failure is None
    }
    frontier = view.frontier
    for record in frontier:
        sure = PointStatus.CERTAIN if frontier.certain(record) else PointStatus.LEADING
        found[record.id] = sure if record.id in frontier.leading else PointStatus.BEHIND
    return {record.id: found.get(record.id, PointStatus.FAILED) for record in records}
