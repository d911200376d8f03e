"""Optuna's samplers over a finite set of configurations."""

from __future__ import annotations

import random
import warnings
from typing import TYPE_CHECKING, Any

import optuna
from optuna.distributions import CategoricalDistribution
from optuna.samplers import BaseSampler, NSGAIISampler, TPESampler
from optuna.trial import TrialState, create_trial

from dse.core.metrics import METRICS
from dse.core.pareto import nondominated, violations

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from optuna.trial import FrozenTrial

    from dse.core.configuration import Configuration, KnobValue
    from dse.exploration._pool import Pool
    from dse.space.space import SearchSpace
    from dse.study.record import Record

MAX_TRIALS = 1500
"""Trials of a sampler's study, two for each step: TPE takes 10 ms to go through them, and again for
each knob that only some configurations have."""
KEPT = 500
"""The number of them with which the next study goes on."""


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
        found = record.outcome.values
        params = self._pool.plan.values(record.configuration)
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
        """Not known: Optuna's samplers do not estimate it."""

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


def nsga2(pool: Pool, space: SearchSpace, seed: int) -> OptunaSampler:
    """NSGA-II."""
    # A population of Optuna's default size would spend small spaces on its first generation.
    size = max(8, min(50, len(pool.plan.configurations) // 10))
    return OptunaSampler(
        pool, space, lambda own: NSGAIISampler(population_size=size, seed=own), seed
    )


def tpe(pool: Pool, space: SearchSpace, seed: int) -> OptunaSampler:
    """TPE."""

    def make(own: int) -> BaseSampler:
        with warnings.catch_warnings():
            # `multivariate` has been marked experimental since Optuna 2; results do rest on it.
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return TPESampler(multivariate=True, seed=own)

    return OptunaSampler(pool, space, make, seed)
