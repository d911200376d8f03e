"""A process that is one of several, nobody knows which: their average, by how well each foretells.

Bayesian model averaging: the share of a process is its prior share (all are equal) times the
probability density that it gave the values that were observed, its evidence. The mean and the
covariance are those of the mixture, so where the processes differ, the average is uncertain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dse.search._additive_gp import AdditiveGP
    from dse.search._features import Floats, Indices


class AveragedGP:
    """Learns a target with several processes, see `AdditiveGP`.

    Args:
        processes: at least one.
    """

    def __init__(self, processes: Sequence[AdditiveGP]) -> None:
        self._processes = tuple(processes)
        self.shares: Floats = np.full(len(processes), 1 / len(processes))

    def observe(self, indices: Indices, values: Floats, steps: int) -> None:
        """See `AdditiveGP.observe`; 0 steps keep the shares, too."""
        for each in self._processes:
            each.observe(indices, values, steps)
        if steps:
            logs = np.array([each.evidence for each in self._processes])
            found = np.exp(logs - logs.max())
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
