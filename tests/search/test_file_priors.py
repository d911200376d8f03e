"""What files lead to expect, whatever they are called."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.configuration import Configuration
from dse.search._features import compute_features
from dse.search.file_priors import prior_of_file
from dse.tasks import registry
from dse.tasks.image_classification.models.catalogue import CATALOGUE
from dse.tasks.image_classification.models.graph import counts
from dse.tasks.prior import NO_PRIORS
from dse.tasks.question_answering._architectures import ENCODERS
from dse.tasks.question_answering._prior import counts as encoder_counts
from tests.search.spaces import PRIORS

if TYPE_CHECKING:
    from dse.core.inference_cost import ModelCounts

NAMES = tuple(CATALOGUE)


def counted(name: str) -> ModelCounts:
    return counts(CATALOGUE[name].graph())


@pytest.mark.parametrize("name", NAMES)
def test_a_file_of_a_known_architecture_is_as_good_as_its_name(name: str) -> None:
    assert prior_of_file(counted(name), PRIORS) == PRIORS.of(name)


@pytest.mark.parametrize("name", ENCODERS)
def test_an_encoder_is_known_by_its_layers_and_its_zeros(name: str) -> None:
    priors = registry.task("question-answering").priors()
    named = priors.of(name)
    assert named is not None
    found = prior_of_file(encoder_counts(name), priors)
    # Some have the same layers and as many zeros in other places.
    assert found.cost.macs == named.cost.macs
    assert found.zeros == named.zeros


@given(st.sampled_from(NAMES), st.floats(-0.9, 0.9))
def test_a_few_classes_more_or_less_are_the_same_architecture(name: str, part: float) -> None:
    own = counted(name)
    change = round(part * 0.004 * own.cost.macs)
    cost = replace(own.cost, dense_macs=own.cost.dense_macs + change)
    assert prior_of_file(replace(own, cost=cost), PRIORS) == PRIORS.of(name)


@given(st.sampled_from(NAMES), st.sampled_from(["points", "pointwise_macs", "parameters"]))
def test_what_takes_something_else_is_another_architecture(name: str, which: str) -> None:
    own = counted(name)
    if which == "points":
        other = replace(own, points=own.points + 1)
    else:
        other = replace(own, cost=replace(own.cost, **{which: 2 * getattr(own.cost, which)}))
    found = prior_of_file(other, PRIORS)
    assert found.published == {}
    assert found.foretold is not None
    assert 0 <= found.foretold <= 100


def test_the_quality_of_a_new_architecture_is_foretold_by_the_others() -> None:
    """Each in turn is left out: the error is a third of that of a guess by size alone."""
    apart, guessed = [], []
    for name in NAMES:
        known = PRIORS.of(name)
        assert known is not None
        others = tuple(one for one in PRIORS.architectures if one.cost != known.cost)
        found = prior_of_file(counted(name), replace(PRIORS, architectures=others))
        assert found.foretold is not None
        quality = known.published["fp32"]
        apart.append((found.foretold - quality) ** 2)
        above = known.log_macs - PRIORS.typical_log_macs
        guess = PRIORS.typical_quality + PRIORS.quality_per_log_macs * above
        guessed.append((guess - quality) ** 2)
    assert sum(apart) ** 0.5 < 0.33 * sum(guessed) ** 0.5


def test_what_was_published_of_the_model_itself_goes_first() -> None:
    known = prior_of_file(counted(NAMES[0]), PRIORS, {"int8": 50.0})
    named = PRIORS.of(NAMES[0])
    assert named is not None
    assert known.published == {**named.published, "int8": 50.0}
    strange = replace(counted(NAMES[0]), points=1000)
    assert prior_of_file(strange, PRIORS, {"fp32": 50.0}).published == {"fp32": 50.0}


def test_a_task_without_known_architectures() -> None:
    found = prior_of_file(counted(NAMES[0]), NO_PRIORS)
    assert (found.foretold, found.family) == (None, "file-depthwise3")


def test_where_no_model_is_typical_those_with_files_are() -> None:
    small, large = (prior_of_file(counted(n), NO_PRIORS) for n in (NAMES[0], NAMES[-1]))
    priors = NO_PRIORS.with_models({"small": small, "large": large})
    plan = [Configuration(name, "fp32", "null", 1, 1) for name in ("small", "large", "unknown")]
    features = compute_features(plan, priors)
    assert features.log_macs.sum() == pytest.approx(0)
    assert features.log_macs[0] < features.log_macs[2] == 0
    assert features.times.means[0] < features.times.means[2] < features.times.means[1]


def test_the_search_uses_what_files_tell_and_else_names() -> None:
    strange = replace(counted("mobilenet-v2-1.0-224"), points=200**2)
    priors = PRIORS.with_models({"m001": prior_of_file(strange, PRIORS)})
    names = ("m001", "m002", "mobilenet-v2-1.0-224")
    plan = [Configuration(n, p, "null", 1, 1) for n in names for p in ("fp32", "int8")]
    features = compute_features(plan, priors)
    macs, unknown, named = features.log_macs[::2]
    assert macs == pytest.approx(named)
    assert unknown == 0
    foretold, integers = features.published[:2]
    assert foretold - integers == priors.quality_lost["int8"]
    assert abs(foretold - features.published[4]) < 3
