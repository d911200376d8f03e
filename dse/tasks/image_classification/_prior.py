"""What is known of an image classifier by its name, before anything is measured."""

from __future__ import annotations

import math
import re
from functools import cache
from typing import Literal, cast

from dse.tasks.image_classification.models.catalogue import CATALOGUE, V3_FLAVOURS, Variant
from dse.tasks.image_classification.models.graph import Scale, cost
from dse.tasks.image_classification.preprocessing import Preprocessing
from dse.tasks.prior import ModelPrior, Priors

_MOBILENET = re.compile(r"mobilenet-v([12])(?:-[a-z_0-9]+?)??-([01]\.\d{1,2})-(\d{2,3})(?!\d)")
_MOBILENET_V3 = re.compile(r"mobilenet-v3-(large|small)(-minimalistic)?")
_LITE = re.compile(r"efficientnet-(?:[a-z0-9]+-)?lite([0-4])")
_RESNET50 = re.compile(r"resnet-?50(?:[-_]v1(?:[._]5)?)?(?![a-z0-9.]|[-_]v\d)")
MIN_RESOLUTION, MAX_RESOLUTION = 32, 512
"""The resolutions that a name is believed to mean."""
TYPICAL_LOG_MACS = 19.0
"""The logarithm of a mobile network's multiply-accumulates: e^19 are 180 million."""
TYPICAL_ACCURACY_PERCENT = 69.0
ACCURACY_PER_LOG_MACS = 6.0
ACCURACY_LOST = {"int8": 2.0}


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
    )


@cache
def model_prior(model: str) -> ModelPrior | None:
    """The prior of a model; None where its name tells no known architecture.

    MobileNet V3 without squeeze-and-excite and hard swish, called minimalistic, is a family of its
    own.

    A name that is not the catalogue's may contain one, in the spelling of the catalogue or of the
    published results, with anything before and after it; ResNet50 must come first in its name, as
    ``wide_resnet50`` and many others are no ResNet50.
    """
    variant = CATALOGUE.get(model) or _variant(model)
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


def _variant(model: str) -> Variant | None:
    """The variant that a name means."""
    if _RESNET50.match(model):
        return CATALOGUE["resnet50-v1.5"]
    if found := _LITE.search(model):
        return CATALOGUE[f"efficientnet-lite{found[1]}"]
    if found := _MOBILENET_V3.search(model):
        flavour = found[1] + (found[2] or "")
        return CATALOGUE[f"mobilenet-v3-{flavour}"] if flavour in V3_FLAVOURS else None
    if found := _MOBILENET.search(model):
        family = cast('Literal["mobilenet-v1", "mobilenet-v2"]', f"mobilenet-v{found[1]}")
        width, size = float(found[2]), int(found[3])
        name = f"{family}-{width}-{size}"
        if name in CATALOGUE:
            return CATALOGUE[name]
        if width and MIN_RESOLUTION <= size <= MAX_RESOLUTION:
            return Variant(name, family, width, size, Preprocessing(size))
    return None
