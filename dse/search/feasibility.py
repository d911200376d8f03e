"""How likely a configuration is to run at all, by those that did and those that failed.

A failure has one of two causes: single samples fail as well, or batches do. Which of them it was is
told by other outcomes, so both are learned together, by expectation and maximisation.

A probability is that of the most likely logit. Where all of a kind fail, or none does, the logit
may be much further out than that, but hardly nearer: its average would make too little of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dse.search.additive_gp import Covariance, Term, term

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dse.search.features import Features, Floats, Places

SINGLE = (
    term("all", 2.0),
    term("runtime", 2.0),
    term("runtime * precision", 4.0),
    term("runtime * precision * family", 1.0),
    term("file", 1.0),
    term("near layout * runtime", 0.4),
    term("single", 0.3),
)
"""Of the logit of running at all. A runtime refuses a precision, or a file."""
BATCHES = (
    term("all", 3.0),
    term("runtime * precision", 1.5),
    term("family", 2.0),
    term("model", 1.0),
    term("file", 1.5),
    term("whole", 0.3),
)
"""Of the logit that batches run where single samples do. Files have a fixed batch, often all of a
family."""
USUAL = 2.0
"""The logit to expect before anything is measured, of both."""
MOST_STEPS, ENOUGH = 30, 1e-3
MAX_LOGIT_STEP = 3.0
"""In a logit."""
ROUNDS = 3


class FeasibilityModel:
    """The probability to run.

    Args:
        features: of all configurations.
    """

    def __init__(self, features: Features) -> None:
        self._many = features.log_batch > 0
        self._single = _Logistic(features, SINGLE)
        self._batches = _Logistic(features, BATCHES)

    def observe(self, places: Places, ran: Floats) -> None:
        """Takes in all outcomes, in place of what it was told before.

        Args:
            places: of the configurations, each once.
            ran: 1 for what ran, 0 for what failed.
        """
        if not len(places):
            return
        many = self._many[places]
        unclear = many & (ran == 0)
        for _ in range(ROUNDS if unclear.any() else 1):
            single = self._single.predict(places)
            batches = self._batches.predict(places)
            failed = np.maximum(1 - single * batches, 1e-9)
            self._single.learn(places, np.where(unclear, single * (1 - batches) / failed, ran))
            blamed = np.where(unclear, batches * (1 - single) / failed, ran)
            self._batches.learn(places[many], blamed[many])

    def predict(self, places: Places) -> Floats:
        """The probability to run, of some configurations."""
        batches = np.where(self._many[places], self._batches.predict(places), 1.0)
        return np.asarray(self._single.predict(places) * batches)


class _Logistic:
    """A logistic Gaussian process, at its mode (Rasmussen and Williams 2006, algorithm 3.1)."""

    def __init__(self, features: Features, terms: Sequence[Term]) -> None:
        self._covariance = Covariance(features, terms)
        self._variances = np.array([each.deviation**2 for each in terms])
        self._places: Places = np.zeros(0, dtype=np.intp)
        self._weights: Floats = np.zeros(0)

    def learn(self, places: Places, shares: Floats) -> None:
        """Takes in how surely each place was a success, from 0 to 1."""
        self._places = places
        if not len(places):
            return
        matrix = self._covariance.sum(places, places, self._variances)
        weights: Floats = np.zeros(len(places))
        for _ in range(MOST_STEPS):
            logits = USUAL + matrix @ weights
            chance, slope = _chance(logits)
            root = np.sqrt(slope)
            inner = np.eye(len(places)) + root[:, None] * matrix * root
            target = slope * (logits - USUAL) + shares - chance
            back = root * np.linalg.solve(inner, root * (matrix @ target))
            step = target - back - weights
            longest = float(np.abs(matrix @ step).max())
            # A whole step from where the slope is nearly flat would go far astray.
            weights = np.asarray(weights + step * min(1.0, MAX_LOGIT_STEP / max(longest, ENOUGH)))
            if longest < ENOUGH:
                break
        self._weights = weights

    def predict(self, places: Places) -> Floats:
        mean = np.full(len(places), USUAL)
        if len(self._places):
            cross = self._covariance.sum(places, self._places, self._variances)
            mean = mean + cross @ self._weights
        return _chance(mean)[0]


def _chance(logits: Floats) -> tuple[Floats, Floats]:
    """The probability of a logit, and its slope there, which is never quite zero."""
    chance: Floats = np.asarray((1 + np.tanh(logits / 2)) / 2, dtype=np.float64)
    return chance, np.maximum(chance * (1 - chance), 1e-6)
