"""The hypervolume that points would add to a frontier; less is better in every coordinate."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import comb
from typing import TYPE_CHECKING

import numpy as np

from dse.core.pareto import Losses

if TYPE_CHECKING:
    from dse.search._features import Floats

MAX_BOXES = 900
"""Largest number of boxes; a frontier with more boxes is thinned."""


@dataclass(frozen=True, slots=True)
class FreeBoxes:
    """The region that no point of a frontier dominates, up to a reference point, as disjoint boxes.

    Attributes:
        lower: lower corner of each box, -inf if unbounded; shape (boxes, objectives).
        upper: upper corner of each box; shape (boxes, objectives).
    """

    lower: Floats
    upper: Floats

    def gains(self, points: Floats) -> Floats:
        """The hypervolume that each point, of shape (..., objectives), would add by itself."""
        found = np.zeros(points.shape[:-1])
        for lower, upper in zip(self.lower, self.upper, strict=True):
            sides = np.minimum(upper - points, upper - lower)
            found += np.prod(np.maximum(sides, 0.0), axis=-1)
        return found


def free_boxes(front: Floats, reference: Floats) -> FreeBoxes:
    """The boxes that a frontier of shape (points, objectives) does not dominate.

    It may have dominated points. Nothing counts beyond the reference point.
    """
    front = front[(front < reference).all(axis=1)]
    front = _thin(_drop_dominated(front), reference)
    lower, upper = _boxes(front, reference)
    return FreeBoxes(np.array(lower), np.array(upper))


def volume(front: Floats, reference: Floats) -> float:
    """The hypervolume that a frontier dominates, up to a reference point."""
    import moocore

    front = front[(front < reference).all(axis=1)]
    return float(moocore.hypervolume(front, ref=reference)) if len(front) else 0.0


def _boxes(front: Floats, reference: Floats) -> tuple[list[list[float]], list[list[float]]]:
    """Boxes of each slab of the last coordinate: they are free of the points below the slab."""
    if len(reference) == 1:
        least = min([*front[:, 0].tolist(), float(reference[0])])
        return [[-np.inf]], [[least]]
    edges = [-np.inf, *np.unique(front[:, -1]).tolist(), float(reference[-1])]
    lower: list[list[float]] = []
    upper: list[list[float]] = []
    for low, high in pairwise(edges):
        below = front[front[:, -1] <= low][:, :-1]
        lows, highs = _boxes(_drop_dominated(below), reference[:-1])
        lower += [[*corner, low] for corner in lows]
        upper += [[*corner, high] for corner in highs]
    return lower, upper


def _drop_dominated(points: Floats) -> Floats:
    """The nondominated points; equal points count once."""
    points = np.unique(points, axis=0)
    return np.asarray(points[Losses.exact(points).undominated()])


def _thin(front: Floats, reference: Floats) -> Floats:
    """Drops the points that add least, if there are too many for the number of objectives."""
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
