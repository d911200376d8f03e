"""How an outcome is kept in the attributes of an Optuna trial."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from dse.core.configuration import Configuration
from dse.core.details import QualityDetails
from dse.core.measurement import FIDELITY_ORDER, Failure, FailureKind, Measurement, Outcome
from dse.core.metrics import is_quality
from dse.study.rounds import RoundPlace

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    import optuna

CONFIGURATION = "configuration"
PURPOSE = "purpose"
OWNER = "owner"
OUTCOME = "outcome"
ROUND = "round"
"""The attribute of a trial of a round, see `dse.study.rounds.RoundPlace`."""
WITHDRAWN = "withdrawn"
"""Says that the trial was ended for another process measures the same."""
MEASUREMENT = "measurement:"
"""Prefix of the attributes that hold what this trial measured itself, by metric."""
COPIED_FROM = "copied_from"
ORIGIN = "origin"
"""The number that a merged trial had where it was begun; others have none."""
OTHER_SPACE = "other_space"
"""Says that a merged trial was made in an earlier space: it tells nothing of its configuration."""


class Purpose(StrEnum):
    """Why a trial was begun."""

    EXPLORE = "explore"  # the first measurement of a configuration
    REPEAT = "repeat"  # its measurement is in doubt, or the noise of such ones is not known
    ROUND = "round"  # rivals on the frontier, one right after the other
    ANCHOR = "anchor"  # whether the machine is what it was
    VALIDATE = "validate"  # a run by MLPerf's own rules


@dataclass(frozen=True, slots=True)
class Record:
    """A configuration with what is known of it.

    Attributes:
        id: the number of its first trial in the Optuna study.
        configuration: what was measured.
        outcome: what came out, and what further trials have added.
    """

    id: int
    configuration: Configuration
    outcome: Outcome


def configuration_of(trial: optuna.trial.FrozenTrial) -> Configuration | None:
    """What a trial measures; None for one that was ended before that was stored."""
    flat = trial.user_attrs.get(CONFIGURATION)
    return None if flat is None else Configuration.from_dict(flat)


def outcome_of(trial: optuna.trial.FrozenTrial) -> Outcome | None:
    """The outcome of a trial; None while it has none."""
    stored = trial.user_attrs.get(OUTCOME)
    return None if stored is None else outcome_from_dict(stored)


def outcome_that_counts(outcome: Outcome, purpose: Purpose) -> Outcome:
    """What the outcome of a trial tells of its configuration.

    That a run by MLPerf's rules or one of a round has failed takes nothing from what earlier ones
    have shown, and a rehearsal tells nothing at all. The values of brief runs count in ratios only.
    """
    measurements = tuple(m for m in outcome.measurements if m.fidelity in FIDELITY_ORDER)
    failure = None if purpose in (Purpose.VALIDATE, Purpose.ROUND) else outcome.failure
    return Outcome(measurements, failure)


def effective_outcome(trial: optuna.trial.FrozenTrial) -> Outcome | None:
    """What a trial tells of its configuration; None while it has no outcome."""
    outcome = outcome_of(trial)
    return None if outcome is None else outcome_that_counts(outcome, purpose_of(trial))


def purpose_of(trial: optuna.trial.FrozenTrial) -> Purpose:
    """Why a trial was begun."""
    return Purpose(trial.user_attrs.get(PURPOSE, Purpose.EXPLORE))


def round_of(trial: optuna.trial.FrozenTrial) -> RoundPlace | None:
    """The place of a trial in a round; None where it is of none."""
    stored = trial.user_attrs.get(ROUND)
    host = machine_of(trial.user_attrs.get(OWNER, {}))
    return None if stored is None else RoundPlace.from_dict(stored, host)


def id_of(trial: optuna.trial.FrozenTrial) -> int:
    """The number of a trial in the storage, whatever its study."""
    return trial._trial_id  # noqa: SLF001  # Optuna's own storages take it


def host_of(trial: optuna.trial.FrozenTrial) -> str:
    """The machine that a trial ran on; empty where it is not told."""
    return str(trial.user_attrs.get(OWNER, {}).get("host", ""))


def machine_of(owner: Mapping[str, Any]) -> str:
    """Names the machine of an owner of a trial; empty where it is not told.

    Args:
        owner: the trial's attribute, or the identity of a process.
    """
    host, machine = str(owner.get("host", "")), str(owner.get("machine", ""))
    return f"{host} ({machine[:6]})" if machine else host


def own_measurements(
    trial: optuna.trial.FrozenTrial, known: Collection[str] = ()
) -> Iterator[Measurement]:
    """The measurements that were taken for this trial, and not remembered from another.

    Args:
        trial: the trial.
        known: attributes to leave out.
    """
    for name, value in trial.user_attrs.items():
        if name.startswith(MEASUREMENT) and name not in known:
            yield measurement_from_dict(value)


def measurement_name(measurement: Measurement, number: int) -> str:
    """The attribute that holds a measurement.

    Args:
        measurement: one of a trial's own.
        number: of the same metric in the same trial, from 0.
    """
    again = f"#{number + 1}" if number else ""
    return f"{MEASUREMENT}{measurement.metric}{again}"


def outcome_as_dict(outcome: Outcome) -> dict[str, Any]:
    """A JSON object without the answers to single samples; the inverse of `outcome_from_dict`."""
    failure = outcome.failure
    return {
        "measurements": [_without_answers(m).as_dict() for m in outcome.measurements],
        "failure": None
        if failure is None
        else {
            "kind": failure.kind.value,
            "message": failure.message,
            "stderr_tail": failure.stderr_tail,
            "attempts": failure.attempts,
            "key": failure.key,
            "run": failure.run,
        },
    }


def _without_answers(measurement: Measurement) -> Measurement:
    """Leaves out which samples were answered right: the trial that measured it has kept that.

    It may be long, and one quality is in the outcome of each trial with the same model and runtime.
    """
    if not is_quality(measurement.metric):
        return measurement
    details = replace(QualityDetails.of(measurement.details), right=None)
    return replace(measurement, details=details.as_dict())


def outcome_from_dict(data: dict[str, Any]) -> Outcome:
    """Reads what `outcome_as_dict` wrote."""
    failure = data["failure"]
    return Outcome(
        tuple(measurement_from_dict(m) for m in data["measurements"]),
        None if failure is None else Failure(**{**failure, "kind": FailureKind(failure["kind"])}),
    )


def measurement_from_dict(data: dict[str, Any]) -> Measurement:
    """Reads a stored measurement, also one of schema 1.

    That called the fidelity validity, and knew probes only.
    """
    if "validity" in data:
        data = {name: value for name, value in data.items() if name != "validity"}
        data["fidelity"] = "probe"
    return Measurement.from_dict(data)
