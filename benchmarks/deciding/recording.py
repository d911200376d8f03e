"""The trials of a study as plain JSON, from which everything can be decided anew."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from dse.core.configuration import Configuration
from dse.core.measurement import (
    FIDELITY_ORDER,
    Failure,
    FailureKind,
    Measurement,
    Outcome,
    Source,
)
from dse.core.wording import format_count
from dse.study.folder import existing_folder
from dse.study.record import (
    Purpose,
    configuration_of,
    outcome_of,
    own_measurements,
    purpose_of,
    round_of,
)
from dse.study.rounds import RoundPlace
from dse.study.study import Study

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from optuna.trial import FrozenTrial

    from dse.core.configuration import KnobValue
    from dse.machine.system import System


@dataclass(frozen=True, slots=True)
class Taken:
    """A trial with an outcome.

    Attributes:
        configuration: what was measured.
        purpose: why.
        at: its beginning, in seconds since the epoch.
        seconds: it took.
        outcome: what came out.
        own: the metrics that were measured for this trial, and not remembered from another.
        place: in a round; None for none.
    """

    configuration: Configuration
    purpose: Purpose
    at: float
    seconds: float
    outcome: Outcome
    own: frozenset[str]
    place: RoundPlace | None = None

    def as_dict(self) -> dict[str, Any]:
        """A JSON object; the inverse of `from_dict`."""
        failure = self.outcome.failure
        return {
            "configuration": self.configuration.as_dict(),
            "purpose": self.purpose.value,
            "at": round(self.at, 3),
            "seconds": round(self.seconds, 3),
            "measurements": [_as_list(m) for m in self.outcome.measurements],
            "own": sorted(self.own),
            **({"failure": failure.kind.value} if failure else {}),
            **({"round": self.place.as_dict()} if self.place else {}),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Reads what `as_dict` wrote."""
        failure = Failure(FailureKind(data["failure"]), "") if "failure" in data else None
        return cls(
            configuration=Configuration.from_dict(data["configuration"]),
            purpose=Purpose(data["purpose"]),
            at=data["at"],
            seconds=data["seconds"],
            outcome=Outcome(tuple(map(_from_list, data["measurements"])), failure),
            own=frozenset(data["own"]),
            place=RoundPlace.from_dict(data["round"]) if "round" in data else None,
        )


@dataclass(frozen=True, slots=True)
class Recording:
    """A study.

    Attributes:
        machine: that it was measured on, in words.
        space: its search space, as `dse.space.space.SearchSpace.as_dict` has it.
        trials: those with an outcome, in the order in which they began.
    """

    machine: str
    space: Mapping[str, Any]
    trials: tuple[Taken, ...]

    @property
    def rounds(self) -> tuple[str, ...]:
        """The ids of the rounds, in the order in which they began."""
        places = (trial.place for trial in self.trials)
        return tuple(dict.fromkeys(place.id for place in places if place))

    @property
    def settling_s(self) -> float:
        """The seconds that the rounds took, added up."""
        return sum(trial.seconds for trial in self.trials if trial.place)

    def as_dict(self) -> dict[str, Any]:
        """A JSON object; the inverse of `from_dict`."""
        trials = [trial.as_dict() for trial in self.trials]
        return {"machine": self.machine, "space": dict(self.space), "trials": trials}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Reads what `as_dict` wrote."""
        return cls(data["machine"], data["space"], tuple(map(Taken.from_dict, data["trials"])))


def record(folder: Path) -> Recording:
    """Reads the trials of a study.

    Raises:
        RequestError: there is none, or it can't be read.
    """
    study = Study.load(existing_folder(str(folder)))
    wanted = {*study.space.objectives, *(bound.metric for bound in study.space.constraints)}
    trials = (_taken(trial, wanted) for trial in study.optuna_study.trials)
    kept = tuple(trial for trial in trials if trial)
    return Recording(described(study.system), study.space.as_dict(), kept)


def described(system: System) -> str:
    """A machine in words."""
    return f"{system.cpu} with {format_count(system.available_cpus, 'CPU')}"


def _taken(trial: FrozenTrial, wanted: Collection[str]) -> Taken | None:
    """What a trial says of the wanted metrics; None while it has no outcome."""
    configuration, outcome = configuration_of(trial), outcome_of(trial)
    begun, ended = trial.datetime_start, trial.datetime_complete
    if configuration is None or outcome is None or begun is None or ended is None:
        return None
    outcome = replace(
        outcome, measurements=tuple(m for m in outcome.measurements if m.metric in wanted)
    )
    return Taken(
        configuration,
        purpose_of(trial),
        begun.timestamp(),
        (ended - begun).total_seconds(),
        outcome,
        frozenset(m.metric for m in own_measurements(trial) if m.metric in wanted),
        round_of(trial),
    )


def values_by_name(trials: Sequence[Taken], metric: str) -> dict[str, list[float]]:
    """The values of a metric that were measured, by configuration, in the order taken.

    Those of brief runs are left out: they are held against each other only.
    """
    found: dict[str, list[float]] = {}
    for trial in trials:
        measurement = trial.outcome.measurement(metric)
        if measurement and metric in trial.own and measurement.fidelity in FIDELITY_ORDER:
            found.setdefault(str(trial.configuration), []).append(measurement.value)
    return found


def _as_list(measurement: Measurement) -> list[KnobValue]:
    m = measurement
    return [m.metric, m.value, m.key, m.source.value, m.fidelity, round(m.seconds, 3), m.disturbed]


def _from_list(data: Sequence[Any]) -> Measurement:
    metric, value, key, source, fidelity, seconds, disturbed = data
    details = {"disturbed": disturbed} if disturbed else {}
    return Measurement(
        metric, value, key, Source(source), fidelity, seconds=seconds, details=details
    )
