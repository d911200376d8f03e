"""Laws of the Gaussian process, and whether its intervals hold what they promise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dse.search._additive_gp import AdditiveGP, Covariance, Term, parse_term
from dse.search._features import Features, compute_features
from dse.search._kernels import KERNELS
from dse.search._targets import BATCHING_TERMS, SPEED_TERMS
from tests.search.spaces import MODELS, PRIORS, configurations

EVERY = configurations((*MODELS, "mobilenet-v3-large"))
FEATURES = replace(
    compute_features(EVERY, PRIORS),
    borrowed=np.random.default_rng(1).standard_normal((len(EVERY), 3)),
)
ALL_UNKNOWN = replace(FEATURES, unknown=np.ones(len(EVERY)))
PLACES = np.arange(len(EVERY))


def features_for(kernel: str) -> Features:
    """Features with which a kernel is not zero."""
    return ALL_UNKNOWN if kernel == "all unknown" else FEATURES


@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_is_positive_semidefinite_and_symmetric(name: str) -> None:
    matrix = KERNELS[name](features_for(name), PLACES, PLACES)
    assert matrix == pytest.approx(matrix.T)
    assert np.linalg.eigvalsh(matrix).min() > -1e-8 * len(matrix) * np.abs(matrix).max()


@pytest.mark.parametrize("name", KERNELS)
def test_the_variances_are_the_diagonal(name: str) -> None:
    covariance = Covariance(features_for(name), [parse_term(f"{name} * runtime", 1.0)])
    variances = np.array([2.0])
    whole = covariance.sum(PLACES, PLACES, variances)
    assert covariance.diagonal(PLACES, variances) == pytest.approx(np.diag(whole))


def drawn(seed: int, terms: tuple[Term, ...]) -> np.ndarray:
    """A quantity that is just what the terms say."""
    rng = np.random.default_rng(seed)
    variances = np.array([each.deviation**2 for each in terms])
    matrix = Covariance(FEATURES, terms).sum(PLACES, PLACES, variances)
    return np.linalg.cholesky(matrix + 1e-9 * np.eye(len(matrix))) @ rng.standard_normal(len(EVERY))


@pytest.mark.parametrize("count", [5, 20, 60])
def test_intervals_hold_what_they_promise(count: int) -> None:
    """Nominal 90 % intervals, over many draws: what is estimated from few is not too sure."""
    inside, total = 0, 0
    for seed in range(25):
        truth = drawn(seed, SPEED_TERMS[:1] + SPEED_TERMS[-6:])
        process = AdditiveGP(
            FEATURES, SPEED_TERMS[:1] + SPEED_TERMS[-6:], np.zeros(len(EVERY)), 0.3
        )
        order = np.random.default_rng(seed).permutation(len(EVERY))
        seen, unseen = order[:count], order[count:]
        # The values of one group are one value: take each group once.
        _, first = np.unique(FEATURES.codes["single"][seen], return_index=True)
        process.observe(seen[first], truth[seen[first]], steps=12)
        mean, variance = process.predict(unseen)
        inside += int((np.abs(truth[unseen] - mean) <= 1.645 * np.sqrt(variance) + 1e-3).sum())
        total += len(unseen)
    assert 0.85 < inside / total < 0.98


def test_what_was_measured_is_known() -> None:
    process = AdditiveGP(FEATURES, BATCHING_TERMS, np.zeros(len(EVERY)), 0.3)
    truth = drawn(0, BATCHING_TERMS)
    process.observe(PLACES[:40], truth[:40], steps=12)
    mean, variance = process.predict(PLACES[:40])
    assert mean == pytest.approx(truth[:40], abs=2e-3)
    assert (np.sqrt(variance) < 0.01).all()


def test_deviations_are_estimated() -> None:
    """Ten times as much in all terms, and a hundredth: both are noticed."""
    terms = (parse_term("model", 0.1), parse_term("whole", 0.1))
    for factor in (10.0, 0.01):
        process = AdditiveGP(FEATURES, terms, np.zeros(len(EVERY)), 1.5)
        process.observe(PLACES, factor * drawn(0, terms), steps=30)
        assert process.deviations == pytest.approx([0.1 * factor, 0.1 * factor], rel=0.5)


@pytest.mark.parametrize("values", [[0.0] * 6, [7.0] * 6, [1e6, -1e6, 0.0, 1e6, 1e-9, 5.0]])
def test_odd_values_do_no_harm(values: list[float]) -> None:
    process = AdditiveGP(FEATURES, SPEED_TERMS, np.zeros(len(EVERY)), 0.3)
    process.observe(PLACES[: len(values)] * 2, np.array(values), steps=12)
    mean, variance = process.predict(PLACES)
    assert np.isfinite(mean).all()
    assert np.isfinite(variance).all()
    assert (variance >= 0).all()


def test_one_value_and_none() -> None:
    process = AdditiveGP(FEATURES, SPEED_TERMS, np.full(len(EVERY), 3.0), 0.3)
    mean, variance = process.predict(PLACES)
    assert (mean == 3).all()
    process.observe(PLACES[:1], np.array([5.0]), steps=12)
    after, less = process.predict(PLACES)
    assert (after > mean).all()  # all share the first term
    assert (less < variance).all()


def test_the_joint_covariance_agrees_with_the_variances() -> None:
    process = AdditiveGP(FEATURES, SPEED_TERMS, np.zeros(len(EVERY)), 0.3)
    process.observe(PLACES[:20:2], drawn(3, SPEED_TERMS)[:20:2], steps=12)
    _, variance = process.predict(PLACES[20:50])
    assert np.diag(process.covariance(PLACES[20:50])) == pytest.approx(variance, abs=1e-6)
