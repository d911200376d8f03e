"""The average of processes of which nobody knows beforehand which one is right.

Bayesian model averaging: the share of a process is its prior share times its evidence, the density
that it gave to the values. Mean and covariance are those of the mixture: where the processes
differ, the average is uncertain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dse.search._additive_gp import AdditiveGP
    from dse.search._features import Floats, Indices


DOUBTED = 0.2
"""Prior share of all processes but the first, together: they have to earn their influence."""
FIRST_VALUES = 4
"""Number of values up to which the first process has the whole share: fewer hardly tell which of
them is right."""


class AveragedGP:
    """Learns a target with several processes, see `AdditiveGP`.

    Args:
        processes: at least one; the others are in doubt.

    Attributes:
        shares: present share of each process.
    """

    def __init__(self, processes: Sequence[AdditiveGP]) -> None:
        self._processes = tuple(processes)
        others = len(processes) - 1
        self._prior = np.array([1 - DOUBTED, *[DOUBTED / max(others, 1)] * others])
        self.shares: Floats = np.array([1.0, *[0.0] * others])

    def observe(self, indices: Indices, values: Floats, steps: int) -> None:
        """See `AdditiveGP.observe`; 0 steps keep the shares, too."""
        for each in self._processes:
            each.observe(indices, values, steps)
        if steps and len(values) >= FIRST_VALUES:
            logs = np.array([each.evidence for each in self._processes])
            found = self._prior * np.exp(logs - logs.max())
            self.shares = found / found.sum()

    def predict(self, indices: Indices) -> tuple[Floats, Floats]:
        """Mean and variance of the target for some configurations; both of shape (m,)."""
        found = [each.predict(indices) for each in self._processes]
        means, variances = (np.array(part) for part in zip(*found, strict=True))
        mean = self.shares @ means
        return mean, self.shares @ (variances + (means - mean) ** 2)

    def covariance(self, indices: Indices) -> Floats:
        """The posterior covariance of the target for some configurations; shape (m, m)."""
        mean, _ = self.predict(indices)
        found = np.zeros((len(indices), len(indices)))
        for share, each in zip(self.shares, self._processes, strict=True):
            apart = each.predict(indices)[0] - mean
            found += share * (each.covariance(indices) + np.outer(apart, apart))
        return found
