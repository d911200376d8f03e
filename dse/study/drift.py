"""Whether the machine was itself: told by a fixed configuration that is measured again and again.

Such an anchor should give the same value each time. One unusual value may be that of an odd
process. Where the next one is unusual, too, what was measured since it last was as usual is in
doubt.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import groupby, pairwise
from statistics import median, median_high, median_low
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TrialId = tuple[int, int]
"""Revision and number of a trial. Clocks are not used, because they can be set back."""

FLOOR = 0.1
"""Smallest change of the logarithm that is a drift, however steady the machine is."""
SIGMAS = 4.0
"""How many standard deviations of the anchor's usual noise a change has to exceed."""
FEW_VALUES_FACTOR = 1.5
"""How many times as much a value may be by chance where nothing tells the noise: twice the standard
deviation on a noisy machine, which is a fifth (docs/measuring.md)."""
MIN_ANCHOR_VALUES = 4
"""With fewer measurements of the anchor nothing can be said."""
MIN_ODD_VALUES = 2
"""Smallest number of unusual values in a row that are a drift: one is that of an odd process."""
NORMAL_MAD = 1.4826
"""A normal distribution's standard deviation over its median absolute deviation."""


@dataclass(frozen=True, slots=True)
class Window:
    """A time in which the machine was not itself.

    Attributes:
        after: the last measurement of the anchor that was as usual; None if none was before.
        before: the first that was as usual again; None if it still is not.
        change: of the anchor's value at its worst, as a fraction: 0.2 is a fifth more.
    """

    after: TrialId | None
    before: TrialId | None
    change: float

    def covers(self, trial_id: TrialId) -> bool:
        """Whether something was measured in it."""
        begun = self.after is None or trial_id > self.after
        return begun and (self.before is None or trial_id < self.before)


def windows(anchors: Sequence[tuple[TrialId, float]]) -> list[Window]:
    """The times in which the anchor's values were not as usual, at least two in a row.

    Usual is their median, so that after a lasting change the side with more measurements is.
    What their noise is, the differences between neighbours tell (J. von Neumann, Annals of
    Mathematical Statistics 12 (1941), 367-395), which a drift hardly touches; their median, so
    that a jump does not either.

    Args:
        anchors: trial and positive value of each measurement of the anchor, in order.
    """
    found: list[Window] = []
    after, runs = None, _runs(anchors)
    for place, (odd, run) in enumerate(runs):
        if odd and len(run) >= MIN_ODD_VALUES:
            before = runs[place + 1][1][0][0] if place + 1 < len(runs) else None
            change = max((change for _, change in run), key=abs)
            found.append(Window(after, before, math.expm1(change)))
        after = run[-1][0]
    return found


def _runs(
    anchors: Sequence[tuple[TrialId, float]],
) -> list[tuple[bool, list[tuple[TrialId, float]]]]:
    """Neighbours that are all unusual, or all as usual; none where too few tell what is.

    Returns:
        Whether they are unusual, and of each trial by how much its logarithm differs from usual.
    """
    if len(anchors) < MIN_ANCHOR_VALUES:
        return []
    logs = [math.log(value) for _, value in anchors]
    usual, most = median(logs), _max_change([logs])
    changes = [(trial, log - usual) for (trial, _), log in zip(anchors, logs, strict=True)]
    found = groupby(changes, key=lambda each: abs(each[1]) > most)
    return [(odd, list(run)) for odd, run in found]


def deviations(anchors: Mapping[str, Sequence[tuple[TrialId, float]]]) -> dict[str, float]:
    """By how much the anchor's values differ between machines.

    A hypervisor, the cooling or the memory can make a machine slower that looks the same.

    Args:
        anchors: trial and positive value of each measurement of the anchor, in order, by machine.

    Returns:
        By the machines that differ from the first one that measured the anchor, the change as a
        fraction: 4.0 is five times as much. Both have measured it at least twice.
    """
    changes, most = _changes(anchors)
    return {
        machine: math.expm1(change)
        for machine, change in changes.items()
        if abs(change) > most and len(anchors[machine]) >= MIN_ODD_VALUES
    }


def unconfirmed(anchors: Mapping[str, Sequence[tuple[TrialId, float]]]) -> set[str]:
    """The machines whose last value of the anchor is unusual, and the only one in a row that is.

    The next one tells whether the machine drifts, or differs from the study's first one.

    Args:
        anchors: as for `deviations`.
    """
    runs = {machine: _runs(found) for machine, found in anchors.items()}
    odd = {m for m, found in runs.items() if found and found[-1][0] and len(found[-1][1]) == 1}
    changes, most = _changes(anchors)
    return odd | {m for m, c in changes.items() if abs(c) > most and len(anchors[m]) == 1}


def _changes(
    anchors: Mapping[str, Sequence[tuple[TrialId, float]]],
) -> tuple[dict[str, float], float]:
    """The changes of the anchor's logarithm from the first machine to the other ones.

    Of two values the one counts that differs less: the other may be that of an odd process.

    Returns:
        The change by machine, and the largest one that noise explains.
    """
    logs = {machine: [math.log(v) for _, v in found] for machine, found in anchors.items() if found}
    first = min(logs, key=lambda machine: anchors[machine][0], default=None)
    if first is None or len(logs[first]) < MIN_ODD_VALUES:
        return {}, 0.0
    usual = _middles(logs[first])
    changes = {
        machine: min((own - each for own in _middles(values) for each in usual), key=abs)
        for machine, values in logs.items()
        if machine != first
    }
    return changes, _max_change([*logs.values()])


def _middles(values: Sequence[float]) -> tuple[float, float]:
    """The two values in the middle; the median twice where their number is odd."""
    return median_low(values), median_high(values)


def _max_change(series: Sequence[Sequence[float]]) -> float:
    """The largest change of logarithms that their noise explains."""
    steps = [abs(b - a) for logs in series for a, b in pairwise(logs)]
    if len(steps) < MIN_ANCHOR_VALUES - 1:
        return math.log(FEW_VALUES_FACTOR)
    return max(FLOOR, SIGMAS * NORMAL_MAD * median(steps) / math.sqrt(2))
