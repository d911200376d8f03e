"""A noisy machine and the points of studies, as far as they are made up."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

OWN_SD, COMMON_S = 0.12, 20.0
"""As measured in `studies/families`: 17 % in all, half of the variance common for some seconds."""
SLOW_SHARE, SLOW = 0.03, (0.3, 3.0)
STEPS = (1.05, 1.0, 1.2, 1.01)
"""From one point to the next of a mixed frontier: ties, near-ties, and what can be told apart."""
COUNTS = (2, 6, 20)
FRONT, BEHIND = 15, 25
"""Of the points with many behind them, and of these."""


@dataclass(slots=True)
class Machine:
    """A noisy machine.

    Attributes:
        generator: of everything random.
        common_sd: standard deviation of what all processes of a time share, in logarithms.
        common_s: after this time the correlation has fallen to 1/e.
        own_sd: standard deviation of what differs from one process to the next.
        slow_share: share of the processes that are far slower.
        slow: by what share they are slower, from and to.
    """

    generator: np.random.Generator
    common_sd: float = OWN_SD
    common_s: float = COMMON_S
    own_sd: float = OWN_SD
    slow_share: float = SLOW_SHARE
    slow: tuple[float, float] = SLOW
    _at: float = 0.0
    _common: float = field(default=math.nan)

    def value(self, level: float, at: float) -> float:
        """What a process measures that begins at a time, not before the last one."""
        if math.isnan(self._common):
            self._common = self.generator.normal(0, self.common_sd)
        kept = math.exp(-(at - self._at) / self.common_s)
        spread = self.common_sd * math.sqrt(1 - kept**2)
        self._common, self._at = kept * self._common + self.generator.normal(0, spread), at
        own = self.generator.normal(0, self.own_sd)
        if self.generator.random() < self.slow_share:
            own += math.log1p(self.generator.uniform(*self.slow))
        return level * math.exp(self._common + own)


@dataclass(frozen=True, slots=True)
class Rivals:
    """The points of a simulated study.

    Attributes:
        name: of the scenario.
        levels: the true value of each, in milliseconds.
        qualities: the published accuracy of each.
    """

    name: str
    levels: tuple[float, ...]
    qualities: tuple[float, ...]


def scenarios() -> list[Rivals]:
    """The frontiers to decide: equal points, a trade of accuracy for latency, and many behind."""
    found = []
    for count in COUNTS:
        found.append(Rivals("equal", (5.0,) * count, (50.0,) * count))
        found.append(Rivals("mixed", *_mixed(count)))
    levels, qualities = _mixed(FRONT)
    for n in range(BEHIND):
        levels += (levels[n % FRONT] * (1.2 + 0.1 * n),)
        qualities += (qualities[n % FRONT] - 0.5,)
    return [*found, Rivals("with many behind", levels, qualities)]


def _mixed(count: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Levels and qualities of points of which each takes longer than the last, or as long."""
    steps = np.cumprod([1.0, *(STEPS[n % len(STEPS)] for n in range(count - 1))])
    return tuple(float(5 * step) for step in steps), tuple(50.0 + n for n in range(count))
