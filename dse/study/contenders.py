"""Which points may be on the frontier: those that are not left out as most likely dominated.

A study has hundreds of points, and rounds can decide the order of a few tens. To be left out takes
less than a decision: the chance of an error is small for each point, and not for all of them
together. How many were left out by error, as far as is known, is told beside their number.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dse.core.intervals import student_t
from dse.study.comparison import stay

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from dse.study.comparison import Comparison

    Floats = NDArray[np.float64]

MAX_ERROR = 0.01
"""A point is left out if the chance that another one does not dominate it is below this."""
DEGREES = 4
"""Errors of values have tails like those of Student's distribution with so many degrees: on a
virtual machine one process in twenty takes half as long again."""


@dataclass(frozen=True, slots=True)
class Contenders:
    """The points that may be on the frontier.

    Attributes:
        places: theirs among all points that are compared.
        left_out: the number of others.
        left_out_wrongly: how many of those belong on the frontier, as far as is known.
    """

    places: Sequence[int]
    left_out: int
    left_out_wrongly: float

    @classmethod
    def of(cls, points: Comparison) -> Contenders:
        """Leaves out what is most likely dominated by a point that stays."""
        import numpy as np

        errors = chances(points).sum(axis=2)
        differ = np.any(points.values[:, None] != points.values[None], axis=2)
        errors = np.where(differ & ~np.all(points.same, axis=2), errors, 1.0)
        kept = stay((errors < MAX_ERROR).T, points.losses)
        rest = errors[np.ix_(~kept, kept)]
        wrongly = float(rest.min(axis=1, initial=1.0).sum())
        return cls(np.flatnonzero(kept).tolist(), int(np.sum(~kept)), wrongly)


def chances(points: Comparison) -> Floats:
    """The chances that points are better than others.

    Two kinds of evidence are there: the values, and what rounds tell. The stronger one counts where
    they agree on which of two points is ahead, and neither where they don't.

    Args:
        points: what is compared.

    Returns:
        Of shape (points, points, objectives), the chance that the first is better than the second;
        0 where both have one measurement. Small ones alone tell something.
    """
    import numpy as np

    values, found = points.values, np.zeros(points.same.shape)
    for axis in range(values.shape[1]):
        behind = values[:, None, axis] - values[None, :, axis]
        found[:, :, axis] = _by_values(points, axis, behind) if points.timed[axis] else behind < 0
    found[points.same] = 0.0
    for (one, other, axis), rivals in points.rivals.items():
        if not rivals.centre:
            continue
        last, first = (one, other) if rivals.centre > 0 else (other, one)
        if values[last, axis] < values[first, axis]:
            found[last, first, axis] = found[first, last, axis] = 1.0
        else:
            error = math.exp(-max(0.0, rivals.evidence(0.0)))
            found[last, first, axis] = min(found[last, first, axis], error)
    return found


def _by_values(points: Comparison, axis: int, behind: Floats) -> Floats:
    """The chance that points are better, by how far they seem behind."""
    import numpy as np

    reach = points.reach(axis)
    exact = np.where(behind < 0, 1.0, 0.0)
    scaled = np.divide(behind, reach, out=np.zeros_like(behind), where=reach > 0)
    found: Floats = np.where(reach == 0, exact, _upper_tail(scaled * student_t(DEGREES)))
    return np.where(np.isnan(reach), 0.5, found)


def _upper_tail(t: Floats) -> Floats:
    """The chance of a value above t in Student's distribution with `DEGREES` degrees."""
    import numpy as np

    square = t**2 / (1 + t**2 / 4)
    found: Floats = 0.5 - 0.375 * np.sign(t) * np.sqrt(square) * (1 - square / 12)
    return found
