"""What comes to the trials of a revision, read once each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dse.study import _ownership
from dse.study.record import (
    OUTCOME,
    configuration_of,
    effective_outcome,
    outcome_of,
    own_measurements,
    purpose_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

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
        measurements: it has taken since.
        outcome: what it tells of its configuration, if it has an outcome since.
    """

    trial: optuna.trial.FrozenTrial
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


class TrialReader:
    """Reads a revision's trials as they come.

    Args:
        revision: the revision; its trials were read just now.
        session: the session whose own trials are left out.
    """

    def __init__(self, revision: SpaceRevision, session: str) -> None:
        self.revision = revision
        self._session = session
        self._read = 0
        self._unfinished: dict[int, frozenset[str]] = {}  # the attributes known of each

    def running(self) -> list[optuna.trial.FrozenTrial]:
        """The unfinished trials of others."""
        return [trial for trial in self._pending() if not trial.state.is_finished()]

    def _pending(self) -> Iterator[optuna.trial.FrozenTrial]:
        """The trials of others that may hold something new, in their order."""
        trials = self.revision.trials
        for number in (*sorted(self._unfinished), *range(self._read, len(trials))):
            if _ownership.session_of(trials[number]) != self._session:
                yield trials[number]

    def claims(self) -> Iterator[Claim]:
        """What others measure now."""
        for trial in self.running():
            configuration = configuration_of(trial)
            if (
                configuration is not None
                and outcome_of(trial) is None
                and _ownership.is_claimed(trial)
            ):
                place = self.revision.number, trial.number
                yield Claim(place, configuration, purpose_of(trial))

    def news(self) -> Iterator[TrialUpdate]:
        """What has come since it was asked last."""
        pending = list(self._pending())
        self._read = len(self.revision.trials)
        for trial in pending:
            known = self._unfinished.pop(trial.number, frozenset())
            if not trial.state.is_finished():
                self._unfinished[trial.number] = frozenset(trial.user_attrs)
            outcome = None if OUTCOME in known else effective_outcome(trial)
            yield TrialUpdate(trial, tuple(own_measurements(trial, known)), outcome)
