"""How long a model is expected to take, and what runtimes make of that.

A time is a sum of five parts: multiply-accumulates of full convolutions and of depthwise ones,
values that layers write, calls of layers, and parameters to read. What each of them costs beside
the first differs from runtime to runtime. So costs are drawn many times, and the mean and the
covariance of the logarithm of the sum are what a Gaussian process takes over.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dse.tasks.prior import InferenceCost, ModelPrior, Priors

    Costs = tuple[InferenceCost, ...]
    Floats = NDArray[np.float64]

COSTS = ((3.0, 0.7), (12.0, 0.8), (2e5, 1.8), (3.0, 0.7))
"""Of a depthwise multiply-accumulate, a value, a layer and a parameter, in multiply-accumulates of
full convolutions in fp32: median and standard deviation of the logarithm, about those of the
published systems, ArmNN's layers being the most expensive."""
FASTER = {"int8": (4.0, 0.6), "fp16": (1.3, 0.3), "bf16": (1.4, 0.3)}
"""How much faster full convolutions are than in fp32, as above; a runtime that makes much of one
precision is taken to do so of the others. Nothing else is but for parameters, which are smaller."""
BYTES = {"int8": 0.25, "fp16": 0.5, "bf16": 0.5}
"""Of a parameter, over those in fp32."""
DRAWS = 512
MIN_VARIANCE_SHARE = 1e-3
"""Share of the variance that a direction must have to be kept."""


@dataclass(frozen=True, slots=True)
class CostPrior:
    """The logarithm of the time of one inference, above that of a typical model in fp32.

    Attributes:
        means: shape (configurations,); those of a typical model where it is unknown.
        directions: what it differs by from runtime to runtime: its product with independent
            standard normal weights. Shape (configurations, directions).
    """

    means: Floats
    directions: Floats


def cost_prior(pairs: Sequence[tuple[str, str]], priors: Priors) -> CostPrior:
    """What to expect of pairs of a model and a precision, in their order.

    Args:
        pairs: the names of both.
        priors: what is known of the models.
    """
    rows = {pair: row for row, pair in enumerate(dict.fromkeys(pairs))}
    costs = priors.typical_costs
    known = {model: priors.of(model) for model, _ in rows}
    drawn = np.array([_drawn(known[model], precision, costs) for model, precision in rows])
    means = drawn.mean(axis=1)
    vectors, values, _ = np.linalg.svd(drawn - means[:, None], full_matrices=False)
    kept = values**2 > MIN_VARIANCE_SHARE * (values**2).sum()
    directions = vectors[:, kept] * values[kept] / np.sqrt(DRAWS)
    back = [rows[pair] for pair in pairs]
    return CostPrior(means[back], directions[back])


def _drawn(known: ModelPrior | None, precision: str, costs: Costs) -> Floats:
    """Logarithms above those of a typical model in fp32, as unknown ones are; shape (DRAWS,)."""
    if not costs:
        return np.zeros(DRAWS)
    own = _typical(costs, precision) if known is None else _logs(known.cost, precision)
    return own - _typical(costs, "fp32")


@cache
def _typical(costs: Costs, precision: str) -> Floats:
    """The mean over the costs of typical models; shape (DRAWS,)."""
    return np.asarray(np.mean([_logs(cost, precision) for cost in costs], axis=0))


@cache
def _logs(needed: InferenceCost, precision: str) -> Floats:
    """Logarithms of the time, in multiply-accumulates of full convolutions; shape (DRAWS,)."""
    # The same draws for every model: their likeness is in what the same costs make of them.
    normal = np.random.default_rng(0).standard_normal((len(COSTS) + 1, DRAWS // 2))
    normal = np.concatenate([normal, -normal], axis=1)
    medians, deviations = np.array(COSTS).T
    drawn = medians[:, None] * np.exp(deviations[:, None] * normal[:-1])
    depthwise, value, layer, parameter = drawn
    median, deviation = FASTER.get(precision, (1.0, 0.0))
    full = (needed.macs - needed.depthwise_macs) / (median * np.exp(deviation * normal[-1]))
    total = full + needed.depthwise_macs * depthwise + needed.values * value
    total += needed.layers * layer + needed.parameters * parameter * BYTES.get(precision, 1.0)
    return np.asarray(np.log(total))
