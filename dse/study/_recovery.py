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
    from dse.study.revisions import SpaceRevision


def run_name(revision: int, number: int) -> str:
    """The name of the run folders of a trial, but for the number of the try."""
    return f"{revision}-{number:06d}"


def recover_orphaned_trials(
    storage: optuna.storages.BaseStorage,
    revision: SpaceRevision,
    runs: Path,
    *,
    alone: bool = False,
) -> None:
    """Ends them with their outcome if it was stored, else failed.

    A failed one has no outcome, so its configuration comes up again; what was measured of it is
    remembered, also where only the journal of the run has it. ``alone``: nobody else uses it.
    """
    import optuna

    for trial in revision.trials:
        if trial.state == optuna.trial.TrialState.RUNNING and _ownership.is_orphaned(
            trial, alone=alone
        ):
            _complete(storage, revision, trial, runs)
            _end(revision, trial)


def _complete(
    storage: optuna.storages.BaseStorage,
    revision: SpaceRevision,
    trial: optuna.trial.FrozenTrial,
    runs: Path,
) -> None:
    """Stores the measurements that only the journal has."""
    study = storage.get_study_id_from_name(revision.study.study_name)
    id_ = storage.get_trial_id_from_study_id_trial_number(study, trial.number)
    kept: Counter[str] = Counter()
    run, session = run_name(revision.number, trial.number), _ownership.session_of(trial)
    for measurement in _journal.read(runs, run, session):
        name = measurement_name(measurement, kept[measurement.metric])
        kept[measurement.metric] += 1
        if name not in trial.user_attrs:
            storage.set_trial_user_attr(id_, name, measurement.as_dict())


def _end(revision: SpaceRevision, trial: optuna.trial.FrozenTrial) -> None:
    import optuna

    stored = trial.user_attrs.get(OUTCOME)
    if stored is None:
        state = optuna.trial.TrialState.FAIL
        revision.study.tell(trial.number, state=state, skip_if_finished=True)
    else:
        objectives = revision.about.space["objectives"]
        outcome = outcome_from_dict(stored)
        told = outcome_that_counts(outcome, purpose_of(trial))
        values = _values_before(revision, trial) | told.values
        tell(revision.study, trial.number, outcome, values, objectives)


def _values_before(revision: SpaceRevision, trial: optuna.trial.FrozenTrial) -> dict[str, float]:
    """What was known of a trial's configuration from other trials: a repetition takes less."""
    configuration = configuration_of(trial)
    known = revision.known().get(configuration.key) if configuration else None
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
