"""How much hypervolume points would add to a frontier; less is better in every coordinate."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import comb
from typing import TYPE_CHECKING

import numpy as np

from dse.core.pareto import Losses

if TYPE_CHECKING:
    from dse.search.features import Floats

MAX_BOXES = 900
"""A frontier that would give more is thinned."""


@dataclass(frozen=True, slots=True)
class FreeBoxes:
    """What no point of a frontier dominates, up to a reference point, as boxes that don't overlap.

    Attributes:
        lower: a corner of each box; -inf where it has no end. Shape (boxes, objectives).
        upper: the other corner.
    """

    lower: Floats
    upper: Floats

    def gains(self, points: Floats) -> Floats:
        """The hypervolume that each point would add, were it alone to come.

        Args:
            points: of shape (..., objectives).
        """
        found = np.zeros(points.shape[:-1])
        for lower, upper in zip(self.lower, self.upper, strict=True):
            sides = np.minimum(upper - points, upper - lower)
            found += np.prod(np.maximum(sides, 0.0), axis=-1)
        return found


def free_boxes(front: Floats, reference: Floats) -> FreeBoxes:
    """What a frontier leaves to be gained.

    Args:
        front: of shape (points, objectives); no point need be on the frontier.
        reference: a point beyond which nothing counts.
    """
    front = front[(front < reference).all(axis=1)]
    front = _thinned(_nondominated(front), reference)
    lower, upper = _boxes(front, reference)
    return FreeBoxes(np.array(lower), np.array(upper))


def volume(front: Floats, reference: Floats) -> float:
    """The hypervolume that a frontier dominates, up to a reference point."""
    import moocore

    front = front[(front < reference).all(axis=1)]
    return float(moocore.hypervolume(front, ref=reference)) if len(front) else 0.0


def _boxes(front: Floats, reference: Floats) -> tuple[list[list[float]], list[list[float]]]:
    """Slab by slab of the last coordinate: a slab leaves what the points below it leave."""
    if len(reference) == 1:
        least = min([*front[:, 0].tolist(), float(reference[0])])
        return [[-np.inf]], [[least]]
    edges = [-np.inf, *np.unique(front[:, -1]).tolist(), float(reference[-1])]
    lower: list[list[float]] = []
    upper: list[list[float]] = []
    for low, high in pairwise(edges):
        below = front[front[:, -1] <= low][:, :-1]
        lows, highs = _boxes(_nondominated(below), reference[:-1])
        lower += [[*corner, low] for corner in lows]
        upper += [[*corner, high] for corner in highs]
    return lower, upper


def _nondominated(points: Floats) -> Floats:
    """The points that no other dominates; of equal ones, one."""
    points = np.unique(points, axis=0)
    return np.asarray(points[Losses.exact(points).undominated()])


def _thinned(front: Floats, reference: Floats) -> Floats:
    """Drops the points that add least, where there are too many for so many objectives."""
    objectives = len(reference)
    most = 1
    while comb(most + objectives, objectives - 1) <= MAX_BOXES and most < len(front):
        most += 1
    if len(front) <= most:
        return front
    whole = volume(front, reference)
    others = (np.delete(front, index, axis=0) for index in range(len(front)))
    added = np.array([whole - volume(other, reference) for other in others])
    return np.asarray(front[np.sort(np.argsort(-added, kind="stable")[:most])])
