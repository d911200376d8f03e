"""What to expect of a model by its file, whatever it is called.

A file that takes what a known architecture takes is one of that architecture. Of any other, the
quality is foretold by all of them together: the published qualities are taken for values of a
Gaussian process over size and shape, whose mean rises with the multiply-accumulates.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from dse.tasks.prior import ModelPrior

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from dse.core.inference_cost import InferenceCost, ModelCounts
    from dse.tasks.prior import Priors

    Floats = NDArray[np.float64]

SAME_MACS = 0.005
"""Largest difference in each kind of multiply-accumulates, as a share of all: classifiers of 1000
and of 1001 classes are the same."""
SAME_PARAMETERS = 0.05
"""Largest relative difference of the parameters: batch normalisation may be folded or not."""
SAME_ZEROS = 0.08
"""Largest difference of the share of zeros: rounding to integers makes a few as well."""
SLOPE_SD, COMMON_SD, SIMILAR_SD, NOISE_SD = 2.0, 5.0, 5.0, 0.5
"""Prior standard deviations of a quality in percent: for a unit of each coordinate, in common to
all architectures, of similar ones, and of one from its neighbours."""
LENGTH = 2.0
"""Length scale of similarity, in units of the coordinates."""


def prior_of_file(
    counts: ModelCounts,
    priors: Priors,
    published: Mapping[str, float] | None = None,
    name: str = "",
) -> ModelPrior:
    """What to expect of a model.

    Args:
        counts: what its file says.
        priors: those of its task.
        published: qualities that others measured of this very model, by precision.
        name: its name, which decides between architectures that counts can't tell apart.
    """
    same = [one for one in priors.architectures if _same(counts, one)]
    if same:
        named = priors.of(name)
        nearest = min(same, key=lambda one: (one != named, abs(one.zeros - counts.zeros)))
        return replace(nearest, published={**nearest.published, **(published or {})})
    found = ModelPrior(
        family=_family(counts),
        log_input=math.log(counts.points),
        gated=counts.gates,
        published=dict(published or {}),
        cost=counts.cost,
        zeros=counts.zeros,
    )
    return with_foretold(found, priors)


def _same(counts: ModelCounts, known: ModelPrior) -> bool:
    """Whether a file has the layers of an architecture, as far as counts tell."""
    own, other = _products(counts.cost), _products(known.cost)
    apart = max(abs(a - b) for a, b in zip(own, other, strict=True)) / known.cost.macs
    parameters = counts.cost.parameters / known.cost.parameters
    return (
        apart <= SAME_MACS
        and abs(parameters - 1) <= SAME_PARAMETERS
        and math.isclose(math.log(counts.points), known.log_input, abs_tol=1e-6)
        and abs(counts.zeros - known.zeros) <= SAME_ZEROS
    )


def _products(cost: InferenceCost) -> tuple[int, ...]:
    """Multiply-accumulates by kind; a classifier may be written as a pointwise convolution."""
    pointwise, depthwise, spatial, dense, attention = cost.macs_by_kind
    return pointwise + dense, depthwise, spatial, attention


def _family(counts: ModelCounts) -> str:
    """The kinds of layers that a file has, as the name of a family of architectures.

    The part before the first dash is the same for all files: nothing tells how they were quantised.
    """
    side = counts.filter_side
    parts = [
        f"depthwise{side}" if side else "",
        "attention" if counts.cost.attention_macs else "",
        "sums" if counts.sums else "",
        "gates" if counts.gates else "",
    ]
    return "-".join(["file", *filter(None, parts)])


def with_foretold(model: ModelPrior, priors: Priors) -> ModelPrior:
    """A model with the quality that the known architectures lead to expect."""
    known = [one for one in priors.architectures if "fp32" in one.published]
    if not known:
        return model
    qualities = np.array([one.published["fp32"] for one in known])
    return replace(model, foretold=_foretell(model, known, qualities, priors))


def _foretell(
    model: ModelPrior, known: Sequence[ModelPrior], qualities: Floats, priors: Priors
) -> float:
    """The posterior mean of the quality of a model, between 0 and 100 percent."""
    points = np.array([_coordinates(one) for one in known])
    own, middle = np.array([_coordinates(model)]), points.mean(axis=0)

    def covariance(left: Floats, right: Floats) -> Floats:
        slopes = SLOPE_SD**2 * (left - middle) @ (right - middle).T
        apart = ((left[:, None] - right) / LENGTH) ** 2
        similar = SIMILAR_SD**2 * np.exp(-0.5 * apart.sum(axis=-1))
        return np.asarray(COMMON_SD**2 + slopes + similar)

    def mean(of: Floats) -> Floats:
        above = of[:, 0] - priors.typical_log_macs
        return np.asarray(priors.typical_quality + priors.quality_per_log_macs * above)

    matrix = covariance(points, points) + NOISE_SD**2 * np.eye(len(known))
    weights = np.linalg.solve(matrix, qualities - mean(points))
    found = float((mean(own) + covariance(own, points) @ weights)[0])
    return min(max(found, 0.0), 100.0)


def _coordinates(model: ModelPrior) -> tuple[float, ...]:
    """Size and shape, in units that matter about as much."""
    return (
        model.log_macs,
        model.log_parameters,
        model.log_input,
        math.log(model.cost.layers),
        10 * model.depthwise,
        3 * model.zeros,
    )
