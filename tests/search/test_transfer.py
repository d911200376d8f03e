"""What other systems tell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dse.core.configuration import Configuration
from dse.core.metrics import LATENCY
from dse.search._surrogate import Surrogate
from dse.tasks.image_classification._quality import ACCURACY
from tests.search.spaces import PRIORS, configurations, explored, searcher

EVERY = configurations(backends=["one"], threads=[1], batch_sizes=[1])
Known = dict[Configuration, dict[str, float]]
METRICS = (ACCURACY.name, LATENCY.name)
RNG = np.random.default_rng(5)
SHARED = 2 * RNG.standard_normal(len(EVERY))
"""What is fast on all systems, and no architecture tells."""
KINDS = RNG.standard_normal((2, len(EVERY)))
"""Two ways in which systems differ."""


def system(seed: int) -> Known:
    rng = np.random.default_rng(seed)
    logs = 1 + rng.normal(0, 1) + SHARED + rng.normal(0, 0.5, 2) @ KINDS
    logs += rng.normal(0, 0.02, len(EVERY))
    rows = enumerate(logs)
    return {EVERY[n]: {ACCURACY.name: 50 + n, LATENCY.name: float(np.exp(log))} for n, log in rows}


SOURCES = [system(seed) for seed in range(6)]
NEW = system(99)


def error(sources: list[Known], count: int) -> float:
    """Of the logarithm of latency where nothing was measured."""
    surrogate = Surrogate(EVERY, METRICS, sources, PRIORS)
    for place in range(count):
        surrogate.observe(place, NEW[EVERY[place]], ran=True)
    surrogate.refresh(np.zeros(0, dtype=np.intp))
    rest = np.arange(count, len(EVERY))
    column = surrogate.metrics.index(LATENCY.name)
    truth = np.log([NEW[EVERY[place]][LATENCY.name] for place in rest])
    return float(np.abs(surrogate.predict(rest).means[column] - truth).mean())


def test_systems_that_are_alike_tell_of_what_was_not_measured() -> None:
    assert error(SOURCES, 5) < 0.15 < 1 < error([], 5)


def test_it_takes_no_more_than_what_the_systems_share() -> None:
    parts = [{c: v for c, v in s.items() if c.model != EVERY[-1].model} for s in SOURCES]
    strange = {EVERY[0]: {LATENCY.name: 5.0}, EVERY[1]: {ACCURACY.name: 5.0}}
    assert error([*parts, strange, {}], 8) < 0.9


def test_a_search_that_is_told_finds_the_best_at_once() -> None:
    best = min(range(len(EVERY)), key=lambda n: NEW[EVERY[n]][LATENCY.name])
    told = searcher(EVERY, [LATENCY.name], sources=SOURCES)
    assert best in explored(EVERY, told, 3, NEW)


def test_sources_of_other_configurations_change_nothing() -> None:
    other = {replace(c, backend="other"): v for c, v in NEW.items()}
    assert error([other], 5) == error([], 5)
