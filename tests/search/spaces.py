"""Configurations made by hand, and what would come out if nature were simple."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from dse.core.configuration import Configuration
from dse.core.metrics import LATENCY, THROUGHPUT
from dse.search.searcher import Searcher
from dse.tasks import registry
from dse.tasks.image_classification._quality import ACCURACY
from tests.objectives import DEFAULT_OBJECTIVES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MODELS = (
    *("mobilenet-v1-0.25-128", "mobilenet-v1-0.5-160", "mobilenet-v1-1.0-224"),
    *("mobilenet-v2-0.5-160", "mobilenet-v2-1.0-224"),
    *("efficientnet-lite0", "efficientnet-lite2", "somebodys-own"),
)
PRIORS = registry.task(registry.DEFAULT).priors()
NONE: Sequence[int] = ()


def configurations(
    models: Sequence[str] = MODELS,
    precisions: Sequence[str] = ("fp32", "int8"),
    backends: Sequence[str] = ("one", "other"),
    threads: Sequence[int] = (1, 2),
    batch_sizes: Sequence[int] = (1, 8),
) -> list[Configuration]:
    """All combinations."""
    return [Configuration(*c) for c in product(models, precisions, backends, threads, batch_sizes)]


def values(configuration: Configuration) -> dict[str, float]:
    """Larger models are slower and more accurate, integers and threads faster, batches better."""
    known = PRIORS.of(configuration.model)
    log_macs = known.log_macs - 19 if known else 0.0
    log_ms = 2 + 0.8 * log_macs - 0.5 * np.log2(configuration.threads)
    log_ms -= 0.7 * (configuration.precision == "int8") + 0.4 * (configuration.backend == "other")
    log_gain = 0.1 * np.log2(configuration.batch_size)
    return {
        ACCURACY.name: 70 + 5 * log_macs - 2 * (configuration.precision == "int8"),
        LATENCY.name: float(np.exp(log_ms)),
        THROUGHPUT.name: float(1000 * np.exp(log_gain - log_ms)),
    }


def explored(
    every: Sequence[Configuration],
    searcher: Searcher,
    most: int,
    outcomes: Mapping[Configuration, Mapping[str, float] | None],
) -> list[int]:
    """What a searcher proposes one after the other; None is the outcome of what fails."""
    left = set(range(len(every)))
    found: list[int] = []
    while left and len(found) < most:
        place = searcher.propose(np.array(sorted(left)), np.array(NONE, dtype=np.intp))
        left.remove(place)
        found.append(place)
        outcome = outcomes[every[place]]
        searcher.observe(place, outcome or {}, ran=outcome is not None)
    return found


def searcher(
    every: Sequence[Configuration],
    objectives: Sequence[str] = DEFAULT_OBJECTIVES,
    seed: int = 0,
    **more: object,
) -> Searcher:
    """Over all of them, without constraints unless some are given."""
    constraints = more.pop("constraints", ())
    return Searcher(every, objectives, constraints, seed, priors=PRIORS, **more)  # type: ignore[arg-type]
