"""What is known of an encoder by its name, before anything is measured."""

from __future__ import annotations

import math
from functools import cache

from dse.core.inference_cost import InferenceCost, ModelCounts
from dse.tasks.prior import ModelPrior, Priors, contained
from dse.tasks.question_answering._architectures import ENCODERS, Encoder
from dse.tasks.question_answering._form import VOCABULARY_SIZE

TYPICAL_F1_PERCENT = 88.0
F1_PER_LOG_MACS = 2.0
"""A doubling of the multiply-accumulates gains 1.5 points between TinyBERT-4 and BERT-large, whose
published figures are 82.1 and 90.9."""
F1_LOST = {"int8": 0.5}
"""oBERT's encoders lose 0.4 to 0.9 points, MLPerf's BERT-large 0.8, and MobileBERT 0.1."""
_DENSE = {name: one for name, one in ENCODERS.items() if not one.pruning.percent}


@cache
def priors() -> Priors:
    """What is known of encoders; the typical ones are the dense builtin models."""
    costs = tuple(map(cost, _DENSE.values()))
    return Priors(
        of=model_prior,
        typical_log_macs=sum(math.log(one.macs) for one in costs) / len(costs),
        typical_quality=TYPICAL_F1_PERCENT,
        quality_per_log_macs=F1_PER_LOG_MACS,
        quality_lost=F1_LOST,
        typical_costs=costs,
        architectures=tuple(one for one in map(model_prior, ENCODERS) if one is not None),
    )


@cache
def model_prior(model: str) -> ModelPrior | None:
    """The prior of a model; None where its name tells no known architecture.

    A name that is not a builtin model's may contain one; what is published stands for that alone.
    """
    name = contained(model, ENCODERS)
    if name is None:
        return None
    encoder = ENCODERS[name]
    published = encoder.published if name == model else {}
    return ModelPrior(
        family=name.partition("-")[0],
        log_input=math.log(encoder.sequence_length),
        gated=False,
        published={precision: figure.value for precision, figure in published.items()},
        cost=cost(encoder),
        zeros=encoder.pruning.percent / 100,
    )


@cache
def cost(encoder: Encoder) -> InferenceCost:
    """What a sample takes, whether weights are zero or not: not every runtime skips zeros."""
    width, length, inner = encoder.width, encoder.sequence_length, encoder.inner
    inside, networks, layers, embedding = width, 1, 6, width
    around = joined = 0
    if encoder.bottleneck is not None:
        inside, networks = encoder.bottleneck.width, encoder.bottleneck.stacked
        embedding, layers = encoder.bottleneck.embedding, 9 + 2 * networks - 2
        # Two layers narrow the tokens, the value is of the wide ones, and one layer widens them.
        around = 4 * width * inside - inside**2
        joined = 3 * embedding * width
    linear = 4 * inside**2 + 2 * networks * inside * inner + around
    attention = 2 * length * inside
    weights = encoder.layers * linear + joined + 2 * width
    tables = (VOCABULARY_SIZE * embedding) + (length + 2) * width
    return InferenceCost(
        pointwise_macs=0,
        depthwise_macs=0,
        spatial_macs=0,
        dense_macs=length * weights,
        attention_macs=length * encoder.layers * attention,
        parameters=weights + tables,
        values=length * encoder.layers * (layers * inside + networks * inner + length),
        layers=encoder.layers * (layers + 2),
    )


@cache
def counts(name: str) -> ModelCounts:
    """What is counted in the file of a builtin encoder in fp32."""
    encoder = ENCODERS[name]
    needed = cost(encoder)
    return ModelCounts(
        cost=needed,
        points=encoder.sequence_length,
        weight_bytes=4 * needed.parameters,
        zeros=encoder.pruning.percent / 100,
        sums=True,
    )
