"""How likely a configuration is to run at all, by those that did and those that failed."""

from __future__ import annotations

from math import pi
from typing import TYPE_CHECKING

import numpy as np

from dse.search.process import Covariance, term

if TYPE_CHECKING:
    from dse.search.features import Features, Floats, Places

USUAL = 2.0
"""Logit of what to expect before anything is measured: seven of eight run."""
TERMS = (
    term("all", 0.7),
    term("runtime * precision", 3.0),
    term("runtime * precision * family", 1.0),
    term("file", 1.0),
    term("many * runtime * precision", 1.0),
    term("many * family", 2.5),
    term("many * model", 1.0),
    term("many * file", 1.5),
    term("near layout * runtime", 0.4),
    term("whole", 0.3),
)
"""What fails is a runtime with a precision, a file, or batches of one; seldom a single point."""
MOST_STEPS = 30


class Chances:
    """A logistic Gaussian process with Laplace's approximation.

    After Rasmussen and Williams (2006), algorithms 3.1 and 3.2; the average over the uncertainty
    of the logit is MacKay's (1992).

    Args:
        features: of all configurations.
    """

    def __init__(self, features: Features) -> None:
        self._covariance = Covariance(features, TERMS)
        self._variances = np.array([each.deviation**2 for each in TERMS])
        self._places: Places = np.zeros(0, dtype=np.intp)
        self._slope: Floats = np.zeros(0)
        self._inverse: Floats = np.zeros((0, 0))

    def learn(self, places: Places, ran: Floats) -> None:
        """Takes in all outcomes, in place of what it was told before.

        Args:
            places: of the configurations, each once.
            ran: 1 for what ran, 0 for what failed.
        """
        self._places = places
        if not len(places):
            return
        matrix = self._sum(places, places)
        logits: Floats = np.full(len(places), USUAL)
        for _ in range(MOST_STEPS):
            chance = 1 / (1 + np.exp(-logits))
            weights = np.maximum(chance * (1 - chance), 1e-6)
            root = np.sqrt(weights)
            inner = np.eye(len(places)) + root[:, None] * matrix * root
            target = weights * (logits - USUAL) + ran - chance
            back = root * np.linalg.solve(inner, root * (matrix @ target))
            before, logits = logits, np.asarray(USUAL + matrix @ (target - back))
            if np.abs(logits - before).max() < 1e-3:
                break
        chance = 1 / (1 + np.exp(-logits))
        self._slope = ran - chance
        weights = np.maximum(chance * (1 - chance), 1e-6)
        self._inverse = np.linalg.inv(matrix + np.diag(1 / weights))

    def predict(self, places: Places) -> Floats:
        """The probability to run, of some configurations."""
        own = self._covariance.diagonal(places, self._variances)
        mean = np.full(len(places), USUAL)
        if len(self._places):
            cross = self._sum(places, self._places)
            mean = mean + cross @ self._slope
            own = own - np.einsum("ij,ij->i", cross @ self._inverse, cross)
        spread = np.sqrt(1 + pi * np.maximum(own, 0.0) / 8)
        return np.asarray(1 / (1 + np.exp(-mean / spread)))

    def _sum(self, rows: Places, columns: Places) -> Floats:
        found = np.zeros((len(rows), len(columns)))
        for part, variance in zip(
            self._covariance.parts(rows, columns), self._variances, strict=True
        ):
            found += variance * part
        return found
