"""Ends the trials of processes that are gone, with all that they have left behind."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from dse.study import _journal, _ownership, _transactions
from dse.study.record import (
    configuration_of,
    id_of,
    measurement_name,
    outcome_of,
    outcome_that_counts,
    purpose_of,
)

if TYPE_CHECKING:
    from pathlib import Path

    import optuna
    import sqlalchemy

    from dse.study.revisions import SpaceRevision


def run_name(revision: int, number: int) -> str:
    """The name of the run folders of a trial, but for the number of the try."""
    return f"{revision}-{number:06d}"


def recover_orphaned_trials(
    engine: sqlalchemy.Engine, revision: SpaceRevision, runs: Path, *, alone: bool = False
) -> None:
    """Ends them with their outcome if it was stored, else failed.

    A failed one has no outcome, so its configuration comes up again; what was measured of it is
    remembered, also where only the journal of the run has it. ``alone``: nobody else uses it.
    """
    import optuna

    for trial in revision.trials:
        if trial.state != optuna.trial.TrialState.RUNNING:
            continue
        orphaned = _ownership.is_orphaned(trial, alone=alone)
        if orphaned or not _ownership.is_claimed(trial, _ownership.age(trial)):
            missing = _missing(revision, trial, runs)
            # What nobody claims any more ends where its journal is: in no other folder is more.
            if orphaned or missing:
                # Of several processes that find it the first one ends it.
                _transactions.end_trial(engine, id_of(trial), _values(revision, trial), missing, {})


def _missing(
    revision: SpaceRevision, trial: optuna.trial.FrozenTrial, runs: Path
) -> dict[str, Any]:
    """The attributes of the measurements that only the journal has."""
    kept: Counter[str] = Counter()
    missing: dict[str, Any] = {}
    run, session = run_name(revision.number, trial.number), _ownership.session_of(trial)
    for measurement in _journal.read(runs, run, session):
        name = measurement_name(measurement, kept[measurement.metric])
        kept[measurement.metric] += 1
        if name not in trial.user_attrs:
            missing[name] = measurement.as_dict()
    return missing


def _values(revision: SpaceRevision, trial: optuna.trial.FrozenTrial) -> list[float] | None:
    """The values of a trial's objectives; None where it has no outcome, or a failure."""
    outcome = outcome_of(trial)
    if outcome is None or outcome.failure is not None:
        return None
    told = outcome_that_counts(outcome, purpose_of(trial))
    values = _values_before(revision, trial) | told.values
    return [values[name] for name in revision.about.space["objectives"]]


def _values_before(revision: SpaceRevision, trial: optuna.trial.FrozenTrial) -> dict[str, float]:
    """What was known of a trial's configuration from other trials: a repetition takes less."""
    configuration = configuration_of(trial)
    known = revision.known().get(configuration.key) if configuration else None
    return known.outcome.values if known else {}
