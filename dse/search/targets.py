"""What is learned instead of the metrics themselves, and what to expect of it beforehand.

Latency is learned as its logarithm, throughput as the logarithm of its product with latency: what
batches, instances and threads gain over single samples. That is nearly the same for all models, so
one measured model tells much of the others.
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
from dse.search.additive_gp import Term, term

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dse.search.features import Extent, Features, Floats

MIN_LOGGED = 1e-9
"""What has a logarithm: a value below it counts as it."""

SPEED = (
    term("all", 2.0, fixed=True),
    term("times", 0.7),
    term("runtime * times", 0.5),
    term("runtime * precision * times", 0.4),
    term("near model", 0.08),
    term("model", 0.04),
    term("precision", 0.15),
    term("near runtime", 0.3),
    term("runtime", 0.25),
    term("runtime * precision", 0.15),
    term("reduced * runtime * precision", 0.3),
    term("runtime * precision * family", 0.1),
    term("runtime * precision * near model", 0.1),
    term("quantised * runtime * lineage", 0.4),
    term("quantised * runtime * gated", 0.5),
    term("quantised * runtime * family", 0.2),
    term("quantised * runtime * near model", 0.1),
    term("quantised * file", 0.1),
    term("file", 0.05),
    term("threads", 0.2),
    term("threads * runtime * precision", 0.1),
    term("threads * near model", 0.07),
    term("threads * file", 0.15),
    term("single", 0.05),
)
"""Of the logarithm of a time."""
RATIO = tuple(each for each in SPEED if "times" not in each.respects)
"""Of the logarithm of what goes with latency: what models take is in that."""
BATCHING = (
    term("all", 0.5, fixed=True),
    term("near model", 0.1),
    term("runtime * precision", 0.15),
    term("near batch", 0.2),
    term("near batch * runtime * precision", 0.15),
    term("near batch * near model", 0.15),
    term("near batch * file", 0.1),
    term("threads", 0.2),
    term("near layout * runtime * precision", 0.15),
    term("near layout * near batch * runtime", 0.1),
    term("near layout * file", 0.1),
    term("whole", 0.08),
)
"""Of the logarithm of what batches, instances and threads gain."""
QUALITIES = (
    term("all", 8.0, fixed=True),
    term("published", 0.3),
    term("size", 1.0),
    term("near model", 2.0),
    term("model", 1.5),
    term("precision", 0.7),
    term("family * precision", 0.7),
    term("model * precision", 0.5),
    term("runtime * precision", 0.3),
    term("file", 0.2),
)
"""Of a quality in percent."""
SIZES = (
    term("all", 2.0, fixed=True),
    term("size", 0.3),
    term("near model", 0.4),
    term("model", 0.3),
    term("precision", 0.7),
    term("runtime * precision", 0.2),
    term("file", 0.1),
)
"""Of the logarithm of the size of a file."""

LOG_LATENCY_MS = 2.3
LOG_SLOWER_GATED = 0.6
"""What hard swish and squeeze-and-excite cost in integers."""
FASTER_PER_DOUBLING = 0.45
"""Threads help by so much in the logarithm; half as many as twice would."""
RELATIONS: Mapping[str, tuple[int, float]] = {
    THROUGHPUT.name: (-1, log(1000.0)),
    SERVER.name: (-1, log(1000.0)),
    MULTI_STREAM.name: (1, log(MULTI_STREAM_SAMPLES)),
    CPU_TIME.name: (1, 0.0),
    ENERGY.name: (1, 0.0),
}
"""Metrics that go with latency or against it, and the logarithm of what relates them."""


@dataclass(frozen=True, slots=True)
class Target:
    """What is learned of a metric.

    Attributes:
        metric: its name.
        extent: what it depends on.
        relation: 1 where the logarithm of latency was taken off, -1 where it was added, else 0.
        offset: what to expect of it where nothing else is known.
        terms: what makes it differ from that.
        common: see `dse.search.additive_gp.AdditiveGP`.
    """

    metric: str
    extent: Extent
    relation: int
    offset: float
    terms: tuple[Term, ...]
    common: float = 0.3

    def of(self, values: Mapping[str, float]) -> float:
        """The quantity of measured values, in natural units or their logarithm.

        Args:
            values: by metric; latency among them where the quantity is related to it.
        """
        if is_quality(self.metric):
            return values[self.metric]
        found = log(max(values[self.metric], MIN_LOGGED))
        if self.relation:
            found -= self.relation * log(max(values[LATENCY.name], MIN_LOGGED))
        return found

    def expected(self, features: Features, precisions: Sequence[str]) -> Floats:
        """What to expect of each configuration before anything is measured.

        Args:
            features: of the configurations.
            precisions: theirs.
        """
        if is_quality(self.metric):
            priors = features.priors
            guess = priors.typical_quality + priors.quality_per_log_macs * features.log_macs
            guess -= _of_each(precisions, priors.quality_lost)
            return np.where(np.isnan(features.published), guess, features.published)
        doubled = features.layouts[:, 1]
        if self.relation:
            return self.offset + 0.5 * FASTER_PER_DOUBLING * doubled * -self.relation
        if self.metric == MODEL_SIZE.name:
            return self.offset + features.log_macs - _of_each(precisions, {"int8": 1.4})
        time = features.times.means + LOG_SLOWER_GATED * features.quantised * features.gated
        time -= FASTER_PER_DOUBLING * features.layouts[:, 0]
        better = METRICS[self.metric].direction == "maximize"
        return np.asarray(self.offset - time if better else self.offset + time)


def _of_each(precisions: Sequence[str], amounts: Mapping[str, float]) -> Floats:
    return np.array([amounts.get(precision, 0.0) for precision in precisions])


def targets(metrics: Sequence[str]) -> tuple[Target, ...]:
    """What is learned of some metrics, in an order in which latency comes before others.

    Args:
        metrics: names in `METRICS`.
    """
    ordered = sorted(dict.fromkeys(metrics), key=lambda name: name != LATENCY.name)
    return tuple(_quantity(name, related=LATENCY.name in ordered) for name in ordered)


def _quantity(name: str, *, related: bool) -> Target:
    if is_quality(name):
        return Target(name, "file", 0, 0.0, QUALITIES, common=1.5)
    if name == MODEL_SIZE.name:
        return Target(name, "file", 0, 2.0, SIZES)
    terms: tuple[Term, ...]
    extent: Extent = "whole" if METRICS[name].batched else "single"
    relation, offset = RELATIONS.get(name, (0, 0.0)) if related else (0, 0.0)
    if not relation:
        better = METRICS[name].direction == "maximize"
        offset = log(1000.0) - LOG_LATENCY_MS if better else LOG_LATENCY_MS
        terms = SPEED + BATCHING if extent == "whole" else SPEED
    else:
        terms = BATCHING if extent == "whole" else RATIO
    return Target(name, extent, relation, offset, terms)


def loss(metric: str, value: float) -> float:
    """A value as the search compares it: less is better, timed ones in logarithms.

    Args:
        metric: a name in `METRICS`.
        value: in its unit.
    """
    scaled = value if is_quality(metric) else log(max(value, MIN_LOGGED))
    return -scaled if METRICS[metric].direction == "maximize" else scaled
