"""From the trials of a study to the lines of a bundle, and back."""

from __future__ import annotations

from collections import Counter
from datetime import UTC
from typing import TYPE_CHECKING, Any

from dse.core.configuration import Configuration
from dse.core.measurement import Measurement
from dse.space.plan import parameter_values
from dse.study import record as attributes
from dse.study.merged import SESSION, EndedTrial
from dse.study.record import measurement_from_dict, measurement_name

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import datetime

    import optuna

    from dse.bundles._forms import TrialForm

HOST, MACHINE = "host", "machine"


def trial_line(
    trial: optuna.trial.FrozenTrial, rename: Callable[[str], str], *, counts: bool
) -> dict[str, Any]:
    """The line of a trial that has ended.

    Args:
        trial: as Optuna has it.
        rename: gives the name of a run in the bundle.
        counts: whether it tells of a configuration of the space.
    """
    stored = trial.user_attrs
    outcome = stored.get(attributes.OUTCOME)
    complete = counts and trial.values is not None
    return {
        "kind": "trial",
        "number": stored.get(attributes.ORIGIN, trial.number),
        "begun": _utc(trial.datetime_start),
        "ended": _utc(trial.datetime_complete),
        "counts": counts,
        "purpose": attributes.purpose_of(trial).value,
        "configuration": stored.get(attributes.CONFIGURATION),
        "owner": _owner(stored.get(attributes.OWNER)),
        "round": stored.get(attributes.ROUND),
        "withdrawn": bool(stored.get(attributes.WITHDRAWN)),
        "values": list(trial.values) if complete else None,
        "constraints": dict(trial.constraints or {}) if complete else {},
        "own": [
            _measurement(value, rename)
            for name, value in stored.items()
            if name.startswith(attributes.MEASUREMENT)
        ],
        "outcome": outcome and _outcome(outcome, rename),
    }


def _owner(stored: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Without what only tells whether the process still runs."""
    if stored is None:
        return None
    names = (SESSION, None), (HOST, ""), (MACHINE, "")
    return {name: stored.get(name, missing) for name, missing in names}


def _measurement(stored: dict[str, Any], rename: Callable[[str], str]) -> dict[str, Any]:
    found = measurement_from_dict(stored).as_dict()
    return {**found, "run": rename(found["run"])}


def _outcome(stored: dict[str, Any], rename: Callable[[str], str]) -> dict[str, Any]:
    failure = stored["failure"]
    return {
        "measurements": [_measurement(value, rename) for value in stored["measurements"]],
        "failure": failure and {**failure, "run": rename(failure.get("run", ""))},
    }


def ended_trial(form: TrialForm, choices: Collection[str]) -> EndedTrial:
    """The trial of a line, of a study whose parameters have these names."""
    data = form.model_dump(mode="json")
    stored: dict[str, Any] = {attributes.PURPOSE: data["purpose"]}
    if data["configuration"] is not None:
        configuration = Configuration.from_dict(data["configuration"])
        stored[attributes.CONFIGURATION] = configuration.as_dict()
    if form.owner is not None:
        stored[attributes.OWNER] = {n: v for n, v in data["owner"].items() if v not in (None, "")}
    if form.round is not None:
        stored[attributes.ROUND] = data["round"]
    if form.withdrawn:
        stored[attributes.WITHDRAWN] = True
    if not form.counts:
        stored[attributes.OTHER_SPACE] = True
    taken = Counter[str]()
    for value in data["own"]:
        measurement = Measurement.from_dict(value)
        stored[measurement_name(measurement, taken[measurement.metric])] = measurement.as_dict()
        taken[measurement.metric] += 1
    if form.outcome is not None:
        stored[attributes.OUTCOME] = data["outcome"]
    counts = form.counts and form.configuration is not None
    return EndedTrial(
        number=form.number,
        begun=_local(form.begun),
        ended=_local(form.ended),
        values=form.values,
        parameters=parameter_values(configuration, choices) if counts else {},
        attributes=stored,
        constraints=form.constraints,
    )


def _utc(moment: datetime | None) -> str | None:
    """A naive local time as it stands in a bundle."""
    return moment.astimezone(UTC).isoformat() if moment else None


def _local(moment: datetime | None) -> datetime | None:
    return moment.astimezone().replace(tzinfo=None) if moment else None
