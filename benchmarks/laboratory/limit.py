"""The most that any choice of a number of rows can find: an upper bound of every sampler."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmarks.laboratory.contest import Entry, Run, Scale
from dse.search.searcher import REFERENCE_POINT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.laboratory.tables import Table

NAME = "(best choice)"


def with_limits(runs: Iterable[Run]) -> list[Run]:
    """The runs, and after those of each table of two objectives one that knew all beforehand."""
    tables: dict[str, list[Run]] = {}
    for run in runs:
        tables.setdefault(run.entry.table.name, []).append(run)
    found = []
    for group in tables.values():
        one, rows = group[0].entry.table, min(len(run.shares) for run in group)
        found += group
        if len(one.objectives) == 2:
            found.append(Run(Entry(one, NAME, 0, rows), best_shares(one, rows), ()))
    return found


def best_shares(table: Table, rows: int) -> tuple[float, ...]:
    """The largest share of the hypervolume that 1, 2 ... ``rows`` rows can have.

    Exact, by dynamic programming along the frontier of two objectives: a further point to the right
    adds a rectangle, whose height depends on its left neighbour only.

    Args:
        table: of two objectives.
        rows: at most as many as the table has.
    """
    scale = Scale(table)
    points = scale.scaled([scale.losses(o) for o in table.outcomes.values() if o.failure is None])
    front: list[tuple[float, float]] = []
    for x, y in sorted({(point[0], point[1]) for point in points}):
        if not front or y < front[-1][1]:
            front.append((x, y))
    x, y = np.array(front).T
    width = REFERENCE_POINT - x
    # By each point (row) after each that is not right of it (column).
    added = np.where(np.tri(len(y), dtype=np.bool_), width[:, None] * (y - y[:, None]), -np.inf)
    most = width * (REFERENCE_POINT - y)  # with each point as the last
    volumes = [most.max()]
    for _ in range(rows - 1):
        most = np.maximum(most, (most + added).max(axis=1))
        volumes.append(most.max())
    whole = width @ -np.diff(y, prepend=REFERENCE_POINT)
    return tuple(float(volume / whole) for volume in volumes)
