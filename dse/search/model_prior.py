"""What is known of a model by its name, before anything is measured."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal, cast

from dse.tasks.image_classification.models.catalogue import CATALOGUE, V3_FLAVOURS, Variant
from dse.tasks.image_classification.models.graph import Scale, cost
from dse.tasks.image_classification.preprocessing import Preprocessing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dse.tasks.image_classification.models.graph import Cost

_MOBILENET = re.compile(r"mobilenet-v([12])(?:-[a-z_0-9]+?)??-([01]\.\d{1,2})-(\d{2,3})(?!\d)")
_MOBILENET_V3 = re.compile(r"mobilenet-v3-(large|small)(-minimalistic)?")
_LITE = re.compile(r"efficientnet-(?:[a-z0-9]+-)?lite([0-4])")
SMALLEST, LARGEST = 32, 512
"""Resolutions that a name is believed to mean."""


@dataclass(frozen=True, slots=True)
class ModelPrior:
    """What one inference of a model takes, by its architecture.

    Attributes:
        family: the architecture; that of MobileNet V3 without squeeze-and-excite and hard swish,
            called minimalistic, is another one.
        log_pixels: natural logarithm of the pixels of the input.
        gated: whether it has squeeze-and-excite and hard swish.
        published: top-1 accuracy in percent by precision; empty where none is published.
        cost: multiply-accumulates, parameters and what else it takes.
    """

    family: str
    log_pixels: float
    gated: bool
    published: Mapping[str, float]
    cost: Cost

    @property
    def log_macs(self) -> float:
        """Natural logarithm of the multiply-accumulates."""
        return math.log(self.cost.macs)

    @property
    def log_parameters(self) -> float:
        """Natural logarithm of the weights and biases."""
        return math.log(self.cost.parameters)

    @property
    def depthwise(self) -> float:
        """Share of the multiply-accumulates in depthwise convolutions, 0 to 1."""
        return self.cost.depthwise_macs / self.cost.macs


@cache
def model_prior(model: str) -> ModelPrior | None:
    """The facts of a model; None where its name tells no architecture that is known.

    A name that is not the catalogue's may contain one, in the spelling of the catalogue or of the
    published results, with anything before and after it.

    Args:
        model: its name.
    """
    variant = CATALOGUE.get(model) or _variant(model)
    if variant is None:
        return None
    graph = variant.graph()
    plain = variant.flavour.partition("-")[2]
    return ModelPrior(
        family=f"{variant.family}-{plain}" if plain else variant.family,
        log_pixels=2 * math.log(variant.resolution),
        gated=any(isinstance(layer, Scale) for layer in graph.layers),
        published={precision: figure.value for precision, figure in variant.published.items()},
        cost=cost(graph),
    )


def _variant(model: str) -> Variant | None:
    """The variant that a name means."""
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
        if width and SMALLEST <= size <= LARGEST:
            return Variant(name, family, width, size, Preprocessing(size))
    return None
