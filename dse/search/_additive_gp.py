"""A Gaussian process whose covariance is a sum of terms, each with a variance of its own.

Notation, with names in the code:

    n, m          numbers of observed configurations and of configurations to predict
    T             number of terms; a term is shared by configurations as far as they are similar
    y             values of a target, shape (n,): `values`
    mu            prior mean of every configuration: `_expected`
    K_t           similarity by term t, shape (n, n): `_parts[t]`, from `Covariance.by_term`
    v_t           variance of term t; `_log_variances` has log v, shape (T,)
    K             sum of v_t K_t over t, its diagonal times 1 + `JITTER`
    r = y - mu    residuals, clipped to `MAX_DEVIATIONS` prior standard deviations: `_residuals`
    a = K^-1 r    `_Solution.weights`
    P             precision of the prior of log v, shape (T, T): `_prior_precision`

Model: r ~ N(0, K), so values are taken as exact. log v ~ N(log v0, P^-1), where v0 are the given
variances and P^-1 = diag(4 d_t^2) + 4 c^2 q q'. For a free term d_t is `FREE_LOG_DEVIATION_SD` and
q_t is 1, for a fixed one d_t is `FIXED_LOG_DEVIATION_SD` and q_t is 0, and c is `common`: the
deviations of all free terms may be larger or smaller together.

Estimate of log v: the maximum of log N(r; 0, K) + log N(log v; log v0, P^-1), by steps of average
information (Gilmour, Thompson and Cullis, Biometrics 51 (1995), 1440-1450), which need only
products of matrices with vectors:

    gradient_t     = v_t / 2 (a' K_t a - tr(K^-1 K_t)) - [P (log v - log v0)]_t
    information_tu = v_t v_u / 2 a' K_t K^-1 K_u a + P_tu

Prediction, where K* has shape (m, n) and K** shape (m, m): mean mu* + K* a, covariance
K** - K* K^-1 K*'.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dse.search._kernels import COORDINATES, KERNELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dse.search._features import Features, Floats, Indices

FREE_LOG_DEVIATION_SD = 0.5
"""Prior standard deviation of the logarithm of a free term's standard deviation, if not given."""
FIXED_LOG_DEVIATION_SD = 1e-4
"""Prior standard deviation of the logarithm of a fixed term's standard deviation."""
MAX_LOG_VARIANCE_STEP = 1.5
"""Largest step of the logarithm of a variance."""
MAX_LOG_VARIANCE_RATIO = 10.0
"""Largest distance of the logarithm of a variance from its prior."""
MAX_DEVIATIONS = 30.0
"""Largest distance of a value from its prior mean, in prior standard deviations; clips others."""
MIN_LOG_VARIANCE_STEP = 0.02
"""Largest step of the logarithms of the variances that ends the fit."""
JITTER = 1e-6
"""Relative addition to the variances, for numerical stability: values are taken as exact."""


@dataclass(frozen=True, slots=True)
class Term:
    """A part of a target that configurations share as far as they are similar.

    Attributes:
        respects: names in `KERNELS`; the similarity is the product of these kernels.
        deviation: prior standard deviation, in the unit of the target.
        fixed: whether the deviation is given and not estimated.
        spread: prior standard deviation of the logarithm of an estimated deviation.
    """

    respects: tuple[str, ...]
    deviation: float
    fixed: bool = False
    spread: float = FREE_LOG_DEVIATION_SD


def parse_term(
    respects: str,
    deviation: float,
    *,
    fixed: bool = False,
    spread: float = FREE_LOG_DEVIATION_SD,
) -> Term:
    """Makes a term from the names of its kernels, separated by ``*``."""
    return Term(tuple(name.strip() for name in respects.split("*")), deviation, fixed, spread)


def _vanishes(term: Term, features: Features) -> bool:
    """Whether nothing shares a term: it would only take time."""
    return any(
        not COORDINATES[name](features).any() for name in term.respects if name in COORDINATES
    )


class Covariance:
    """The covariance of configurations, as a sum of terms.

    Args:
        features: features of all configurations.
        terms: the terms.
    """

    def __init__(self, features: Features, terms: Sequence[Term]) -> None:
        self._features = features
        self._terms = tuple(terms)

    def by_term(self, rows: Indices, columns: Indices) -> list[Floats]:
        """The similarity by each term; matrices of shape (rows, columns)."""
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

    def sum(self, rows: Indices, columns: Indices, variances: Floats) -> Floats:
        """The covariance; shape (rows, columns)."""
        found = np.zeros((len(rows), len(columns)))
        for part, variance in zip(self.by_term(rows, columns), variances, strict=True):
            found += variance * part
        return found

    def diagonal(self, rows: Indices, variances: Floats) -> Floats:
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
class _Solution:
    """The log posterior of the variances, K^-1 and K^-1 r (see the notation)."""

    objective: float
    inverse: Floats
    weights: Floats


class AdditiveGP:
    """Learns a target from some configurations and predicts it for others.

    Args:
        features: features of all configurations.
        terms: the terms of the target's deviation from ``expected``.
        expected: prior mean of each configuration.
        common: standard deviation of the part that the logarithms of all free terms' deviations
            have in common.
    """

    def __init__(
        self, features: Features, terms: Sequence[Term], expected: Floats, common: float
    ) -> None:
        terms = [each for each in terms if not _vanishes(each, features)]
        self._covariance = Covariance(features, terms)
        self._expected = expected
        self._prior_log_variances = np.array([2 * np.log(each.deviation) for each in terms])
        free = np.array([not each.fixed for each in terms], dtype=np.float64)
        spreads = [FIXED_LOG_DEVIATION_SD if each.fixed else each.spread for each in terms]
        spread = np.diag((2 * np.array(spreads)) ** 2)
        self._prior_precision = np.linalg.inv(spread + (2 * common) ** 2 * np.outer(free, free))
        self._log_variances = self._prior_log_variances.copy()
        self._indices: Indices = np.zeros(0, dtype=np.intp)
        self._parts: Floats = np.zeros((len(terms), 0, 0))
        self._residuals: Floats = np.zeros(0)
        self._solution: _Solution | None = None

    @property
    def deviations(self) -> Floats:
        """The present estimate of each term's standard deviation."""
        return np.asarray(np.exp(self._log_variances / 2))

    @property
    def evidence(self) -> float:
        """The log posterior of the variances, up to a constant; 0 without observations."""
        return self._solution.objective if self._solution else 0.0

    def observe(self, indices: Indices, values: Floats, steps: int) -> None:
        """Replaces the observations, and estimates the variances in ``steps``; 0 keeps them."""
        self._indices = indices
        most = np.sqrt(self._covariance.diagonal(indices, np.exp(self._prior_log_variances)))
        most *= MAX_DEVIATIONS
        self._residuals = np.clip(values - self._expected[indices], -most, most)
        self._parts = np.array(self._covariance.by_term(indices, indices))
        self._fit(steps)

    def _fit(self, steps: int) -> None:
        """Maximises the marginal likelihood times the prior of the variances (see the notation)."""
        if not len(self._indices):
            self._solution = None
            return
        solved = self._solve(self._log_variances)
        for _ in range(steps):
            step = self._next_step(solved)
            while np.abs(step).max() > MIN_LOG_VARIANCE_STEP:
                further = self._solve(self._log_variances + step)
                if further.objective > solved.objective:
                    break
                step = step / 3
            else:
                break
            self._log_variances, solved = self._log_variances + step, further
        self._solution = solved

    def _next_step(self, solved: _Solution) -> Floats:
        variances = np.exp(self._log_variances)
        traces = np.einsum("tij,ij->t", self._parts, solved.inverse)
        pushes = self._parts @ solved.weights * variances[:, None]
        gradient = 0.5 * (pushes @ solved.weights - variances * traces)
        gradient -= self._prior_precision @ (self._log_variances - self._prior_log_variances)
        information = 0.5 * pushes @ solved.inverse @ pushes.T + self._prior_precision
        step = np.linalg.solve(information, gradient)
        step *= min(1.0, MAX_LOG_VARIANCE_STEP / max(np.abs(step).max(), 1e-12))
        within = np.clip(
            self._log_variances + step,
            self._prior_log_variances - MAX_LOG_VARIANCE_RATIO,
            self._prior_log_variances + MAX_LOG_VARIANCE_RATIO,
        )
        return np.asarray(within - self._log_variances)

    def _solve(self, logs: Floats) -> _Solution:
        matrix = np.einsum("t,tij->ij", np.exp(logs), self._parts)
        matrix[np.diag_indices_from(matrix)] *= 1 + JITTER
        factor = np.linalg.cholesky(matrix)
        half = np.linalg.inv(factor)
        inverse = half.T @ half
        weights = inverse @ self._residuals
        likelihood = -0.5 * self._residuals @ weights - np.log(np.diag(factor)).sum()
        prior = (
            -0.5
            * (logs - self._prior_log_variances)
            @ self._prior_precision
            @ (logs - self._prior_log_variances)
        )
        return _Solution(float(likelihood + prior), inverse, weights)

    def predict(self, indices: Indices) -> tuple[Floats, Floats]:
        """Mean and variance of the target for some configurations; both of shape (m,)."""
        variances = np.exp(self._log_variances)
        own = self._covariance.diagonal(indices, variances)
        mean = self._expected[indices]
        if self._solution is None:
            return mean, own
        cross = self._covariance.sum(indices, self._indices, variances)
        mean = mean + cross @ self._solution.weights
        explained = np.einsum("ij,ij->i", cross @ self._solution.inverse, cross)
        return mean, np.maximum(own - explained, 0.0)

    def covariance(self, indices: Indices) -> Floats:
        """The posterior covariance of the target for some configurations; shape (m, m)."""
        variances = np.exp(self._log_variances)
        prior = self._covariance.sum(indices, indices, variances)
        if self._solution is None:
            return prior
        cross = self._covariance.sum(indices, self._indices, variances)
        return np.asarray(prior - cross @ self._solution.inverse @ cross.T)
