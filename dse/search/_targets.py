"""The targets that are learned instead of the metrics, and their priors.

The target of latency is its logarithm, that of throughput the logarithm of throughput times
latency: the gain of batches, instances and threads over single samples. The gain is nearly the same
for all models, so one measured model says much about the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING

import numpy as np

from dse.core.metrics import (
    CPU_TIME,
    ENERGY,
    LATENCY,
    METRICS,
    MODEL_SIZE,
    MULTI_STREAM,
    MULTI_STREAM_SAMPLES,
    SERVER,
    THROUGHPUT,
    is_quality,
)
from dse.search._additive_gp import Term, parse_term

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dse.search._features import Extent, Features, Floats

MIN_LOGGED = 1e-9
"""Smallest value in logarithms; lower values count as this one."""

UNKNOWN_LOG_TIME, UNKNOWN_LOG_SPEEDUP, UNKNOWN_QUALITY = 1.2, 1.5, 8.0
"""How far models of which nothing is known differ: the logarithm of a time or a size, and a quality
in percent, roughly as those of the catalogue do. If there are no others, times do not tell either
how much faster than fp32 a runtime is in another precision: its logarithm may be anything."""
CAUTION = 0.5
"""Share of the usual speedup that is expected where nothing is known of any model: then both
precisions are to be tried."""
SPEED_TERMS = (
    parse_term("all", 2.0, fixed=True),
    parse_term("times", 0.7),
    parse_term("runtime * times", 0.5),
    parse_term("runtime * precision * times", 0.4),
    parse_term("near model", 0.08),
    parse_term("unknown * model", UNKNOWN_LOG_TIME),
    parse_term("model", 0.04),
    parse_term("precision", 0.15),
    parse_term("near runtime", 0.3),
    parse_term("runtime", 0.25),
    parse_term("runtime * precision", 0.15),
    parse_term("reduced * runtime * precision", 0.3),
    parse_term("all unknown * reduced * runtime * precision", UNKNOWN_LOG_SPEEDUP),
    parse_term("runtime * precision * family", 0.1),
    parse_term("runtime * precision * near model", 0.1),
    parse_term("quantised * runtime * lineage", 0.4),
    parse_term("quantised * runtime * gated", 0.5),
    parse_term("quantised * runtime * family", 0.2),
    parse_term("quantised * runtime * near model", 0.1),
    parse_term("quantised * file", 0.05),
    parse_term("quantised * model", 0.09, spread=1.5),
    parse_term("file", 0.05),
    parse_term("threads", 0.2),
    parse_term("threads * runtime * precision", 0.1),
    parse_term("threads * near model", 0.07),
    parse_term("threads * file", 0.15),
    parse_term("single", 0.05),
)
"""Terms of the logarithm of a time."""
RATIO_TERMS = tuple(each for each in SPEED_TERMS if "times" not in each.respects)
"""Terms of the logarithm of a metric relative to latency, which accounts for the cost of models."""
BATCHING_TERMS = (
    parse_term("all", 0.5, fixed=True),
    parse_term("near model", 0.1),
    parse_term("runtime * precision", 0.15),
    parse_term("near batch", 0.2),
    parse_term("near batch * runtime * precision", 0.15),
    parse_term("near batch * near model", 0.15),
    parse_term("near batch * file", 0.1),
    parse_term("threads", 0.2),
    parse_term("near layout * runtime * precision", 0.15),
    parse_term("near layout * near batch * runtime", 0.1),
    parse_term("near layout * file", 0.1),
    parse_term("whole", 0.08),
)
"""Terms of the logarithm of the gain of batches, instances and threads."""
QUALITY_TERMS = (
    parse_term("all", 8.0, fixed=True),
    parse_term("published", 0.3),
    parse_term("size", 1.0),
    parse_term("near model", 2.0),
    parse_term("unknown * model", UNKNOWN_QUALITY),
    parse_term("model", 1.5),
    parse_term("precision", 0.7),
    parse_term("family * precision", 0.7),
    parse_term("model * precision", 0.5),
    parse_term("runtime * precision", 0.3),
    parse_term("file", 0.2),
)
"""Terms of a quality in percent."""
SIZE_TERMS = (
    parse_term("all", 2.0, fixed=True),
    parse_term("size", 0.3),
    parse_term("unknown * model", UNKNOWN_LOG_TIME),
    parse_term("near model", 0.4),
    parse_term("model", 0.3),
    parse_term("precision", 0.7),
    parse_term("runtime * precision", 0.2),
    parse_term("file", 0.1),
)
"""Terms of the logarithm of the size of a file."""

LOG_LATENCY_MS = 2.3
"""Prior mean of the logarithm of the latency of a typical model, in milliseconds."""
LOG_SLOWER_GATED = 0.6
"""Prior slowdown of int8 by hard swish and squeeze-and-excite, as a logarithm."""
FASTER_PER_DOUBLING = 0.45
"""Prior speedup by twice the threads, as a logarithm; instances gain half as much."""
RELATIONS: Mapping[str, tuple[int, float]] = {
    THROUGHPUT.name: (-1, log(1000.0)),
    SERVER.name: (-1, log(1000.0)),
    MULTI_STREAM.name: (1, log(MULTI_STREAM_SAMPLES)),
    CPU_TIME.name: (1, 0.0),
    ENERGY.name: (1, 0.0),
}
"""Metrics that rise (1) or fall (-1) with latency, and the logarithm of the factor between them."""


@dataclass(frozen=True, slots=True)
class Target:
    """What is learned of a metric.

    Attributes:
        metric: name of the metric.
        extent: what the metric depends on.
        relation: 1 if the logarithm of latency is subtracted, -1 if it is added, else 0.
        offset: prior mean without further knowledge.
        terms: terms of the deviation from the prior mean.
        common: see `dse.search._additive_gp.AdditiveGP`.
    """

    metric: str
    extent: Extent
    relation: int
    offset: float
    terms: tuple[Term, ...]
    common: float = 0.3

    def of(self, values: Mapping[str, float]) -> float:
        """The target of values by metric, in natural units or as a logarithm.

        The values include latency if the target is related to it.
        """
        if is_quality(self.metric):
            return values[self.metric]
        found = log(max(values[self.metric], MIN_LOGGED))
        if self.relation:
            found -= self.relation * log(max(values[LATENCY.name], MIN_LOGGED))
        return found

    def expected(self, features: Features, precisions: Sequence[str]) -> Floats:
        """The prior mean of each configuration, by features and precisions."""
        if is_quality(self.metric):
            priors = features.priors
            guess = priors.typical_quality + priors.quality_per_log_macs * features.log_macs
            guess -= _amounts_by_precision(precisions, priors.quality_lost)
            return np.where(np.isnan(features.published), guess, features.published)
        doubled = features.layouts[:, 1]
        if self.relation:
            return self.offset + 0.5 * FASTER_PER_DOUBLING * doubled * -self.relation
        if self.metric == MODEL_SIZE.name:
            return (
                self.offset
                + features.log_macs
                - _amounts_by_precision(precisions, {"int8": 1.4, "int4": 2.1})
            )
        # Relative to a typical model in fp32: of unknown ones it is the speedup alone.
        relative = features.times.means * (CAUTION if features.unknown.all() else 1.0)
        time = relative + LOG_SLOWER_GATED * features.quantised * features.gated
        time -= FASTER_PER_DOUBLING * features.layouts[:, 0]
        better = METRICS[self.metric].direction == "maximize"
        return np.asarray(self.offset - time if better else self.offset + time)


def _amounts_by_precision(precisions: Sequence[str], amounts: Mapping[str, float]) -> Floats:
    return np.array([amounts.get(precision, 0.0) for precision in precisions])


def targets(metrics: Sequence[str]) -> tuple[Target, ...]:
    """The targets of metrics in `METRICS`, latency first."""
    ordered = sorted(dict.fromkeys(metrics), key=lambda name: name != LATENCY.name)
    return tuple(_target(name, related=LATENCY.name in ordered) for name in ordered)


def _target(name: str, *, related: bool) -> Target:
    if is_quality(name):
        return Target(name, "file", 0, 0.0, QUALITY_TERMS, common=1.5)
    if name == MODEL_SIZE.name:
        return Target(name, "file", 0, 2.0, SIZE_TERMS)
    terms: tuple[Term, ...]
    extent: Extent = "whole" if METRICS[name].batched else "single"
    relation, offset = RELATIONS.get(name, (0, 0.0)) if related else (0, 0.0)
    if not relation:
        better = METRICS[name].direction == "maximize"
        offset = log(1000.0) - LOG_LATENCY_MS if better else LOG_LATENCY_MS
        terms = SPEED_TERMS + BATCHING_TERMS if extent == "whole" else SPEED_TERMS
    else:
        terms = BATCHING_TERMS if extent == "whole" else RATIO_TERMS
    return Target(name, extent, relation, offset, terms)


def loss(metric: str, value: float) -> float:
    """A value as the search compares it: less is better, and timed metrics are logarithms."""
    scaled = value if is_quality(metric) else log(max(value, MIN_LOGGED))
    return -scaled if METRICS[metric].direction == "maximize" else scaled
