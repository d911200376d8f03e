"""Ends the trials of processes that are gone, with all that they have left behind."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from dse.study import _journal, _ownership
from dse.study.record import (
    OUTCOME,
    configuration_of,
    measurement_name,
    outcome_from_dict,
    outcome_that_counts,
    purpose_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import optuna

    from dse.core.measurement import Outcome
    from dse.study.generations import SpaceRevision


def run_name(generation: int, number: int) -> str:
    """The name of the run folders of a trial, but for the number of the try."""
    return f"{generation}-{number:06d}"


def recover_orphaned_trials(
    storage: optuna.storages.BaseStorage,
    generation: SpaceRevision,
    runs: Path,
    *,
    alone: bool = False,
) -> None:
    """Ends them with their outcome if it was stored, else failed.

    A failed one has no outcome, so its configuration comes up again; what was measured of it is
    remembered, also where only the journal of the run has it. ``alone``: nobody else uses it.
    """
    import optuna

    for trial in generation.trials:
        if trial.state == optuna.trial.TrialState.RUNNING and _ownership.is_orphaned(
            trial, alone=alone
        ):
            _complete(storage, generation, trial, runs)
            _end(generation, trial)


def _complete(
    storage: optuna.storages.BaseStorage,
    generation: SpaceRevision,
    trial: optuna.trial.FrozenTrial,
    runs: Path,
) -> None:
    """Stores the measurements that only the journal has."""
    study = storage.get_study_id_from_name(generation.study.study_name)
    id_ = storage.get_trial_id_from_study_id_trial_number(study, trial.number)
    kept: Counter[str] = Counter()
    run, session = run_name(generation.number, trial.number), _ownership.session_of(trial)
    for measurement in _journal.read(runs, run, session):
        name = measurement_name(measurement, kept[measurement.metric])
        kept[measurement.metric] += 1
        if name not in trial.user_attrs:
            storage.set_trial_user_attr(id_, name, measurement.as_dict())


def _end(generation: SpaceRevision, trial: optuna.trial.FrozenTrial) -> None:
    import optuna

    stored = trial.user_attrs.get(OUTCOME)
    if stored is None:
        state = optuna.trial.TrialState.FAIL
        generation.study.tell(trial.number, state=state, skip_if_finished=True)
    else:
        objectives = generation.about.space["objectives"]
        outcome = outcome_from_dict(stored)
        told = outcome_that_counts(outcome, purpose_of(trial))
        values = _values_before(generation, trial) | told.values
        tell(generation.study, trial.number, outcome, values, objectives)


def _values_before(generation: SpaceRevision, trial: optuna.trial.FrozenTrial) -> dict[str, float]:
    """What was known of a trial's configuration from other trials: a repetition takes less."""
    configuration = configuration_of(trial)
    known = generation.known().get(configuration.key) if configuration else None
    return known.outcome.values if known else {}


def tell(
    study: optuna.Study,
    number: int,
    outcome: Outcome,
    values: Mapping[str, float],
    objectives: Iterable[str],
) -> None:
    """Ends a trial with its outcome, unless another process has; a failed one has no values."""
    import optuna

    if outcome.failure is not None:
        study.tell(number, state=optuna.trial.TrialState.FAIL, skip_if_finished=True)
    else:
        study.tell(number, [values[name] for name in objectives], skip_if_finished=True)
