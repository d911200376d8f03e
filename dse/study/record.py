"""How an outcome is kept in the attributes of an Optuna trial."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dse.types import Configuration, Failure, FailureKind, Measurement, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    import optuna

CONFIGURATION = "configuration"
OWNER = "owner"
OUTCOME = "outcome"
MEASUREMENT = "measurement:"
"""Prefix of the attributes that hold what this trial measured itself, by metric."""
COPIED_FROM = "copied_from"
INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Record:
    """A configuration with its outcome.

    Attributes:
        id: the trial's number in its Optuna study.
        configuration: what was measured.
        outcome: what came out.
    """

    id: int
    configuration: Configuration
    outcome: Outcome


def record(trial: optuna.trial.FrozenTrial) -> Record | None:
    """The record of a trial; None while it has no outcome."""
    outcome = trial.user_attrs.get(OUTCOME)
    if outcome is None:
        return None
    configuration = Configuration.from_dict(trial.user_attrs[CONFIGURATION])
    return Record(trial.number, configuration, outcome_from_dict(outcome))


def taken(trial: optuna.trial.FrozenTrial) -> Iterator[Measurement]:
    """The measurements that were taken for this trial, and not remembered from another."""
    for name, value in trial.user_attrs.items():
        if name.startswith(MEASUREMENT):
            yield Measurement.from_dict(value)


def outcome_as_dict(outcome: Outcome) -> dict[str, Any]:
    """A JSON object; the inverse of `outcome_from_dict`."""
    failure = outcome.failure
    return {
        "measurements": [m.as_dict() for m in outcome.measurements],
        "failure": None
        if failure is None
        else {
            "kind": failure.kind.value,
            "message": failure.message,
            "stderr_tail": failure.stderr_tail,
            "attempts": failure.attempts,
            "key": failure.key,
        },
    }


def outcome_from_dict(data: dict[str, Any]) -> Outcome:
    """Reads what `outcome_as_dict` wrote."""
    failure = data["failure"]
    return Outcome(
        tuple(Measurement.from_dict(m) for m in data["measurements"]),
        None if failure is None else Failure(**{**failure, "kind": FailureKind(failure["kind"])}),
    )
