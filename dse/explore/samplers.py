"""Optuna samplers that propose each configuration of a finite set at most once."""

from __future__ import annotations

import random
import warnings
from typing import TYPE_CHECKING, Any

import optuna
from optuna.distributions import CategoricalDistribution
from optuna.samplers import BaseSampler, NSGAIISampler, TPESampler

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial, TrialState

    from dse.explore.pool import Pool
    from dse.types import Configuration, KnobValue

REDRAWS = 20
"""How often a stock sampler may propose something that is no longer in the pool."""


def make_sampler(name: str, pool: Pool, seed: int) -> PoolSampler:
    """The sampler of that name, over what is left in the pool.

    Args:
        name: a name in `SAMPLERS`.
        pool: shrinks as configurations are taken from it.
        seed: of everything random.
    """
    return SAMPLERS[name](pool, seed)


class PoolSampler(BaseSampler):
    """Proposes configurations that are still in a pool.

    A stock sampler may be asked for proposals; when it keeps proposing what is no longer there,
    which it does on a finite space, any configuration of the pool is drawn instead.

    Args:
        pool: what may be proposed.
        rng: draws configurations; without it the pool is walked in its order.
        inner: the stock sampler, if any.
    """

    def __init__(
        self, pool: Pool, rng: random.Random | None = None, inner: BaseSampler | None = None
    ) -> None:
        self._pool = pool
        self._inner = inner
        self._rng = rng
        self._distributions = {
            p.name: CategoricalDistribution(p.choices) for p in pool.plan.parameters
        }

    def infer_relative_search_space(
        self,
        study: optuna.Study,  # noqa: ARG002  # Optuna's signature
        trial: FrozenTrial,  # noqa: ARG002
    ) -> dict[str, BaseDistribution]:
        """All parameters: a whole configuration is proposed at once."""
        return dict(self._distributions)

    def sample_relative(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        search_space: dict[str, BaseDistribution],  # noqa: ARG002  # ours is fixed
    ) -> dict[str, Any]:
        """The parameter values of one configuration of the pool."""
        return dict(self._pool.values(self._choose(study, trial)))

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Never needed: every parameter is sampled relative to the others."""
        raise NotImplementedError(param_name)

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """Lets the stock sampler prepare."""
        if self._inner is not None:
            self._inner.before_trial(study, trial)

    def after_trial(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """Lets the stock sampler learn."""
        if self._inner is not None:
            self._inner.after_trial(study, trial, state, values)

    def _choose(self, study: optuna.Study, trial: FrozenTrial) -> Configuration:
        if self._inner is not None:
            for _ in range(REDRAWS):
                found = self._pool.find(self._proposal(self._inner, study, trial))
                if found is not None:
                    return found
        return self._pool.first() if self._rng is None else self._pool.draw(self._rng)

    def _proposal(
        self, inner: BaseSampler, study: optuna.Study, trial: FrozenTrial
    ) -> Mapping[str, KnobValue]:
        space = inner.infer_relative_search_space(study, trial)
        values: dict[str, KnobValue] = dict(inner.sample_relative(study, trial, space))
        for parameter in self._pool.plan.parameters:
            if parameter.name not in values and parameter.active(values):
                values[parameter.name] = inner.sample_independent(
                    study, trial, parameter.name, self._distributions[parameter.name]
                )
        return values


def _grid(pool: Pool, _: int) -> PoolSampler:
    return PoolSampler(pool)


def _random(pool: Pool, seed: int) -> PoolSampler:
    return PoolSampler(pool, random.Random(seed))  # noqa: S311


def _nsga2(pool: Pool, seed: int) -> PoolSampler:
    # A population of Optuna's default size would spend small spaces on its first generation.
    size = max(8, min(50, len(pool.plan.configurations) // 10))
    inner = NSGAIISampler(population_size=size, seed=seed)
    return PoolSampler(pool, random.Random(seed), inner)  # noqa: S311


def _tpe(pool: Pool, seed: int) -> PoolSampler:
    with warnings.catch_warnings():
        # `multivariate` has been marked experimental since Optuna 2; results do rest on it.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        inner = TPESampler(multivariate=True, seed=seed)
    return PoolSampler(pool, random.Random(seed), inner)  # noqa: S311


SAMPLERS: Mapping[str, Callable[[Pool, int], PoolSampler]] = {
    "grid": _grid,
    "random": _random,
    "nsga2": _nsga2,
    "tpe": _tpe,
}
