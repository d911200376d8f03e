"""The probability that a configuration runs, learned from those that ran and those that failed.

A failure has one of two causes: single samples fail as well, or only batches do. Other outcomes
show which, so both causes are learned together, by expectation and maximisation.

A probability is that of the most likely logit. If all or none of a kind fail, the logit may be much
further out than that, but hardly nearer, so an average over logits would be too cautious.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dse.search._additive_gp import Covariance, Term, parse_term

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dse.search._features import Features, Floats, Indices

SINGLE_TERMS = (
    parse_term("all", 2.0),
    parse_term("runtime", 2.0),
    parse_term("runtime * precision", 4.0),
    parse_term("runtime * precision * family", 1.0),
    parse_term("file", 1.0),
    parse_term("near layout * runtime", 0.4),
    parse_term("single", 0.3),
)
"""Terms of the logit that single samples run: a runtime may refuse a precision, or a file."""
BATCH_TERMS = (
    parse_term("all", 3.0),
    parse_term("runtime * precision", 1.5),
    parse_term("family", 2.0),
    parse_term("model", 1.0),
    parse_term("file", 1.5),
    parse_term("whole", 0.3),
)
"""Terms of the logit that batches run if single samples do: files may have a fixed batch, often all
files of a family."""
PRIOR_LOGIT = 2.0
"""Prior mean of both logits."""
MAX_NEWTON_STEPS, TOLERANCE = 30, 1e-3
"""Largest number of steps of a fit, and the change of the logits that ends it."""
MAX_LOGIT_STEP = 3.0
"""Largest step of a logit."""
EM_ROUNDS = 3
"""Number of rounds of expectation and maximisation."""


class FeasibilityModel:
    """Learns the probability to run.

    Args:
        features: features of all configurations.
    """

    def __init__(self, features: Features) -> None:
        self._many = features.log_batch > 0
        self._single = _Logistic(features, SINGLE_TERMS)
        self._batches = _Logistic(features, BATCH_TERMS)

    def observe(self, indices: Indices, ran: Floats) -> None:
        """Replaces the observed outcomes: 1 for a configuration that ran, 0 for one that failed."""
        if not len(indices):
            return
        many = self._many[indices]
        unclear = many & (ran == 0)
        for _ in range(EM_ROUNDS if unclear.any() else 1):
            single = self._single.predict(indices)
            batches = self._batches.predict(indices)
            failed = np.maximum(1 - single * batches, 1e-9)
            self._single.observe(indices, np.where(unclear, single * (1 - batches) / failed, ran))
            blamed = np.where(unclear, batches * (1 - single) / failed, ran)
            self._batches.observe(indices[many], blamed[many])

    def predict(self, indices: Indices) -> Floats:
        """The probability of some configurations to run."""
        batches = np.where(self._many[indices], self._batches.predict(indices), 1.0)
        return np.asarray(self._single.predict(indices) * batches)


class _Logistic:
    """A logistic Gaussian process at its mode (Rasmussen and Williams 2006, algorithm 3.1)."""

    def __init__(self, features: Features, terms: Sequence[Term]) -> None:
        self._covariance = Covariance(features, terms)
        self._variances = np.array([each.deviation**2 for each in terms])
        self._indices: Indices = np.zeros(0, dtype=np.intp)
        self._weights: Floats = np.zeros(0)

    def observe(self, indices: Indices, shares: Floats) -> None:
        """Replaces the observations: the probability of each success, 0 to 1."""
        self._indices = indices
        if not len(indices):
            return
        matrix = self._covariance.sum(indices, indices, self._variances)
        weights: Floats = np.zeros(len(indices))
        for _ in range(MAX_NEWTON_STEPS):
            logits = PRIOR_LOGIT + matrix @ weights
            chance, slope = _probability(logits)
            root = np.sqrt(slope)
            inner = np.eye(len(indices)) + root[:, None] * matrix * root
            target = slope * (logits - PRIOR_LOGIT) + shares - chance
            back = root * np.linalg.solve(inner, root * (matrix @ target))
            step = target - back - weights
            longest = float(np.abs(matrix @ step).max())
            # A full step from a point of small slope would overshoot.
            weights = np.asarray(
                weights + step * min(1.0, MAX_LOGIT_STEP / max(longest, TOLERANCE))
            )
            if longest < TOLERANCE:
                break
        self._weights = weights

    def predict(self, indices: Indices) -> Floats:
        mean = np.full(len(indices), PRIOR_LOGIT)
        if len(self._indices):
            cross = self._covariance.sum(indices, self._indices, self._variances)
            mean = mean + cross @ self._weights
        return _probability(mean)[0]


def _probability(logits: Floats) -> tuple[Floats, Floats]:
    """The probability of a logit and its slope, which is kept above zero."""
    chance: Floats = np.asarray((1 + np.tanh(logits / 2)) / 2, dtype=np.float64)
    return chance, np.maximum(chance * (1 - chance), 1e-6)
