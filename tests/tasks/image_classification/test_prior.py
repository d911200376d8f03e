"""What a model's name tells."""

from __future__ import annotations

import math

import pytest

from dse.tasks.image_classification._prior import model_prior, priors
from dse.tasks.image_classification.models.catalogue import CATALOGUE
from dse.tasks.image_classification.models.graph import cost


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_architecture_of_the_catalogue_is_known(name: str) -> None:
    found = model_prior(name)
    assert found is not None
    assert found.log_macs == math.log(cost(CATALOGUE[name].graph()).macs)
    assert 0 <= found.depthwise < 0.5
    assert set(found.published) == set(CATALOGUE[name].published)


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("tf2-mobilenet-v2-1.0-224", "mobilenet-v2-1.0-224"),
        ("efficientnet-lite3-tuned", "efficientnet-lite3"),
        ("mobilenet-v3-large-minimalistic_224", "mobilenet-v3-large-minimalistic"),
        ("our-resnet50-v1.5-pruned", "resnet50-v1.5"),
    ],
)
def test_a_name_may_contain_one_of_the_catalogue(name: str, same: str) -> None:
    assert model_prior(name) == model_prior(same)


@pytest.mark.parametrize(
    ("name", "smaller", "larger"),
    [
        ("mobilenet-v2-0.5-96", "mobilenet-v2-0.35-128", "mobilenet-v2-0.5-128"),
        ("our-mobilenet-v2-1.4-224-x", "mobilenet-v2-1.0-224", "efficientnet-lite2"),
    ],
)
def test_a_name_may_tell_a_size_that_the_catalogue_lacks(
    name: str, smaller: str, larger: str
) -> None:
    found, lower, upper = map(model_prior, (name, smaller, larger))
    assert found is not None
    assert lower is not None
    assert upper is not None
    assert (found.family, found.published) == ("mobilenet-v2", {})
    assert lower.cost.parameters < found.cost.parameters
    assert found.log_macs < upper.log_macs


def test_resnet50_is_a_family_of_its_own_without_depthwise_convolutions() -> None:
    found = model_prior("resnet50-v1.5")
    assert found is not None
    assert (found.family, found.depthwise, found.gated) == ("resnet", 0, False)
    assert found.published == {"fp32": 76.456, "int8": 75.79}
    assert priors().typical_log_macs + 3 < found.log_macs


def test_plain_operators_are_another_family() -> None:
    large, plain = model_prior("mobilenet-v3-large"), model_prior("mobilenet-v3-large-minimalistic")
    assert large is not None
    assert plain is not None
    assert large.family != plain.family


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a",
        "resnet50-v2",
        "mobilenet-v1-0.5-9",
        "mobilenet-v1-1.0-2240",
        "mobilenet-v2-9.0-224",
        "mobilenet-v2-0.0-224",
        "mobilenet_v1_1.0_224",
    ],
)
def test_names_that_tell_nothing(name: str) -> None:
    assert model_prior(name) is None
