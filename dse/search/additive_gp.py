"""A Gaussian process whose covariance is a sum of terms, each with a variance of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dse.search.kernels import COORDINATES, KERNELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dse.search.features import Features, Floats, Places

FREE_LOG_VARIANCE_SD = 0.5
"""Standard deviation of the logarithm of a term's deviation, before anything is measured."""
FIXED = 1e-4
"""That of a term whose deviation is not to be estimated."""
MAX_LOG_VARIANCE_STEP = 1.5
"""In the logarithm of a variance."""
MAX_LOG_VARIANCE_RATIO = 10.0
"""Logarithm of how much larger or smaller a variance may get than expected."""
MAX_DEVIATIONS = 30.0
"""A value that is further than so many standard deviations from what is expected counts as that."""
SETTLED = 0.02
"""A step no longer than this ends the fit."""
JITTER = 1e-6
"""Of the variances, for the sake of numbers: what was measured is taken for exact."""


@dataclass(frozen=True, slots=True)
class Term:
    """A part of a quantity that configurations share as far as they are alike.

    Attributes:
        respects: names in `KERNELS`; the likeness is the product of them.
        deviation: the standard deviation to expect, in the quantity's unit.
        fixed: whether the deviation is not to be estimated.
    """

    respects: tuple[str, ...]
    deviation: float
    fixed: bool = False


def term(respects: str, deviation: float, *, fixed: bool = False) -> Term:
    """A term whose respects are written in one line, with ``*`` between them."""
    return Term(tuple(name.strip() for name in respects.split("*")), deviation, fixed)


class Covariance:
    """The likenesses of configurations, term by term.

    Args:
        features: of all configurations.
        terms: what the covariance is the sum of.
    """

    def __init__(self, features: Features, terms: Sequence[Term]) -> None:
        self._features = features
        self._terms = tuple(terms)

    def parts(self, rows: Places, columns: Places) -> list[Floats]:
        """The likeness by each term; matrices of shape (rows, columns)."""
        known: dict[str, Floats] = {}
        for each in self._terms:
            for name in each.respects:
                if name not in known:
                    known[name] = KERNELS[name](self._features, rows, columns)
        found = []
        for each in self._terms:
            part = known[each.respects[0]]
            for name in each.respects[1:]:
                part = part * known[name]
            found.append(part)
        return found

    def sum(self, rows: Places, columns: Places, variances: Floats) -> Floats:
        """The covariance; shape (rows, columns)."""
        found = np.zeros((len(rows), len(columns)))
        for part, variance in zip(self.parts(rows, columns), variances, strict=True):
            found += variance * part
        return found

    def diagonal(self, rows: Places, variances: Floats) -> Floats:
        """The variance of each row."""
        found = np.zeros(len(rows))
        names = {name for each in self._terms for name in each.respects} & COORDINATES.keys()
        lengths = {
            name: (COORDINATES[name](self._features)[rows] ** 2).sum(axis=1) for name in names
        }
        for each, variance in zip(self._terms, variances, strict=True):
            part = np.full(len(rows), variance)
            for name in each.respects:
                if name in lengths:
                    part = part * lengths[name]
            found += part
        return found


@dataclass(frozen=True, slots=True)
class _Solved:
    """What follows from variances and observations."""

    objective: float
    inverse: Floats
    weights: Floats


class AdditiveGP:
    """Learns a quantity from some configurations and tells it of others.

    Args:
        features: of all configurations.
        terms: what the quantity's deviations from `expected` are made of.
        expected: what to expect of each configuration before anything is measured.
        common: standard deviation of what the logarithms of all terms' deviations have in common.
    """

    def __init__(
        self, features: Features, terms: Sequence[Term], expected: Floats, common: float
    ) -> None:
        self._covariance = Covariance(features, terms)
        self._expected = expected
        self._prior = np.array([2 * np.log(each.deviation) for each in terms])
        free = np.array([not each.fixed for each in terms], dtype=np.float64)
        spread = np.diag((2 * np.where(free > 0, FREE_LOG_VARIANCE_SD, FIXED)) ** 2)
        self._tie = np.linalg.inv(spread + (2 * common) ** 2 * np.outer(free, free))
        self._logs = self._prior.copy()
        self._places: Places = np.zeros(0, dtype=np.intp)
        self._parts: Floats = np.zeros((len(terms), 0, 0))
        self._residuals: Floats = np.zeros(0)
        self._solved: _Solved | None = None

    @property
    def deviations(self) -> Floats:
        """The standard deviation of each term, as estimated by now."""
        return np.asarray(np.exp(self._logs / 2))

    def observe(self, places: Places, values: Floats, steps: int) -> None:
        """Takes in all that was measured, in place of what it was told before.

        Args:
            places: of the configurations, each once.
            values: of the quantity there.
            steps: how many the estimate of the variances may take.
        """
        self._places = places
        most = np.sqrt(self._covariance.diagonal(places, np.exp(self._prior)))
        most *= MAX_DEVIATIONS
        self._residuals = np.clip(values - self._expected[places], -most, most)
        self._parts = np.array(self._covariance.parts(places, places))
        self._fit(steps)

    def _fit(self, steps: int) -> None:
        """Ascends the marginal likelihood times the prior of the variances.

        The curvature is the average information (Gilmour, Thompson, Cullis 1995), which takes
        no more than matrix by vector products.
        """
        if not len(self._places):
            self._solved = None
            return
        solved = self._solve(self._logs)
        for _ in range(steps):
            step = self._step(solved)
            while np.abs(step).max() > SETTLED:
                further = self._solve(self._logs + step)
                if further.objective > solved.objective:
                    break
                step = step / 3
            else:
                break
            self._logs, solved = self._logs + step, further
        self._solved = solved

    def _step(self, solved: _Solved) -> Floats:
        variances = np.exp(self._logs)
        traces = np.einsum("tij,ij->t", self._parts, solved.inverse)
        pushes = self._parts @ solved.weights * variances[:, None]
        gradient = 0.5 * (pushes @ solved.weights - variances * traces)
        gradient -= self._tie @ (self._logs - self._prior)
        information = 0.5 * pushes @ solved.inverse @ pushes.T + self._tie
        step = np.linalg.solve(information, gradient)
        step *= min(1.0, MAX_LOG_VARIANCE_STEP / max(np.abs(step).max(), 1e-12))
        within = np.clip(
            self._logs + step,
            self._prior - MAX_LOG_VARIANCE_RATIO,
            self._prior + MAX_LOG_VARIANCE_RATIO,
        )
        return np.asarray(within - self._logs)

    def _solve(self, logs: Floats) -> _Solved:
        matrix = np.einsum("t,tij->ij", np.exp(logs), self._parts)
        matrix[np.diag_indices_from(matrix)] *= 1 + JITTER
        factor = np.linalg.cholesky(matrix)
        half = np.linalg.inv(factor)
        inverse = half.T @ half
        weights = inverse @ self._residuals
        likelihood = -0.5 * self._residuals @ weights - np.log(np.diag(factor)).sum()
        prior = -0.5 * (logs - self._prior) @ self._tie @ (logs - self._prior)
        return _Solved(float(likelihood + prior), inverse, weights)

    def predict(self, places: Places) -> tuple[Floats, Floats]:
        """Mean and variance of the quantity at some configurations, what is their own included."""
        variances = np.exp(self._logs)
        own = self._covariance.diagonal(places, variances)
        mean = self._expected[places]
        if self._solved is None:
            return mean, own
        cross = self._covariance.sum(places, self._places, variances)
        mean = mean + cross @ self._solved.weights
        explained = np.einsum("ij,ij->i", cross @ self._solved.inverse, cross)
        return mean, np.maximum(own - explained, 0.0)

    def covariance(self, places: Places) -> Floats:
        """The joint covariance of the quantity at some configurations."""
        variances = np.exp(self._logs)
        prior = self._covariance.sum(places, places, variances)
        if self._solved is None:
            return prior
        cross = self._covariance.sum(places, self._places, variances)
        return np.asarray(prior - cross @ self._solved.inverse @ cross.T)
