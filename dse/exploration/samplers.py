"""Proposes each configuration of a finite set at most once, by what is known of the others."""

from __future__ import annotations

import random
import warnings
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import optuna
from optuna.distributions import CategoricalDistribution
from optuna.samplers import BaseSampler, NSGAIISampler, TPESampler
from optuna.trial import TrialState, create_trial

from dse.core.metrics import METRICS
from dse.core.pareto import nondominated, violations
from dse.space.plan import parameter_values
from dse.tasks import registry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from optuna.trial import FrozenTrial

    from dse.core.configuration import Configuration, KnobValue
    from dse.exploration.pool import Pool
    from dse.space.space import SearchSpace
    from dse.study.record import Record

    Source = Mapping[Configuration, Mapping[str, float]]

BORROWER = "frontier"
"""The sampler that learns from other systems as well."""
MAX_TRIALS = 1500
"""Trials of a sampler's study, two for each step: TPE takes 10 ms to go through so many, and again
for each knob that only some configurations have."""
KEPT = 500
"""Of them the next study goes on with so many."""


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
    name: str, pool: Pool, space: SearchSpace, seed: int, sources: Sequence[Source] = ()
) -> Sampler:
    """The sampler of that name, over what is left in the pool.

    Args:
        name: a name in `SAMPLERS`.
        pool: shrinks as configurations are taken from it.
        space: has the objectives and constraints.
        seed: of everything random.
        sources: what is known of other systems, for `frontier`; the others learn from none.
    """
    if name == BORROWER:
        return ModelSampler(pool, space, seed, sources)
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
    """

    def __init__(
        self, pool: Pool, space: SearchSpace, seed: int, sources: Sequence[Source] = ()
    ) -> None:
        from dse.search.searcher import Searcher

        self._pool = pool
        plan = pool.plan.configurations
        priors = registry.task(space.task).priors()
        self._searcher = Searcher(plan, space.objectives, space.constraints, seed, sources, priors)

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
        left = np.concatenate([self._pool.available_indices, self._pool.reserved_indices])
        return self._searcher.remaining(np.sort(left))


class OptunaSampler:
    """One of Optuna's samplers.

    It works on studies of its own in memory, which hold one trial of each configuration however
    often that was measured. What it proposes may not be in the pool, or no longer: then the
    configuration is taken that differs from it in the fewest parameters.

    Optuna's samplers go through every trial at each step. So when a study has become long, a new
    one goes on with what matters of it (`_thinned`).

    Args:
        pool: what may be proposed.
        space: has the objectives and constraints.
        make: makes Optuna's sampler with a seed.
        seed: of everything random.
    """

    def __init__(
        self, pool: Pool, space: SearchSpace, make: Callable[[int], BaseSampler], seed: int
    ) -> None:
        self._pool = pool
        self._space = space
        self._make = make
        self._seed = seed
        self._rng = random.Random(seed)  # noqa: S311
        self._distributions = {
            p.name: CategoricalDistribution(p.choices) for p in pool.plan.parameters
        }
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._history: list[FrozenTrial] = []
        self._study: optuna.Study | None = None
        self._length = 0
        self._asked: dict[str, dict[str, Any]] = {}

    def propose(self) -> Configuration:
        """The configuration of the pool that is nearest to what Optuna proposes."""
        values, tags = self._ask(self._study or self._begin())
        chosen = self._pool.nearest(values, self._rng)
        self._asked[chosen.key] = tags
        self._count()
        return chosen

    def _ask(self, study: optuna.Study) -> tuple[dict[str, KnobValue], dict[str, Any]]:
        """What Optuna proposes, and what it notes beside it: NSGA-II the generation."""
        trial = study.ask()
        values: dict[str, KnobValue] = {}
        for parameter in self._pool.plan.parameters:
            if parameter.active(values):
                choices = self._distributions[parameter.name].choices
                values[parameter.name] = trial.suggest_categorical(parameter.name, choices)  # type: ignore[assignment]  # ours are never None
        told = study.tell(trial, state=TrialState.FAIL)
        return values, dict(told.system_attrs)

    def learn(self, record: Record) -> None:
        """Shows Optuna the outcome, as a trial of the configuration itself.

        None of its samplers looks at trials that failed.
        """
        tags = self._asked.pop(record.configuration.key, {})
        if record.outcome.failure is not None:
            return
        found, params = record.outcome.values, parameter_values(record.configuration)
        trial = create_trial(
            values=[found[name] for name in self._space.objectives],
            params=params,
            distributions={name: self._distributions[name] for name in params},
            system_attrs=tags,
            constraints=violations(found, self._space.constraints),
        )
        self._history.append(trial)
        if self._study is not None:
            self._study.add_trial(trial)
        self._count()

    def remaining(self) -> None:
        """Optuna's samplers don't tell."""

    def _count(self) -> None:
        self._length += 1
        if self._length >= MAX_TRIALS:
            self._history = _thinned(self._history, self._space.objectives, self._rng)
            self._length = len(self._history)
            self._study = None

    def _begin(self) -> optuna.Study:
        """A study that goes on from the history."""
        directions = [METRICS[name].direction for name in self._space.objectives]
        study = optuna.create_study(directions=directions, sampler=self._make(self._seed))
        self._seed = self._rng.getrandbits(32)  # of the next one
        if self._history:
            # For NSGA-II the history is the first generation, from which it chooses the parents.
            _, tags = self._ask(study)
            for trial in self._history:
                trial.system_attrs |= tags
            study.add_trials(self._history)
        self._asked = {}
        self._study = study
        return study


def _thinned(
    trials: list[FrozenTrial], objectives: Sequence[str], rng: random.Random
) -> list[FrozenTrial]:
    """What a sampler needs of many trials: the best, and others that tell where it has been.

    At most `KEPT` of them, in their order; at least half are others. The best are those on the
    frontier, or the nearest to keeping the constraints where none does.
    """
    missed = [sum(max(0.0, bound) for bound in trial.constraints.values()) for trial in trials]
    allowed = [place for place, amount in enumerate(missed) if amount == 0]
    if allowed:
        points = [dict(zip(objectives, trials[place].values, strict=True)) for place in allowed]
        best = [allowed[i] for i in nondominated(points, objectives)][-KEPT // 2 :]
    else:
        best = sorted(range(len(trials)), key=missed.__getitem__)[: KEPT // 2]
    others = sorted(set(range(len(trials))) - set(best))
    kept = {*best, *rng.sample(others, min(len(others), KEPT - len(best)))}
    return [trials[place] for place in sorted(kept)]


def _nsga2(pool: Pool, space: SearchSpace, seed: int) -> OptunaSampler:
    # A population of Optuna's default size would spend small spaces on its first generation.
    size = max(8, min(50, len(pool.plan.configurations) // 10))
    return OptunaSampler(
        pool, space, lambda own: NSGAIISampler(population_size=size, seed=own), seed
    )


def _tpe(pool: Pool, space: SearchSpace, seed: int) -> OptunaSampler:
    def make(own: int) -> BaseSampler:
        with warnings.catch_warnings():
            # `multivariate` has been marked experimental since Optuna 2; results do rest on it.
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return TPESampler(multivariate=True, seed=own)

    return OptunaSampler(pool, space, make, seed)


SAMPLERS: Mapping[str, Callable[[Pool, SearchSpace, int], Sampler]] = {
    "grid": lambda pool, _space, _seed: Grid(pool),
    "random": lambda pool, _space, seed: Random(pool, seed),
    "nsga2": _nsga2,
    "tpe": _tpe,
    BORROWER: ModelSampler,
}
