"""The search as a sampler for Optuna studies whose parameters are those of configurations."""

from __future__ import annotations

from itertools import product
from math import prod
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from optuna.distributions import CategoricalDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.trial import TrialState

from dse.core.configuration import Configuration
from dse.core.errors import RequestError
from dse.core.metrics import METRICS
from dse.search.searcher import Searcher
from dse.tasks import registry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import optuna
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

    from dse.core.configuration import KnobValue
    from dse.core.pareto import Constraint
    from dse.search._transfer import Source

MAX_COMBINATIONS = 200_000
"""Largest number of combinations of parameters."""
DEFAULTS: Mapping[str, KnobValue] = {
    "model": "",
    "precision": "fp32",
    "backend": "",
    "threads": 1,
    "batch_size": 1,
}
"""Default values of parameters that a study may leave out."""


class FrontierSampler(BaseSampler):
    """Searches the Pareto frontier of a finite set of configurations.

    Every parameter is categorical. The parameters ``model``, ``precision``, ``backend``,
    ``threads``, ``batch_size``, ``instances``, ``pinned`` and ``device`` have their usual meaning;
    all others are knobs of the backend. Failed and pruned trials count as failures; running trials
    count with their expected values, so that several workers try different configurations.

    Args:
        search_space: the choices of each parameter.
        objectives: names in `dse.core.metrics.METRICS`, in the order of the study's values.
        constraints: bounds on objectives; points that violate one gain nothing.
        allowed: whether a combination of parameters is valid; None if all are.
        seed: random seed.
        sources: values measured on other systems, by configuration and metric.
        task: the name of the task that the models are for.
        samples: number of samples of the data set, whose accuracy run takes time once for each
            model file and runtime; 0 where qualities cost nothing.

    Raises:
        RequestError: an objective is not a metric, or a constraint bounds something else; there are
            no configurations, or more than `MAX_CONFIGURATIONS`.
    """

    def __init__(
        self,
        search_space: Mapping[str, Sequence[KnobValue]],
        objectives: Sequence[str],
        *,
        constraints: Sequence[Constraint] = (),
        allowed: Callable[[Mapping[str, KnobValue]], bool] | None = None,
        seed: int = 0,
        sources: Sequence[Source] = (),
        task: str = registry.DEFAULT,
        samples: int = 0,
    ) -> None:
        _check(objectives, constraints)
        self._choices = {name: tuple(choices) for name, choices in search_space.items()}
        self._objectives = tuple(objectives)
        self._params = _combinations(self._choices, allowed)
        configurations = [Configuration.from_dict({**DEFAULTS, **p}) for p in self._params]
        self._indices = {_key(params): index for index, params in enumerate(self._params)}
        self._searcher = Searcher(
            configurations,
            objectives,
            constraints,
            seed,
            sources,
            registry.task(task).priors(),
            samples,
        )
        self._rng = np.random.default_rng(seed)
        self._others = RandomSampler(seed=seed)
        self._observed: set[int] = set()
        self._left = np.ones(len(self._params), dtype=np.bool_)
        self._lock = Lock()

    def reseed_rng(self) -> None:
        """Reseeds parameters outside the search space; other proposals differ by running trials."""
        self._others.reseed_rng()

    def infer_relative_search_space(
        self,
        study: optuna.Study,  # noqa: ARG002
        trial: FrozenTrial,  # noqa: ARG002
    ) -> dict[str, BaseDistribution]:
        """All parameters of the search space, from the first trial on."""
        return {name: CategoricalDistribution(found) for name, found in self._choices.items()}

    def sample_relative(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        search_space: dict[str, BaseDistribution],  # noqa: ARG002
    ) -> dict[str, Any]:
        """Proposes the most promising parameters; random ones when all have been tried.

        Raises:
            RequestError: the study has other directions than the objectives.
        """
        self._check_directions(study)
        with self._lock:
            running = self._observe(study, trial.number)
            left = self._left.copy()
            left[running] = False
            if not left.any():
                return dict(self._params[int(self._rng.integers(len(self._params)))])
            index = self._searcher.propose(np.flatnonzero(left), running)
            return dict(self._params[index])

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """A random value of a parameter that is not in the search space."""
        return self._others.sample_independent(study, trial, param_name, param_distribution)

    def _check_directions(self, study: optuna.Study) -> None:
        wanted = [METRICS[name].direction for name in self._objectives]
        if [direction.name.lower() for direction in study.directions] != wanted:
            problem = f"{', '.join(self._objectives)} are to {', '.join(wanted)}"
            raise RequestError(problem, remedy="create the study with these directions")

    def _observe(self, study: optuna.Study, own: int) -> np.ndarray[Any, np.dtype[np.intp]]:
        """Observes the trials that have ended; returns the indices of other running trials."""
        running = []
        for trial in study.get_trials(deepcopy=False):
            index = self._indices.get(_key(trial.params))
            if index is None or trial.number in self._observed or trial.number == own:
                continue
            if trial.state is TrialState.RUNNING:
                running.append(index)
            elif trial.state.is_finished():
                self._observed.add(trial.number)
                ran = trial.state is TrialState.COMPLETE
                values = dict(zip(self._objectives, trial.values, strict=True)) if ran else {}
                self._searcher.observe(index, values, ran=ran)
                self._left[index] = False
        return np.array(sorted(set(running)), dtype=np.intp)


def _check(objectives: Sequence[str], constraints: Sequence[Constraint]) -> None:
    for name in objectives:
        if name not in METRICS:
            remedy = f"known are {', '.join(METRICS)}"
            raise RequestError(f"'{name}' is not a metric", field="objectives", remedy=remedy)
    for bound in constraints:
        if bound.metric not in objectives:
            problem, remedy = f"'{bound.metric}' is not an objective", "bound one of the objectives"
            raise RequestError(problem, field="constraints", remedy=remedy)


def _combinations(
    choices: Mapping[str, Sequence[KnobValue]],
    allowed: Callable[[Mapping[str, KnobValue]], bool] | None,
) -> list[dict[str, KnobValue]]:
    if prod(len(found) for found in choices.values()) > MAX_COMBINATIONS:
        problem = f"there are more than {MAX_COMBINATIONS:,} combinations"
        raise RequestError(problem, field="search_space", remedy="take out some choices")
    every = (dict(zip(choices, values, strict=True)) for values in product(*choices.values()))
    found = [params for params in every if allowed is None or allowed(params)]
    if not found:
        remedy = "give each parameter a choice, and allow some combinations"
        raise RequestError("there is nothing to choose", field="search_space", remedy=remedy)
    return found


def _key(params: Mapping[str, Any]) -> frozenset[tuple[str, Any]]:
    """A key that is equal for equal parameters in any order."""
    return frozenset(params.items())
