"""The generations of a study.

Optuna freezes the choices of a categorical parameter for good. A study whose space has changed
therefore goes on in a further generation: another Optuna study of the same storage, named
``<study>#<n>``, which begins with those outcomes of the earlier ones that the new space contains.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from dse.errors import RequestError
from dse.frontier import violations
from dse.process import is_alive
from dse.space.plan import parameter_values
from dse.study import record as attributes
from dse.study.about import About
from dse.study.record import Record, outcome_as_dict, outcome_from_dict, record
from dse.study.storage import damage_as_error
from dse.types import METRICS, digest

if TYPE_CHECKING:
    from collections.abc import Iterable

    import optuna
    from optuna.distributions import CategoricalDistribution

    from dse.space.plan import Plan
    from dse.space.space import SearchSpace
    from dse.types import Outcome

SCHEMA = 1
"""Version of the attributes' meaning."""
SCHEMA_ATTRIBUTE, ABOUT_ATTRIBUTE = "dse:schema", "dse:about"
SIGNATURE_ATTRIBUTE = "dse:signature"
OWNERLESS_AFTER = timedelta(minutes=1)
"""A trial that no process has claimed for this long was begun by one that is gone."""


@dataclass(slots=True)
class Generation:
    """One Optuna study of a study.

    Attributes:
        study: the Optuna study.
        about: what it is about.
        records: record by configuration key.
        trials: all trials, as they were read.
    """

    study: optuna.Study
    about: About
    records: dict[str, Record]
    trials: list[optuna.trial.FrozenTrial]


def read(storage: optuna.storages.BaseStorage, name: str) -> list[Generation]:
    """All generations of a study, oldest first; empty where there is none.

    A generation whose creation was interrupted holds nothing and is left out.

    Raises:
        RequestError: an Optuna study of that name is none of ours, or is damaged.
    """
    with damage_as_error(name):
        found = [_read_one(storage, study_name) for study_name in _names(storage, name)]
    return [generation for generation in found if generation is not None]


def _read_one(storage: optuna.storages.BaseStorage, study_name: str) -> Generation | None:
    import optuna

    study = optuna.load_study(study_name=study_name, storage=storage)
    trials = study.get_trials(deepcopy=False)
    about = study.user_attrs.get(ABOUT_ATTRIBUTE)
    if about is None and not trials:
        return None
    if about is None or study.user_attrs.get(SCHEMA_ATTRIBUTE) != SCHEMA:
        raise RequestError(
            f"the Optuna study '{study_name}' was not written by this version",
            remedy="choose another --study",
        )
    found = (record(trial) for trial in trials)
    records = {r.configuration.key: r for r in found if r is not None}
    return Generation(study, About.from_dict(about), records, trials)


def _names(storage: optuna.storages.BaseStorage, name: str) -> list[str]:
    import optuna

    present = set(optuna.get_all_study_names(storage))
    return [n for n in (generation_name(name, i + 1) for i in range(len(present))) if n in present]


def name_within(storage: optuna.storages.BaseStorage, name: str) -> str:
    """The name of the study that a folder's own database holds.

    Args:
        storage: the database.
        name: the folder's, which is the study's unless the folder was renamed.
    """
    import optuna

    with damage_as_error(name):
        names = {each.partition("#")[0] for each in optuna.get_all_study_names(storage)}
    return name if name in names or len(names) != 1 else names.pop()


def generation_name(name: str, number: int) -> str:
    """The name of a generation's Optuna study."""
    return name if number == 1 else f"{name}#{number}"


def signature(space: SearchSpace, plan: Plan) -> str:
    """Two plans with the same signature can share a generation."""
    return digest(
        {
            "parameters": [[p.name, list(p.choices)] for p in plan.parameters],
            # Two plans with the same choices can differ in which of their combinations exist.
            "configurations": sorted(c.key for c in plan.configurations),
            "objectives": list(space.objectives),
            "constraints": space.as_dict()["constraints"],
        }
    )


def open_current(
    storage: optuna.storages.BaseStorage, name: str, space: SearchSpace, plan: Plan, about: About
) -> None:
    """Makes the generation of this plan the last one; it then holds all outcomes of the plan.

    Interrupted anywhere, the next call completes what is missing.
    """
    generations = read(storage, name)
    for generation in generations:
        settle(generation)
    current = generations[-1] if generations else None
    mark = signature(space, plan)
    if current is None or current.study.user_attrs.get(SIGNATURE_ATTRIBUTE) != mark:
        _create(storage, generation_name(name, len(generations) + 1), space, mark, about)
    elif current.about != about:
        current.study.set_user_attr(ABOUT_ATTRIBUTE, about.as_dict())
    *earlier, current = read(storage, name)
    _copy(earlier, current, space, plan)


def _create(
    storage: optuna.storages.BaseStorage,
    study_name: str,
    space: SearchSpace,
    mark: str,
    about: About,
) -> None:
    import optuna

    if study_name in optuna.get_all_study_names(storage):
        # Its creation was interrupted, perhaps for another space; it has no trials.
        optuna.delete_study(study_name=study_name, storage=storage)
    directions = [METRICS[objective].direction for objective in space.objectives]
    study = optuna.create_study(study_name=study_name, storage=storage, directions=directions)
    with warnings.catch_warnings():
        # Long marked experimental; without it optuna-dashboard shows nameless objectives.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.set_metric_names(list(space.objectives))
    study.set_user_attr(SCHEMA_ATTRIBUTE, SCHEMA)
    study.set_user_attr(SIGNATURE_ATTRIBUTE, mark)
    study.set_user_attr(ABOUT_ATTRIBUTE, about.as_dict())


def settle(generation: Generation) -> None:
    """Ends the trials whose processes are gone: with their outcome if it was stored, else failed.

    A failed one has no outcome, so its configuration comes up again.
    """
    import optuna

    for trial in generation.trials:
        if trial.state != optuna.trial.TrialState.RUNNING or not _abandoned(trial):
            continue
        stored = trial.user_attrs.get(attributes.OUTCOME)
        if stored is None:
            state = optuna.trial.TrialState.FAIL
            generation.study.tell(trial.number, state=state, skip_if_finished=True)
        else:
            objectives = generation.about.space["objectives"]
            tell(generation.study, trial.number, outcome_from_dict(stored), objectives)


def _abandoned(trial: optuna.trial.FrozenTrial) -> bool:
    owner = trial.user_attrs.get(attributes.OWNER)
    if owner is not None:
        return is_alive(owner) is False
    begun = trial.datetime_start
    return (
        begun is not None and datetime.now() - begun > OWNERLESS_AFTER
    )  # Optuna's times are naive


def tell(study: optuna.Study, number: int, outcome: Outcome, objectives: Iterable[str]) -> None:
    """Ends a trial with its outcome, unless another process has done so."""
    import optuna

    if outcome.failure is not None:
        study.tell(number, state=optuna.trial.TrialState.FAIL, skip_if_finished=True)
    else:
        values = [outcome.values[name] for name in objectives]
        study.tell(number, values, skip_if_finished=True)


def distributions(plan: Plan) -> dict[str, CategoricalDistribution]:
    """The Optuna distribution of each parameter of a plan."""
    from optuna.distributions import CategoricalDistribution

    return {p.name: CategoricalDistribution(p.choices) for p in plan.parameters}


def _copy(earlier: list[Generation], current: Generation, space: SearchSpace, plan: Plan) -> None:
    """Adds the outcomes of earlier generations that the plan contains and the current one lacks."""
    planned = {configuration.key for configuration in plan.configurations}
    choices = distributions(plan)
    for generation in reversed(earlier):
        same_metrics = set(generation.about.metrics) == set(current.about.metrics)
        for key, found in generation.records.items():
            if key not in planned or key in current.records:
                continue
            complete = set(current.about.metrics) <= set(found.outcome.values)
            if complete if found.outcome.failure is None else same_metrics:
                current.study.add_trial(_copied(found, generation, space, choices))
                current.records[key] = found


def _copied(
    found: Record,
    generation: Generation,
    space: SearchSpace,
    choices: dict[str, CategoricalDistribution],
) -> optuna.trial.FrozenTrial:
    import optuna

    values = parameter_values(found.configuration)
    user_attrs: dict[str, Any] = {
        attributes.CONFIGURATION: found.configuration.as_dict(),
        attributes.OUTCOME: outcome_as_dict(found.outcome),
        attributes.COPIED_FROM: f"{generation.study.study_name}/{found.id}",
    }
    measured = found.outcome.failure is None
    state = optuna.trial.TrialState.COMPLETE if measured else optuna.trial.TrialState.FAIL
    return optuna.trial.create_trial(
        state=state,
        values=[found.outcome.values[o] for o in space.objectives] if measured else None,
        params=values,
        distributions={name: choices[name] for name in values},
        user_attrs=user_attrs,
        constraints=violations(found.outcome.values, space.constraints) if measured else None,
    )
