"""What is known of an image classifier by its name, before anything is measured."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from dse.tasks.image_classification.models.catalogue import CATALOGUE
from dse.tasks.image_classification.models.graph import Scale, cost
from dse.tasks.prior import ModelPrior, Priors, contained

if TYPE_CHECKING:
    from dse.tasks.image_classification.models.catalogue import Variant

TYPICAL_LOG_MACS = 19.0
"""The logarithm of a mobile network's multiply-accumulates: e^19 are 180 million."""
TYPICAL_ACCURACY_PERCENT = 69.0
ACCURACY_PER_LOG_MACS = 6.0
ACCURACY_LOST = {"int8": 2.0}
_SIZED = re.compile(r"(mobilenet-v[12])-(\d\.\d+)-(\d+)(?!\d)")
"""A family, the width and the resolution."""
MAX_WIDTH, MIN_RESOLUTION, MAX_RESOLUTION = 2.0, 32, 512
"""Sizes beyond these are not taken for such."""


@cache
def priors() -> Priors:
    """What is known of image classifiers; the typical ones are the catalogue's mobile networks."""
    costs = tuple(cost(one.graph()) for one in CATALOGUE.values() if one.family != "resnet")
    return Priors(
        of=model_prior,
        typical_log_macs=TYPICAL_LOG_MACS,
        typical_quality=TYPICAL_ACCURACY_PERCENT,
        quality_per_log_macs=ACCURACY_PER_LOG_MACS,
        quality_lost=ACCURACY_LOST,
        typical_costs=costs,
        architectures=tuple(one for one in map(model_prior, CATALOGUE) if one is not None),
    )


@cache
def model_prior(model: str) -> ModelPrior | None:
    """The prior of a model; None where its name tells no known architecture.

    MobileNet V3 without squeeze-and-excite and hard swish, called minimalistic, is a family of its
    own.

    A name that is not the catalogue's may contain one, or tell a size that the catalogue lacks.
    """
    name = contained(model, CATALOGUE)
    variant = CATALOGUE[name] if name is not None else _sized(model)
    if variant is None:
        return None
    graph = variant.graph()
    plain = variant.flavour.partition("-")[2]
    return ModelPrior(
        family=f"{variant.family}-{plain}" if plain else variant.family,
        log_input=2 * math.log(variant.resolution),
        gated=any(isinstance(layer, Scale) for layer in graph.layers),
        published={precision: figure.value for precision, figure in variant.published.items()},
        cost=cost(graph),
    )


def _sized(model: str) -> Variant | None:
    """A variant of another width or resolution than the catalogue's, without published figures."""
    found = _SIZED.search(model)
    if found is None:
        return None
    family, width, resolution = found[1], float(found[2]), int(found[3])
    if not (0 < width <= MAX_WIDTH and MIN_RESOLUTION <= resolution <= MAX_RESOLUTION):
        return None
    alike = next(one for one in CATALOGUE.values() if one.family == family)
    return replace(alike, name=found[0], width=width, resolution=resolution, published={})
