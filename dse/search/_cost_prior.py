"""Prior of the time of a model, and of its differences between runtimes.

A time is a sum of five parts: multiply-accumulates of full convolutions and of depthwise ones,
values that layers write, calls of layers, and parameters to read. The cost of each relative to the
first differs between runtimes, and so does whether weights that are zero cost anything. So costs
are drawn many times; the Gaussian process uses the mean and the covariance of the logarithm of the
sum.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dse.core.inference_cost import InferenceCost
    from dse.tasks.prior import ModelPrior, Priors

    Costs = tuple[InferenceCost, ...]
    Floats = NDArray[np.float64]

RELATIVE_COSTS = ((3.0, 0.7), (12.0, 0.8), (2e5, 1.8), (3.0, 0.7))
"""Cost of a depthwise multiply-accumulate, a value, a layer and a parameter, in units of a
multiply-accumulate of full convolutions in fp32: median and standard deviation of the logarithm,
roughly those of the published systems, of which ArmNN has the most expensive layers."""
SPEEDUPS = {"int8": (4.0, 0.6), "int4": (2.0, 0.9), "fp16": (1.3, 0.3), "bf16": (1.4, 0.3)}
"""Speedup of full convolutions over fp32: median and standard deviation of the logarithm. A runtime
that is fast in one precision is assumed to be fast in the others. Other parts have no speedup,
except that parameters are smaller. Weights of 4 bits are computed with in more, and unpacked."""
PARAMETER_SIZES = {"int8": 0.25, "int4": 0.125, "fp16": 0.5, "bf16": 0.5}
"""Size of a parameter relative to fp32."""
SKIPPING = (3.0, 0.5)
"""Of the weights that are zero, most runtimes skip none and some nearly all: the share skipped is a
logistic function of a standard normal number, with this slope around this middle."""
COST_DRAWS = 512
"""Number of draws of the costs."""
MIN_VARIANCE_SHARE = 1e-3
"""Smallest share of the variance of a direction that is kept."""


@dataclass(frozen=True, slots=True)
class CostPrior:
    """Logarithm of the time of one inference, relative to that of a typical model in fp32.

    Attributes:
        means: prior means, those of a typical model if the model is unknown; shape
            (configurations,).
        directions: differences between runtimes are the product of these with independent standard
            normal weights; shape (configurations, directions).
    """

    means: Floats
    directions: Floats


def cost_prior(pairs: Sequence[tuple[str, str]], priors: Priors) -> CostPrior:
    """The cost prior of pairs of a model and a precision, in their order."""
    rows = {pair: row for row, pair in enumerate(dict.fromkeys(pairs))}
    costs = priors.typical_costs
    known = {model: priors.of(model) for model, _ in rows}
    drawn = np.array([_draw_logs(known[model], precision, costs) for model, precision in rows])
    means = drawn.mean(axis=1)
    vectors, values, _ = np.linalg.svd(drawn - means[:, None], full_matrices=False)
    kept = values**2 > MIN_VARIANCE_SHARE * (values**2).sum()
    directions = vectors[:, kept] * values[kept] / np.sqrt(COST_DRAWS)
    back = [rows[pair] for pair in pairs]
    return CostPrior(means[back], directions[back])


def _draw_logs(known: ModelPrior | None, precision: str, costs: Costs) -> Floats:
    """Logarithms relative to a typical model in fp32, the prior of unknown ones; shape (DRAWS,)."""
    if not costs:
        return np.zeros(COST_DRAWS)
    if known is None:
        return _typical_logs(costs, precision) - _typical_logs(costs, "fp32")
    own = _log_times(known.cost, precision, known.zeros)
    return own - _typical_logs(costs, "fp32")


@cache
def _typical_logs(costs: Costs, precision: str) -> Floats:
    """Mean logarithms over the costs of typical models; shape (DRAWS,)."""
    return np.asarray(np.mean([_log_times(cost, precision) for cost in costs], axis=0))


@cache
def _log_times(needed: InferenceCost, precision: str, zeros: float = 0.0) -> Floats:
    """Logarithms of the time, in multiply-accumulates of full convolutions; shape (DRAWS,)."""
    # The same draws for every model: models are similar if the same costs affect them alike.
    normal = np.random.default_rng(0).standard_normal((len(RELATIVE_COSTS) + 2, COST_DRAWS // 2))
    normal = np.concatenate([normal, -normal], axis=1)
    medians, deviations = np.array(RELATIVE_COSTS).T
    drawn = medians[:, None] * np.exp(deviations[:, None] * normal[:-2])
    depthwise, value, layer, parameter = drawn
    median, deviation = SPEEDUPS.get(precision, (1.0, 0.0))
    slope, middle = SKIPPING
    computed = 1.0 - zeros / (1.0 + np.exp(-slope * (normal[-1] - middle)))
    full = (needed.macs - needed.depthwise_macs) / (median * np.exp(deviation * normal[-2]))
    total = full * computed + needed.depthwise_macs * depthwise + needed.values * value
    total += needed.layers * layer + needed.parameters * computed * parameter * PARAMETER_SIZES.get(
        precision, 1.0
    )
    return np.asarray(np.log(total))
