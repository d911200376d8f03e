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

    from dse.study.generations import SpaceRevision


def run_name(generation: int, number: int) -> str:
    """The name of the run folders of a trial, but for the number of the try."""
    return f"{generation}-{number:06d}"


def recover_orphaned_trials(
    engine: sqlalchemy.Engine, generation: SpaceRevision, runs: Path, *, alone: bool = False
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
            missing = _missing(generation, trial, runs)
            # Of several processes that find it the first one ends it.
            _transactions.end_trial(engine, id_of(trial), _values(generation, trial), missing, {})


def _missing(
    generation: SpaceRevision, trial: optuna.trial.FrozenTrial, runs: Path
) -> dict[str, Any]:
    """The attributes of the measurements that only the journal has."""
    kept: Counter[str] = Counter()
    missing: dict[str, Any] = {}
    run, session = run_name(generation.number, trial.number), _ownership.session_of(trial)
    for measurement in _journal.read(runs, run, session):
        name = measurement_name(measurement, kept[measurement.metric])
        kept[measurement.metric] += 1
        if name not in trial.user_attrs:
            missing[name] = measurement.as_dict()
    return missing


def _values(generation: SpaceRevision, trial: optuna.trial.FrozenTrial) -> list[float] | None:
    """The values of a trial's objectives; None where it has no outcome, or a failure."""
    outcome = outcome_of(trial)
    if outcome is None or outcome.failure is not None:
        return None
    told = outcome_that_counts(outcome, purpose_of(trial))
    values = _values_before(generation, trial) | told.values
    return [values[name] for name in generation.about.space["objectives"]]


def _values_before(generation: SpaceRevision, trial: optuna.trial.FrozenTrial) -> dict[str, float]:
    """What was known of a trial's configuration from other trials: a repetition takes less."""
    configuration = configuration_of(trial)
    known = generation.known().get(configuration.key) if configuration else None
    return known.outcome.values if known else {}
