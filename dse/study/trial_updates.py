"""What comes to the trials of a revision, read once each."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from dse.study import _ownership
from dse.study.merged import chronological
from dse.study.record import (
    OUTCOME,
    OWNER,
    configuration_of,
    effective_outcome,
    id_of,
    machine_of,
    outcome_of,
    own_measurements,
    purpose_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import optuna

    from dse.core.configuration import Configuration
    from dse.core.measurement import Measurement, Outcome
    from dse.study.drift import TrialId
    from dse.study.record import Purpose
    from dse.study.revisions import SpaceRevision


@dataclass(frozen=True, slots=True)
class TrialUpdate:
    """What a trial holds that was not known of it before.

    Attributes:
        trial: as it is stored now.
        place: its place in the order in which trials were begun.
        measurements: it has taken since.
        outcome: what it tells of its configuration, if it has an outcome since.
    """

    trial: optuna.trial.FrozenTrial
    place: int
    measurements: tuple[Measurement, ...]
    outcome: Outcome | None


@dataclass(frozen=True, slots=True)
class Claim:
    """Something that another process measures at this moment.

    Attributes:
        place: revision and number of its trial: of two claims, the lower one holds.
        configuration: what.
        purpose: why.
    """

    place: TrialId
    configuration: Configuration
    purpose: Purpose


@dataclass(frozen=True, slots=True)
class RunningTrial:
    """A trial that has not ended, and what is known of the process that began it.

    Attributes:
        configuration: what it measures.
        purpose: why.
        machine: where its process runs, as `dse.study.record.machine_of` names it.
        pid: the number of its process; None where it is not told.
        begun: when, in naive local time.
        seen: when its process last gave a sign of life, likewise.
        claimed: whether it is left to its process; else others may measure the same.
    """

    configuration: Configuration
    purpose: Purpose
    machine: str
    pid: int | None
    begun: datetime | None
    seen: datetime | None
    claimed: bool


class TrialReader:
    """Reads a revision's trials as they come.

    Args:
        revision: the revision; its trials were read just now.
        session: the session whose own trials are left out.
        study: the id of its Optuna study.
    """

    def __init__(self, revision: SpaceRevision, session: str, study: int) -> None:
        self.revision = revision
        self.study = study
        self._session = session
        self._read = 0
        self._unfinished: dict[int, frozenset[str]] = {}  # the attributes known of each
        self._signs: dict[int, tuple[datetime | None, float]] = {}  # and when each was seen first
        self._places = chronological(revision.trials)
        self._old = {trial.number for trial in revision.trials if not trial.state.is_finished()}

    @property
    def last(self) -> int:
        """The id of the last trial that is known."""
        trials = self.revision.trials
        return id_of(trials[-1]) if trials else -1

    @property
    def unfinished(self) -> list[optuna.trial.FrozenTrial]:
        """The trials that were unfinished when they were read, in their order."""
        return [self.revision.trials[number] for number in sorted(self._unfinished)]

    def running(self) -> list[optuna.trial.FrozenTrial]:
        """The unfinished trials of others."""
        return [trial for trial in self.unfinished if self._is_running(trial)]

    def own_running(self) -> list[optuna.trial.FrozenTrial]:
        """The trials of this session that had not ended when they were read."""
        return [t for t in self.unfinished if _ownership.session_of(t) == self._session]

    def _is_running(self, trial: optuna.trial.FrozenTrial) -> bool:
        return not trial.state.is_finished() and _ownership.session_of(trial) != self._session

    def claims(self) -> Iterator[Claim]:
        """What others measure now."""
        for trial in self.running():
            configuration = configuration_of(trial)
            if (
                configuration is not None
                and outcome_of(trial) is None
                and _ownership.is_claimed(trial, self._silence(trial))
            ):
                place = self.revision.number, trial.number
                yield Claim(place, configuration, purpose_of(trial))

    def running_trials(self) -> Iterator[RunningTrial]:
        """The unfinished trials of others, whatever became of their processes."""
        for trial in self.running():
            configuration, owner = configuration_of(trial), trial.user_attrs.get(OWNER, {})
            if configuration is not None:
                yield RunningTrial(
                    configuration=configuration,
                    purpose=purpose_of(trial),
                    machine=machine_of(owner),
                    pid=owner.get("pid"),
                    begun=trial.datetime_start,
                    seen=_ownership.last_sign(trial),
                    claimed=_ownership.is_claimed(trial, _ownership.age(trial)),
                )

    def _silence(self, trial: optuna.trial.FrozenTrial) -> timedelta:
        """How long a trial has been watched since its owner's last sign of life.

        The clocks of two machines may differ, so they tell only of what was there from the start.
        """
        sign, now = _ownership.last_sign(trial), time.monotonic()
        if self._signs.setdefault(trial.number, (sign, now))[0] != sign:
            self._signs[trial.number] = sign, now
            self._old.discard(trial.number)
        if trial.number in self._old and _ownership.has_lapsed(trial):
            return timedelta.max
        return timedelta(seconds=now - self._signs[trial.number][1])

    def take(self, found: Iterable[optuna.trial.FrozenTrial]) -> None:
        """Enters trials as they are stored now: those that follow, and those that were unfinished.

        Args:
            found: in the order of their numbers.
        """
        trials = self.revision.trials
        for trial in found:
            if trial.number == len(trials):
                trials.append(trial)
            elif trial.number < len(trials):
                trials[trial.number] = trial

    def news(self) -> Iterator[TrialUpdate]:
        """What has come to the trials of others since it was asked last, as they were begun."""
        trials = self.revision.trials
        pending = [*self.unfinished, *sorted(trials[self._read :], key=self._place)]
        self._read = len(trials)
        for trial in pending:
            known = self._unfinished.pop(trial.number, frozenset())
            if not trial.state.is_finished():
                self._unfinished[trial.number] = frozenset(trial.user_attrs)
            if _ownership.session_of(trial) != self._session:
                outcome = None if OUTCOME in known else effective_outcome(trial)
                measured = tuple(own_measurements(trial, known))
                yield TrialUpdate(trial, self._place(trial), measured, outcome)

    def _place(self, trial: optuna.trial.FrozenTrial) -> int:
        """What has been merged since the study was opened comes after all that was there."""
        return self._places.get(trial.number, trial.number)
