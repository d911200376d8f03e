"""The average of processes, of which one is right."""

from __future__ import annotations

import numpy as np
import pytest

from dse.search._additive_gp import AdditiveGP, parse_term
from dse.search._averaged_gp import DOUBTED, FIRST_VALUES, AveragedGP
from dse.search._features import compute_features
from tests.search.spaces import PRIORS, configurations

EVERY = configurations(backends=["one"], threads=[1], batch_sizes=[1])
FEATURES = compute_features(EVERY, PRIORS)
ALL = np.arange(len(EVERY))
RNG = np.random.default_rng(3)
MEANS = RNG.standard_normal((2, len(EVERY)))
"""What each of two processes expects."""


def process(expected: np.ndarray) -> AdditiveGP:
    terms = (parse_term("all", 0.5), parse_term("whole", 0.2))
    return AdditiveGP(FEATURES, terms, expected, 0.3)


def both() -> AveragedGP:
    return AveragedGP([process(mean) for mean in MEANS])


def test_the_first_one_is_believed_until_values_tell() -> None:
    average, alone = both(), process(MEANS[0])
    assert average.predict(ALL)[0] == pytest.approx(MEANS[0])
    few = ALL[: FIRST_VALUES - 1]
    for each in (average, alone):
        each.observe(few, MEANS[1, few], 3)
    assert average.predict(ALL)[0].tolist() == alone.predict(ALL)[0].tolist()


def test_where_they_differ_the_average_is_uncertain() -> None:
    average = both()
    average.shares = np.array([0.5, 0.5])
    mean, variance = average.predict(ALL)
    assert mean == pytest.approx(MEANS.mean(axis=0))
    _, own = process(MEANS[0]).predict(ALL)
    assert variance == pytest.approx(own + (MEANS[0] - MEANS[1]) ** 2 / 4)
    assert np.diag(average.covariance(ALL)) == pytest.approx(variance)
    assert np.linalg.eigvalsh(average.covariance(ALL)).min() > -1e-9


def test_equal_evidence_leaves_the_prior_shares() -> None:
    same = AveragedGP([process(MEANS[0]) for _ in range(3)])
    same.observe(ALL[:6], MEANS[1, :6], 3)
    assert same.shares == pytest.approx([1 - DOUBTED, DOUBTED / 2, DOUBTED / 2])


@pytest.mark.parametrize("right", [0, 1])
def test_who_foretells_the_values_is_believed(right: int) -> None:
    average = both()
    average.observe(ALL[:6], MEANS[right, :6] + 0.3, 3)
    assert average.shares[right] > 0.99
    mean, _ = average.predict(ALL[6:])
    assert mean == pytest.approx(MEANS[right, 6:] + 0.3, abs=0.1)


def test_what_is_only_believed_changes_no_shares() -> None:
    average = both()
    average.observe(ALL[:6], MEANS[0, :6], 0)
    assert average.shares.tolist() == [1.0, 0.0]


def test_the_average_of_one_is_that_one() -> None:
    alone, average = process(MEANS[0]), AveragedGP([process(MEANS[0])])
    for each in (alone, average):
        each.observe(ALL[:5], MEANS[1, :5], 12)
    assert average.predict(ALL)[0].tolist() == alone.predict(ALL)[0].tolist()
    assert average.predict(ALL)[1].tolist() == alone.predict(ALL)[1].tolist()
    assert average.covariance(ALL) == pytest.approx(alone.covariance(ALL))
