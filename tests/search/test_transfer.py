"""What other systems tell."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from dse.core.configuration import Configuration
from dse.core.metrics import LATENCY
from dse.search._averaged_gp import FIRST_VALUES
from dse.search._gain import volume
from dse.search._surrogate import Surrogate
from dse.search._targets import loss
from dse.tasks.image_classification._quality import ACCURACY
from tests.search.spaces import PRIORS, configurations, explored, searcher, values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dse.search._features import Floats

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


def test_a_search_that_is_told_soon_finds_the_best() -> None:
    best = min(range(len(EVERY)), key=lambda n: NEW[EVERY[n]][LATENCY.name])
    told = searcher(EVERY, [LATENCY.name], sources=SOURCES)
    assert best in explored(EVERY, told, FIRST_VALUES + 2, NEW)


def test_sources_of_other_configurations_change_nothing() -> None:
    other = {replace(c, backend="other"): v for c, v in NEW.items()}
    assert error([other], 5) == error([], 5)


NAMED = (
    *(f"mobilenet-v1-{width}-{size}" for width in ("0.25", "0.5", "1.0") for size in (128, 224)),
    *("mobilenet-v2-0.5-160", "mobilenet-v2-1.0-224"),
    *("efficientnet-lite0", "efficientnet-lite2", "efficientnet-lite4"),
)
UNNAMED = tuple(f"model-{number}" for number in range(len(NAMED)))
"""The same models, of which no name tells anything."""


def space(models: Sequence[str]) -> list[Configuration]:
    return configurations(models, backends=["one"], threads=[1], batch_sizes=[1])


def measured(models: Sequence[str], seed: int, slower: float = 0.0) -> Known:
    """A system that is like others, but that integers take longer there (as a logarithm)."""
    rng = np.random.default_rng(seed)
    level, known = rng.normal(0, 1), {}
    for configuration, named in zip(space(models), space(NAMED), strict=True):
        found = values(named)
        log = np.log(found[LATENCY.name]) + level + rng.normal(0, 0.1)
        log += slower * (named.precision == "int8")
        known[configuration] = {**found, LATENCY.name: float(np.exp(log))}
    return known


def shares(models: Sequence[str], new: Known, sources: Sequence[Known], most: int) -> Floats:
    """The share of the hypervolume after each row; mean of some seeds."""
    every = space(models)
    losses = np.array([[loss(name, new[c][name]) for name in METRICS] for c in every])
    losses = (losses - losses.min(axis=0)) / np.ptp(losses, axis=0)
    found = []
    for seed in range(3):
        order = explored(every, searcher(every, METRICS, seed, sources=sources), most, new)
        volumes = [volume(losses[order[: rows + 1]], np.full(2, 1.1)) for rows in range(most)]
        found.append(np.array(volumes) / volume(losses, np.full(2, 1.1)))
    return np.asarray(np.mean(found, axis=0))


def test_a_system_unlike_the_others_is_not_led_astray() -> None:
    """Its integers are six times slower than elsewhere, and so slower than fp32."""
    sources = [measured(NAMED, seed) for seed in range(6)]
    new = measured(NAMED, 99, slower=float(np.log(6)))
    told, alone = (shares(NAMED, new, known, 10) for known in (sources, []))
    assert (told >= alone - 0.01).all()


def test_a_system_like_the_others_gains() -> None:
    sources = [measured(UNNAMED, seed) for seed in range(6)]
    new = measured(UNNAMED, 99)
    told, alone = (shares(UNNAMED, new, known, 10) for known in (sources, []))
    assert told[: FIRST_VALUES - 1] == pytest.approx(alone[: FIRST_VALUES - 1])
    assert (told[FIRST_VALUES:] > alone[FIRST_VALUES:] + 0.02).all()
    assert told[-1] > 0.96
