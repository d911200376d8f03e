"""How a configuration stands to all others: one word of it in every output, and its notes."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dse.report.view import View
    from dse.study.frontier import StudyFrontier
    from dse.study.record import Record


class Standing(StrEnum):
    """How a configuration compares with all others, the best first."""

    LEADS = "leads"  # no other has better values in all objectives
    TIED = "tied"  # its values trail, but it is decided that it is as good
    BEHIND = "behind"  # another one seems ahead, which is not decided
    DOMINATED = "dominated"  # another one is as good in all and better in one, or most likely so
    OUTSIDE = "outside"  # it does not keep to constraints and conditions, or lacks an objective
    FAILED = "failed"


MEANINGS = {
    Standing.LEADS: "no other is better in all",
    Standing.TIED: "as good as one that leads, though its values trail",
    Standing.BEHIND: "another seems better in all; not decided",
    Standing.DOMINATED: "another is better, for certain or most likely",
    Standing.OUTSIDE: "does not keep to constraints and conditions, or lacks a value",
    Standing.FAILED: "has no result",
}
UNDECIDED = "not decided"
"""The note of a point that leads by its values, but may be dominated."""
NEAR_LIMIT = "may miss a limit"
"""The note of a point of the frontier whose interval reaches beyond a bound or a condition."""
DRIFT = "drift"
"""The note of what was measured only while the machine drifted, or on one that differs."""


def standing_on(frontier: StudyFrontier, record: Record) -> Standing:
    """How a point of a frontier stands."""
    if record.id in frontier.leading:
        return Standing.LEADS
    return Standing.TIED if frontier.decided(record) else Standing.BEHIND


def place_notes(frontier: StudyFrontier, record: Record) -> list[str]:
    """What speaks against the place of a point of a frontier; nothing where it is certain."""
    undecided = record.id in frontier.leading and not frontier.decided(record)
    found = {
        UNDECIDED: undecided,
        NEAR_LIMIT: not frontier.keeps_bounds(record),
        DRIFT: frontier.drifted(record),
    }
    return [note for note, applies in found.items() if applies]


def split_frontier(frontier: StudyFrontier) -> tuple[list[Record], list[Record]]:
    """The points of a frontier that lead or are tied with those; and those that are behind."""
    found = {record.id: standing_on(frontier, record) for record in frontier}
    behind = [record for record in frontier if found[record.id] is Standing.BEHIND]
    return [r for r in frontier if found[r.id] is not Standing.BEHIND], behind


def leaders(frontier: StudyFrontier) -> list[Record]:
    """The points of a frontier that lead or are tied with those."""
    return split_frontier(frontier)[0]


def standings(view: View) -> dict[int, Standing]:
    """The standing of every configuration of the current space, by the id of its record."""
    kept = {record.id for record in view.records if view.lack(record) is None}
    frontier = view.frontier
    placed = {record.id: standing_on(frontier, record) for record in frontier}

    def standing(record: Record) -> Standing:
        if record.outcome.failure is not None:
            return Standing.FAILED
        beyond = Standing.DOMINATED if record.id in kept else Standing.OUTSIDE
        return placed.get(record.id, beyond)

    return {record.id: standing(record) for record in view.study.records.values()}


def standing_columns(view: View, records: Sequence[Record]) -> dict[str, list[str] | list[bool]]:
    """Columns of a table: ``standing``, and ``certain``, whether a point would lead again.

    Args:
        view: of the study.
        records: the rows.
    """
    found, frontier = standings(view), view.frontier
    certain = {record.id for record in frontier if frontier.certain(record)}
    return {
        "standing": [found[record.id].value for record in records],
        "certain": [record.id in certain for record in records],
    }
