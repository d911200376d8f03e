"""What the name of an encoder tells."""

from __future__ import annotations

import pytest

from dse.core.configuration import Configuration
from dse.search._features import compute_features
from dse.tasks import registry
from dse.tasks.question_answering._architectures import ENCODERS
from dse.tasks.question_answering._onnx_file import write
from dse.tasks.question_answering._prior import cost, model_prior

DENSE = [name for name, one in ENCODERS.items() if not one.pruning.percent]


@pytest.mark.parametrize("name", DENSE)
def test_the_cost_is_that_of_the_file(name: str) -> None:
    found, written = cost(ENCODERS[name]), write(ENCODERS[name])
    assert found.macs == written.macs
    # Biases and norms are not counted.
    assert found.parameters == pytest.approx(written.parameters, rel=0.02)


def test_every_builtin_model_is_known() -> None:
    for name, encoder in ENCODERS.items():
        found = model_prior(name)
        assert found is not None
        assert found.zeros == encoder.pruning.percent / 100
        assert set(found.published) == set(encoder.published)


@pytest.mark.parametrize(
    ("name", "same", "zeros"),
    [
        ("minilm-l6-facts", "minilm-l6", 0.0),
        ("our-bert-base-sparse80-v2", "bert-base-sparse80", 0.8),
        ("our-mobilebert-of-today", "mobilebert", 0.0),
        ("roberta", None, 0.0),
    ],
)
def test_other_names_may_contain_one(name: str, same: str | None, zeros: float) -> None:
    found = model_prior(name)
    if same is None:
        assert found is None
        return
    expected = model_prior(same)
    assert found is not None
    assert expected is not None
    assert (found.cost, found.family, found.zeros) == (expected.cost, expected.family, zeros)
    assert not found.published


def test_models_are_alike_by_their_zeros_and_cheap_by_their_cost() -> None:
    priors = registry.task("question-answering").priors()
    names = ("bert-large", "bert-base", "bert-base-sparse90", "bert-base-sparse95", "tinybert-4")
    features = compute_features([Configuration(n, "fp32", "null", 1, 1) for n in names], priors)
    large, base, *pruned, small = features.times.means
    assert large > base > small
    assert base > pruned[0] > pruned[1]  # some runtimes skip zeros
    dense, ninety, ninety_five = features.shapes[1:4, -1]
    assert dense == 0 < ninety < ninety_five
