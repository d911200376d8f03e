"""Proposes each configuration of a finite set at most once, by what is known of the others."""

from __future__ import annotations

import random
import warnings
from typing import TYPE_CHECKING, Any, Protocol

import optuna
from optuna.distributions import CategoricalDistribution
from optuna.samplers import BaseSampler, NSGAIISampler, TPESampler
from optuna.trial import TrialState, create_trial

from dse.frontier import violations
from dse.space.plan import parameter_values
from dse.types import METRICS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dse.explore.pool import Pool
    from dse.space.space import SearchSpace
    from dse.study.record import Record
    from dse.types import Configuration, KnobValue


class Sampler(Protocol):
    """Chooses what to measure next."""

    def propose(self) -> Configuration:
        """A configuration of the pool, which is not empty."""
        ...

    def learn(self, record: Record) -> None:
        """Takes in what came out of a configuration, whoever proposed it."""
        ...


def make_sampler(name: str, pool: Pool, space: SearchSpace, seed: int) -> Sampler:
    """The sampler of that name, over what is left in the pool.

    Args:
        name: a name in `SAMPLERS`.
        pool: shrinks as configurations are taken from it.
        space: has the objectives and constraints.
        seed: of everything random.
    """
    return SAMPLERS[name](pool, space, seed)


class Grid:
    """Walks through the pool in its order."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def propose(self) -> Configuration:
        """The first one that is left."""
        return self._pool.first()

    def learn(self, record: Record) -> None:
        """Nothing: the order is fixed."""


class Random:
    """Draws from the pool, each configuration as likely as the others."""

    def __init__(self, pool: Pool, seed: int) -> None:
        self._pool = pool
        self._rng = random.Random(seed)  # noqa: S311

    def propose(self) -> Configuration:
        """Any one that is left."""
        return self._pool.draw(self._rng)

    def learn(self, record: Record) -> None:
        """Nothing: the draws are independent."""


class Stock:
    """One of Optuna's samplers.

    It works on a study of its own in memory, which holds one trial of each configuration however
    often that was measured. What it proposes may not be in the pool, or no longer: then the
    configuration is taken that differs from it in the fewest parameters.

    Args:
        pool: what may be proposed.
        space: has the objectives and constraints.
        inner: Optuna's sampler.
        seed: decides between configurations that differ alike.
    """

    def __init__(self, pool: Pool, space: SearchSpace, inner: BaseSampler, seed: int) -> None:
        self._pool = pool
        self._space = space
        self._rng = random.Random(seed)  # noqa: S311
        self._distributions = {
            p.name: CategoricalDistribution(p.choices) for p in pool.plan.parameters
        }
        directions = [METRICS[name].direction for name in space.objectives]
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._study = optuna.create_study(directions=directions, sampler=inner)
        self._asked: dict[str, dict[str, Any]] = {}

    def propose(self) -> Configuration:
        """The configuration of the pool that is nearest to what Optuna proposes."""
        trial = self._study.ask()
        values: dict[str, KnobValue] = {}
        for parameter in self._pool.plan.parameters:
            if parameter.active(values):
                choices = self._distributions[parameter.name].choices
                values[parameter.name] = trial.suggest_categorical(parameter.name, choices)  # type: ignore[assignment]  # ours are never None
        chosen = self._pool.nearest(values, self._rng)
        # NSGA-II notes in the trial which generation it belongs to.
        told = self._study.tell(trial, state=TrialState.FAIL)
        self._asked[chosen.key] = dict(told.system_attrs)
        return chosen

    def learn(self, record: Record) -> None:
        """Shows Optuna the outcome, as a trial of the configuration itself."""
        found, params = record.outcome.values, parameter_values(record.configuration)
        measured = record.outcome.failure is None
        trial = create_trial(
            state=TrialState.COMPLETE if measured else TrialState.FAIL,
            values=[found[name] for name in self._space.objectives] if measured else None,
            params=params,
            distributions={name: self._distributions[name] for name in params},
            system_attrs=self._asked.pop(record.configuration.key, {}),
            constraints=violations(found, self._space.constraints) if measured else None,
        )
        self._study.add_trial(trial)


def _nsga2(pool: Pool, space: SearchSpace, seed: int) -> Stock:
    # A population of Optuna's default size would spend small spaces on its first generation.
    size = max(8, min(50, len(pool.plan.configurations) // 10))
    return Stock(pool, space, NSGAIISampler(population_size=size, seed=seed), seed)


def _tpe(pool: Pool, space: SearchSpace, seed: int) -> Stock:
    with warnings.catch_warnings():
        # `multivariate` has been marked experimental since Optuna 2; results do rest on it.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        inner = TPESampler(multivariate=True, seed=seed)
    return Stock(pool, space, inner, seed)


SAMPLERS: Mapping[str, Callable[[Pool, SearchSpace, int], Sampler]] = {
    "grid": lambda pool, _space, _seed: Grid(pool),
    "random": lambda pool, _space, seed: Random(pool, seed),
    "nsga2": _nsga2,
    "tpe": _tpe,
}
