"""Whether the machine was itself: told by a fixed configuration that is measured again and again.

Such an anchor should give the same value each time. Where it does not, what was measured since it
last did is in doubt.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
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
"""How many times as much the anchor of another machine has to be where nothing tells its noise."""
MIN_ANCHOR_VALUES = 4
"""With fewer measurements of the anchor nothing can be said."""
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
    """The times in which the anchor's values were not as usual.

    Usual is their median, so that after a lasting change the side with more measurements is.
    What their noise is, the differences between neighbours tell (J. von Neumann, Annals of
    Mathematical Statistics 12 (1941), 367-395), which a drift hardly touches; their median, so
    that a jump does not either.

    Args:
        anchors: trial and positive value of each measurement of the anchor, in order.
    """
    if len(anchors) < MIN_ANCHOR_VALUES:
        return []
    logs = [math.log(value) for _, value in anchors]
    usual, most = median(logs), _max_change([logs])
    found: list[Window] = []
    run: list[float] = []
    after: TrialId | None = None
    for (trial_id, _), log in zip(anchors, logs, strict=True):
        if abs(log - usual) > most:
            run.append(math.expm1(log - usual))
            continue
        if run:
            found.append(Window(after, trial_id, max(run, key=abs)))
            run = []
        after = trial_id
    if run:
        found.append(Window(after, None, max(run, key=abs)))
    return found


def deviations(anchors: Mapping[str, Sequence[tuple[TrialId, float]]]) -> dict[str, float]:
    """By how much the anchor's values differ between machines.

    A hypervisor, the cooling or the memory can make a machine slower that looks the same.

    Args:
        anchors: trial and positive value of each measurement of the anchor, in order, by machine.

    Returns:
        By the machines that differ from the first one that measured the anchor, the change as a
        fraction: 4.0 is five times as much.
    """
    logs = {machine: [math.log(v) for _, v in found] for machine, found in anchors.items() if found}
    if len(logs) < 2:
        return {}
    usual = median(logs[min(logs, key=lambda machine: anchors[machine][0])])
    most = _max_change([*logs.values()])
    changes = {machine: median(values) - usual for machine, values in logs.items()}
    return {m: math.expm1(change) for m, change in changes.items() if abs(change) > most}


def _max_change(series: Sequence[Sequence[float]]) -> float:
    """The largest change of logarithms that their noise explains."""
    steps = [abs(b - a) for logs in series for a, b in pairwise(logs)]
    if len(steps) < MIN_ANCHOR_VALUES - 1:
        return math.log(FEW_VALUES_FACTOR)
    return max(FLOOR, SIGMAS * NORMAL_MAD * median(steps) / math.sqrt(2))
