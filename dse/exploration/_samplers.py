"""Proposes each configuration of a finite set at most once, by what is known of the others."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Protocol

from dse.exploration.request import BORROWER
from dse.tasks import registry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dse.core.configuration import Configuration
    from dse.exploration._pool import Pool
    from dse.space.space import SearchSpace
    from dse.study.record import Record
    from dse.tasks.prior import ModelPrior

    Source = Mapping[Configuration, Mapping[str, float]]


class Sampler(Protocol):
    """Chooses what to measure next."""

    def propose(self) -> Configuration:
        """A configuration of the pool, which is not empty."""
        ...

    def learn(self, record: Record) -> None:
        """Takes in what came out of a configuration, whoever proposed it."""
        ...

    def remaining(self) -> float | None:
        """What the rest of the pool is expected to add, as a share of the present hypervolume.

        None where the sampler does not know.
        """
        ...


def make_sampler(
    name: str,
    pool: Pool,
    space: SearchSpace,
    seed: int,
    sources: Sequence[Source] = (),
    models: Mapping[str, ModelPrior] | None = None,
    samples: int = 0,
) -> Sampler:
    """The sampler of a name in `SAMPLERS`, over what is left in the pool.

    Only ``frontier`` takes in what comes after the seed, see `ModelSampler`.
    """
    if name == BORROWER:
        return ModelSampler(pool, space, seed, sources, models, samples)
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

    def remaining(self) -> None:
        """It has no model of the space."""


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

    def remaining(self) -> None:
        """It has no model of the space."""


class ModelSampler:
    """Models the whole space, and proposes what promises to add most to the frontier.

    Args:
        pool: what may be proposed; what it sets aside is taken for being measured.
        space: has the objectives and constraints.
        seed: of everything random.
        sources: what is known of other systems, see `dse.search.searcher.Searcher`.
        models: what is known of models by their files; of others only names tell.
        samples: of the data set; 0 where qualities are published.
    """

    def __init__(
        self,
        pool: Pool,
        space: SearchSpace,
        seed: int,
        sources: Sequence[Source] = (),
        models: Mapping[str, ModelPrior] | None = None,
        samples: int = 0,
    ) -> None:
        from dse.search.searcher import Searcher

        self._pool = pool
        plan = pool.plan.configurations
        priors = registry.task(space.task).priors().with_models(models or {})
        self._searcher = Searcher(
            plan, space.objectives, space.constraints, seed, sources, priors, samples
        )

    def propose(self) -> Configuration:
        """The configuration with the largest gain to expect."""
        place = self._searcher.propose(self._pool.available_indices, self._pool.reserved_indices)
        return self._pool.plan.configurations[place]

    def learn(self, record: Record) -> None:
        """Takes in values and failures alike."""
        place = self._pool.index_of(record.configuration)
        if place is not None:
            outcome = record.outcome
            self._searcher.observe(place, outcome.values, ran=outcome.failure is None)

    def remaining(self) -> float:
        """See `dse.search.searcher.Searcher.remaining`."""
        import numpy as np

        left = np.concatenate([self._pool.available_indices, self._pool.reserved_indices])
        return self._searcher.remaining(np.sort(left))


def _nsga2(pool: Pool, space: SearchSpace, seed: int) -> Sampler:
    from dse.exploration._optuna_samplers import nsga2

    return nsga2(pool, space, seed)


def _tpe(pool: Pool, space: SearchSpace, seed: int) -> Sampler:
    from dse.exploration._optuna_samplers import tpe

    return tpe(pool, space, seed)


SAMPLERS: Mapping[str, Callable[[Pool, SearchSpace, int], Sampler]] = {
    "grid": lambda pool, _space, _seed: Grid(pool),
    "random": lambda pool, _space, seed: Random(pool, seed),
    "nsga2": _nsga2,
    "tpe": _tpe,
    BORROWER: ModelSampler,
}
