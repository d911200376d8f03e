"""What models are expected to take before anything is measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from dse.search._cost_prior import CostPrior
from dse.search._cost_prior import cost_prior as cost_prior_of
from dse.tasks.image_classification.models.catalogue import CATALOGUE
from dse.tasks.prior import NO_PRIORS
from dse.tasks.question_answering._prior import priors as encoder_priors
from tests.search.spaces import PRIORS

if TYPE_CHECKING:
    from collections.abc import Sequence

NAMES = [name for name, known in CATALOGUE.items() if known.family != "resnet"]


def cost_prior(pairs: Sequence[tuple[str, str]]) -> CostPrior:
    return cost_prior_of(pairs, PRIORS)


def mean(model: str, precision: str = "fp32") -> float:
    return float(cost_prior([(model, precision)]).means[0])


@pytest.mark.parametrize("precision", ["fp32", "int8"])
@pytest.mark.parametrize("family", ["mobilenet-v1", "mobilenet-v2"])
def test_more_pixels_and_more_channels_take_longer(family: str, precision: str) -> None:
    widths = sorted({v.width for v in CATALOGUE.values() if v.family == family})
    for width in widths:
        found = [mean(f"{family}-{width}-{size}", precision) for size in (128, 160, 192, 224)]
        assert found == sorted(found)
    for size in (128, 224):
        found = [mean(f"{family}-{width}-{size}", precision) for width in widths]
        assert found == sorted(found)


def test_the_mobile_networks_are_typical() -> None:
    assert cost_prior([(name, "fp32") for name in NAMES]).means.mean() == pytest.approx(0, abs=1e-9)


def test_resnet50_takes_longest() -> None:
    assert mean("resnet50-v1.5") > max(mean(name) for name in NAMES)
    assert mean("resnet50-v1.5", "int8") < mean("resnet50-v1.5")


def test_integers_gain_most_where_full_convolutions_take_most() -> None:
    def gain(model: str) -> float:
        return mean(model) - mean(model, "int8")

    assert 0 < gain("mobilenet-v1-0.25-128") < gain("mobilenet-v1-1.0-128") < np.log(4)


def test_what_slows_one_small_model_down_slows_the_other_and_no_large_one() -> None:
    names = ["mobilenet-v1-0.25-128", "mobilenet-v3-small-minimalistic", "efficientnet-lite4"]
    directions = cost_prior([(name, "fp32") for name in names]).directions
    (own, small, large), *_ = directions @ directions.T
    assert own > small > 0 > large


def test_a_name_that_tells_nothing_is_typical() -> None:
    pairs = [("somebodys-own", "fp32"), ("somebodys-own", "int8"), ("efficientnet-lite0", "fp32")]
    found = cost_prior(pairs)
    assert found.means[0] == pytest.approx(0, abs=1e-9)
    assert found.directions[0] == pytest.approx(0, abs=1e-9)
    assert -np.log(4) < found.means[1] < 0
    assert np.linalg.norm(found.directions[2]) > 0


def test_a_space_of_which_nothing_is_known() -> None:
    found = cost_prior([("a", "fp32"), ("b", "fp32")])
    assert found.directions.shape == (2, 0)


def test_rows_are_in_the_order_of_the_pairs() -> None:
    pairs = [(name, precision) for name in NAMES[:5] for precision in ("fp32", "int8")]
    found, back = cost_prior(pairs * 2), cost_prior(pairs[::-1])
    assert found.means == pytest.approx(np.tile(back.means[::-1], 2))
    covariance, other = (each.directions @ each.directions.T for each in (found, back))
    assert covariance[:10, 10:] == pytest.approx(other[::-1, ::-1])


def test_nothing_is_expected_of_a_task_without_priors() -> None:
    found = cost_prior_of([("a", "fp32"), ("mobilenet-v1-0.25-128", "int8")], NO_PRIORS)
    assert found.means.tolist() == [0, 0]
    assert found.directions.shape == (2, 0)


def test_zeros_may_save_time_or_not() -> None:
    names = ["bert-base", "bert-base-sparse95", "bert-base-sparse80"]
    known = cost_prior_of([(name, "fp32") for name in names], encoder_priors())
    dense, sparse, less = known.means
    assert sparse < less < dense
    deviations = np.sqrt((known.directions**2).sum(axis=1))
    saved = known.directions[1] - known.directions[0]
    assert np.sqrt((saved**2).sum()) > 0.5  # as unsure as that a runtime is fast or slow
    assert deviations[1] > deviations[2] > deviations[0]
