"""Which points may be on the frontier: those that are not left out as most likely dominated.

A study has hundreds of points, and rounds can decide the order of a few tens. To be left out takes
less than a decision: the chance of an error is small for each point that belongs on the frontier,
and not for all of them together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dse.study.comparison import stay

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from dse.study._rivals import Rivals
    from dse.study.comparison import Comparison

    Booleans = NDArray[np.bool_]
    Floats = NDArray[np.float64]

MAX_ERROR = 0.01
"""The chance that rounds ever leave out a point that belongs on the frontier."""
MIN_ROUNDS = 2
"""One odd process must not leave a point out: on a virtual machine one in twenty takes half as long
again."""


@dataclass(frozen=True, slots=True)
class Contenders:
    """The points that may be on the frontier.

    Attributes:
        places: theirs among all points that are compared.
        left_out: the number of others.
        excluding: of shape (points, points), whether the second is left out if the first stays.
    """

    places: Sequence[int]
    left_out: int
    excluding: Booleans

    @property
    def left_out_wrongly(self) -> float:
        """A bound of the expected number of points that were left out and belong on the frontier.

        Of those that belong there at most the share `MAX_ERROR` is left out; the rest contend.
        """
        share = MAX_ERROR / (1 - MAX_ERROR) if self.left_out else 0.0
        return min(float(self.left_out), share * len(self.places))

    @classmethod
    def of(cls, points: Comparison) -> Contenders:
        """Leaves out what is most likely dominated by a point that stays."""
        import numpy as np

        excluding = (errors(points) < MAX_ERROR).T & points.reliable[:, None]
        kept = stay(excluding, points.losses)
        return cls(np.flatnonzero(kept).tolist(), int(np.sum(~kept)), excluding)

    def and_back(self, stayed: Sequence[int]) -> Contenders:
        """These and those that were left out for none of the points that stayed.

        Args:
            stayed: places of those that decisions have not made drop out.
        """
        import numpy as np

        out = np.any(self.excluding[list(stayed)], axis=0)
        out[list(self.places)] = False
        return Contenders(np.flatnonzero(~out).tolist(), int(np.sum(out)), self.excluding)


def errors(points: Comparison) -> Floats:
    """The chances of an error if points were left out for others.

    A point that is not dominated is better than the other one somewhere: the chances of that are
    added up over the objectives, and taken as often as there are rivals for which the point could
    be left out. Rounds tell them at any time, whatever the values say.

    Args:
        points: what is compared.

    Returns:
        Of shape (points, points): of the first, if it were left out for the second; 1 where nothing
        tells it.
    """
    import numpy as np

    found = np.zeros(points.same.shape[:2])
    told = _by_rounds(points)
    for axis in range(points.same.shape[2]):
        better, tie = points.by_values(axis)
        chance = np.where(better.T | tie, 0.0, 1.0)
        for (last, first), error in told[axis].items():
            if not (better[last, first] or better[first, last]):
                chance[last, first] = error
        found += chance
    found[np.all(points.same, axis=2)] = 1.0
    differ = np.any(points.values[:, None] != points.values[None], axis=2)
    found[~differ] = 1.0
    rivals = np.sum(found < 1, axis=1, keepdims=True)
    errors_: Floats = np.minimum(1.0, found * np.maximum(1, rivals))
    return errors_


def _by_rounds(points: Comparison) -> list[dict[tuple[int, int], float]]:
    """By objective, what rounds tell: the places of two points, the one behind first."""
    known: dict[int, float] = {}
    found: list[dict[tuple[int, int], float]] = [{} for _ in range(points.same.shape[2])]
    for (one, other, axis), rivals in points.rivals.items():
        if rivals.count >= MIN_ROUNDS and rivals.centre:
            if id(rivals) not in known:  # several points may share it
                known[id(rivals)] = _error(rivals)
            pair = (one, other) if rivals.centre > 0 else (other, one)
            found[axis][pair] = known[id(rivals)]
    return found


def _error(rivals: Rivals) -> float:
    """The chance that the one that seems behind is better."""
    return math.exp(-max(0.0, rivals.evidence(0.0)))
