"""The search in plain Optuna studies."""

from __future__ import annotations

from typing import Any

import optuna
import pytest
from optuna.study import StudyDirection

from dse.core.configuration import Configuration
from dse.core.errors import RequestError
from dse.core.metrics import LATENCY
from dse.core.pareto import Constraint
from dse.search import FrontierSampler
from dse.tasks.image_classification._quality import ACCURACY
from tests.search.spaces import values

CHOICES = {
    "model": ("mobilenet-v1-0.25-128", "mobilenet-v2-1.0-224", "efficientnet-lite0"),
    "precision": ("fp32", "int8"),
    "threads": (1, 2),
    "level": ("low", "high"),
}
OBJECTIVES = (ACCURACY.name, LATENCY.name)
DIRECTIONS = [StudyDirection.MAXIMIZE, StudyDirection.MINIMIZE]


def suggested(trial: optuna.Trial) -> dict[str, Any]:
    return {name: trial.suggest_categorical(name, choices) for name, choices in CHOICES.items()}


def measured(trial: optuna.Trial) -> list[float]:
    params = suggested(trial)
    if params["level"] == "high" and params["precision"] == "int8":
        raise optuna.TrialPruned
    found = values(Configuration.from_dict({**params, "backend": "one", "batch_size": 1}))
    return [found[name] for name in OBJECTIVES]


@pytest.fixture(autouse=True)
def _quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)


def keys(study: optuna.Study) -> list[tuple[Any, ...]]:
    return [tuple(trial.params[name] for name in CHOICES) for trial in study.trials]


def test_every_combination_once_and_then_any() -> None:
    study = optuna.create_study(
        directions=DIRECTIONS, sampler=FrontierSampler(CHOICES, OBJECTIVES, seed=1)
    )
    study.optimize(measured, n_trials=26)
    assert len(set(keys(study)[:24])) == 24
    assert len(set(keys(study))) == 24


def test_a_seed_gives_the_same_study_and_a_new_sampler_goes_on() -> None:
    def study(parts: tuple[int, ...]) -> optuna.Study:
        made = optuna.create_study(directions=DIRECTIONS)
        for trials in parts:
            made.sampler = FrontierSampler(CHOICES, OBJECTIVES, seed=4)
            made.optimize(measured, n_trials=trials)
        return made

    assert keys(study((6,))) == keys(study((6,)))
    assert len(set(keys(study((4, 4, 4))))) == 12


def test_only_what_is_allowed() -> None:
    sampler = FrontierSampler(CHOICES, OBJECTIVES, allowed=lambda p: p["threads"] == 2)
    study = optuna.create_study(directions=DIRECTIONS, sampler=sampler)
    study.optimize(measured, n_trials=12)
    assert {trial.params["threads"] for trial in study.trials} == {2}
    assert len(set(keys(study))) == 12


def test_trials_that_run_are_not_proposed_again() -> None:
    study = optuna.create_study(directions=DIRECTIONS, sampler=FrontierSampler(CHOICES, OBJECTIVES))
    asked = [study.ask() for _ in range(10)]
    assert len({tuple(suggested(trial).values()) for trial in asked}) == 10


def test_threads_share_a_sampler() -> None:
    study = optuna.create_study(directions=DIRECTIONS, sampler=FrontierSampler(CHOICES, OBJECTIVES))
    study.optimize(measured, n_trials=24, n_jobs=2)
    assert len(study.trials) == 24


def test_parameters_beyond_the_search_space_are_drawn() -> None:
    study = optuna.create_study(
        directions=DIRECTIONS, sampler=FrontierSampler(CHOICES, OBJECTIVES, seed=0)
    )
    trial = study.ask()
    assert 0 <= trial.suggest_float("other", 0, 1) <= 1


def test_the_first_trials_of_another_sampler_count() -> None:
    study = optuna.create_study(
        directions=DIRECTIONS, sampler=optuna.samplers.RandomSampler(seed=0)
    )
    study.optimize(measured, n_trials=8)
    study.sampler = FrontierSampler(CHOICES, OBJECTIVES)
    study.optimize(measured, n_trials=6)
    assert not set(keys(study)[:8]) & set(keys(study)[8:])


def test_models_of_a_task_that_nothing_is_known_of() -> None:
    """Without priors the search still measures each combination once."""
    sampler = FrontierSampler(CHOICES, OBJECTIVES, seed=1, task="generated")
    study = optuna.create_study(directions=DIRECTIONS, sampler=sampler)
    study.optimize(measured, n_trials=24)
    assert len(set(keys(study))) == 24


def test_wrong_requests() -> None:
    with pytest.raises(RequestError, match="unknown task 'folding'"):
        FrontierSampler(CHOICES, OBJECTIVES, task="folding")
    with pytest.raises(RequestError, match="'speed' is not a metric"):
        FrontierSampler(CHOICES, ["speed"])
    with pytest.raises(RequestError, match="is not an objective"):
        FrontierSampler(CHOICES, [LATENCY.name], constraints=[Constraint(ACCURACY.name, 1.0)])
    with pytest.raises(RequestError, match="nothing to choose"):
        FrontierSampler({**CHOICES, "level": ()}, OBJECTIVES)
    with pytest.raises(RequestError, match="more than 200,000 combinations"):
        FrontierSampler({"model": [str(n) for n in range(200_001)]}, OBJECTIVES)
    study = optuna.create_study(
        directions=DIRECTIONS[::-1], sampler=FrontierSampler(CHOICES, OBJECTIVES)
    )
    with pytest.raises(RequestError, match="are to maximize, minimize"):
        suggested(study.ask())
