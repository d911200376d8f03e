"""Trials that have come from elsewhere: which they are, and what must agree about them.

A trial keeps the session that began it wherever it is merged, so that it is taken in only once.
Its number may change; `dse.study.record.ORIGIN` keeps the first one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dse.core.checksums import digest
from dse.study.record import (
    CONFIGURATION,
    COPIED_FROM,
    MEASUREMENT,
    ORIGIN,
    OUTCOME,
    OWNER,
    PURPOSE,
    WITHDRAWN,
    measurement_from_dict,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    import optuna

    from dse.core.configuration import KnobValue

SESSION = "session"


@dataclass(frozen=True, slots=True)
class EndedTrial:
    """A trial that has ended elsewhere.

    Attributes:
        number: its number where it was begun.
        begun: when, in naive local time.
        ended: when, likewise.
        values: of the objectives; None for a trial that has failed.
        parameters: the values of the space's parameters.
        attributes: the user's attributes of the Optuna trial.
        constraints: by how much each bound is missed, by the name that Optuna keeps it under.
    """

    number: int
    begun: datetime | None
    ended: datetime | None
    values: tuple[float, ...] | None
    parameters: Mapping[str, KnobValue]
    attributes: Mapping[str, Any]
    constraints: Mapping[str, float]

    @property
    def identity(self) -> str:
        """See `identity_of`."""
        return _identity(self.attributes, self.number)

    def as_template(self, choices: Mapping[str, Sequence[KnobValue]]) -> optuna.trial.FrozenTrial:
        """The trial as Optuna would have it, but for its numbers.

        Args:
            choices: of each parameter, by its name.
        """
        import optuna

        complete = self.values is not None
        template = optuna.trial.create_trial(
            state=optuna.trial.TrialState.COMPLETE if complete else optuna.trial.TrialState.FAIL,
            values=self.values,
            params=dict(self.parameters),
            distributions={
                name: optuna.distributions.CategoricalDistribution(choices[name])
                for name in self.parameters
            },
            user_attrs={ORIGIN: self.number, **self.attributes},
            constraints=dict(self.constraints) if self.constraints else None,
        )
        template.datetime_start, template.datetime_complete = self.begun, self.ended
        return template


def identity_of(trial: optuna.trial.FrozenTrial) -> str:
    """What a trial is called in every study that it is merged into.

    It is the session and the number under which it was begun. Trials of versions that stored no
    session are called by what they hold.
    """
    return _identity(trial.user_attrs, trial.number)


def _identity(attributes: Mapping[str, Any], number: int) -> str:
    session = attributes.get(OWNER, {}).get(SESSION)
    if session is None:
        return f"digest:{content_digest(attributes)}"
    return f"{session}:{attributes.get(ORIGIN, number)}"


def is_copy(trial: optuna.trial.FrozenTrial) -> bool:
    """Whether a trial only repeats outcomes of an earlier revision of its study."""
    return COPIED_FROM in trial.user_attrs


def content_digest(attributes: Mapping[str, Any]) -> str:
    """A hash of what a trial measured and how it ended; run folders may be called otherwise."""
    content = {name: attributes.get(name) for name in (CONFIGURATION, PURPOSE, WITHDRAWN)}
    own = [_bare(value) for name, value in attributes.items() if name.startswith(MEASUREMENT)]
    outcome = attributes.get(OUTCOME)
    if outcome is not None:
        failure = outcome["failure"]
        outcome = {
            "measurements": [_bare(value) for value in outcome["measurements"]],
            "failure": failure and {**failure, "run": ""},
        }
    return digest({**content, "own": sorted(map(digest, own)), OUTCOME: outcome})


def _bare(measurement: dict[str, Any]) -> dict[str, Any]:
    return {**measurement_from_dict(measurement).as_dict(), "run": ""}


def last_numbers(trials: Iterable[optuna.trial.FrozenTrial]) -> dict[str, int]:
    """The highest number of the ended trials of each session.

    A process ends a trial before it begins the next, so that all trials before it are there, too.
    """
    found: dict[str, int] = {}
    for trial in trials:
        session = trial.user_attrs.get(OWNER, {}).get(SESSION)
        if session is not None and trial.state.is_finished():
            number = trial.user_attrs.get(ORIGIN, trial.number)
            found[session] = max(number, found.get(session, -1))
    return found


def chronological(trials: Sequence[optuna.trial.FrozenTrial]) -> dict[int, int]:
    """The place of each trial, by its number, in the order in which the trials were begun.

    Empty for a study in which nothing was merged: there the numbers are in this order. What is
    merged comes in any order, and the results must not depend on it.
    """
    if not any(ORIGIN in trial.user_attrs for trial in trials):
        return {}
    ordered = sorted(trials, key=_begun)
    return {trial.number: place for place, trial in enumerate(ordered)}


def _begun(trial: optuna.trial.FrozenTrial) -> tuple[float, str]:
    begun = trial.datetime_start
    return (begun.timestamp() if begun else 0.0), identity_of(trial)
