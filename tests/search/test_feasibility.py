"""What failures tell of other configurations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from dse.search._additive_gp import Covariance
from dse.search._feasibility import PRIOR_LOGIT, SINGLE_TERMS, FeasibilityModel, _Logistic
from dse.search._features import compute_features
from tests.search.spaces import PRIORS, configurations

if TYPE_CHECKING:
    from dse.core.configuration import Configuration

EVERY = configurations()
FEATURES = compute_features(EVERY, PRIORS)
PLACES = np.arange(len(EVERY))


def chances(**ran: bool) -> dict[Configuration, float]:
    """After some outcomes, given as ``model__precision__backend__batch``."""
    model = FeasibilityModel(FEATURES)
    names = {n.replace("-", "_").replace(".", "_"): n for n in {c.model for c in EVERY}}
    places = []
    for name in ran:
        short, precision, backend, batch = name.split("__")
        wanted = (names[short], precision, backend, 1, int(batch))
        places += [
            place
            for place, c in enumerate(EVERY)
            if (c.model, c.precision, c.backend, c.threads, c.batch_size) == wanted
        ]
    model.observe(np.array(places, dtype=np.intp), np.array([float(v) for v in ran.values()]))
    return dict(zip(EVERY, model.predict(PLACES).tolist(), strict=True))


def test_probabilities() -> None:
    for outcomes in ({}, {"efficientnet_lite0__int8__one__8": False}):
        found = np.array(list(chances(**outcomes).values()))
        assert ((found > 0) & (found < 1)).all()


def test_batches_are_never_likelier_than_single_samples() -> None:
    found = chances(efficientnet_lite0__int8__one__8=True, mobilenet_v1_0_5_160__fp32__one__1=False)
    singles = np.array([p for c, p in found.items() if c.batch_size == 1])
    batches = np.array([p for c, p in found.items() if c.batch_size == 8])
    assert (batches <= singles).all()


def test_a_precision_that_two_models_fail_in_is_avoided_on_that_backend() -> None:
    found = chances(
        efficientnet_lite0__int8__one__1=False,
        mobilenet_v1_0_5_160__int8__one__1=False,
        efficientnet_lite0__fp32__one__1=True,
        efficientnet_lite0__int8__other__1=True,
    )
    for c, chance in found.items():
        if c.batch_size == 1:
            assert (chance < 0.3) == ((c.precision, c.backend) == ("int8", "one")), c


def test_what_runs_once_clears_single_samples_of_the_blame_for_batches() -> None:
    found = chances(
        efficientnet_lite0__fp32__one__1=True,
        efficientnet_lite0__fp32__one__8=False,
        efficientnet_lite2__fp32__one__8=False,
    )
    lite2 = [c for c in EVERY if c.model == "efficientnet-lite2" and c.precision == "fp32"]
    for c in lite2:
        if c.backend == "one" and c.threads == 2:
            assert (found[c] > 0.6) == (c.batch_size == 1), c


@pytest.mark.parametrize("seed", range(20))
def test_the_estimate_is_the_most_likely_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    places = rng.permutation(PLACES)[: rng.integers(1, len(PLACES))]
    ran = (rng.random(len(places)) < rng.random()).astype(np.float64)
    single = _Logistic(FEATURES, SINGLE_TERMS)
    single.observe(places, ran)
    # At the mode, the slope of the likelihood is that of the prior.
    variances = np.array([each.deviation**2 for each in SINGLE_TERMS])
    matrix = Covariance(FEATURES, SINGLE_TERMS).sum(places, places, variances)
    logits = PRIOR_LOGIT + matrix @ (ran - single.predict(places))
    assert single.predict(places) == pytest.approx(1 / (1 + np.exp(-logits)), abs=1e-3)
