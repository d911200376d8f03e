"""How what a trial has measured gets into the results: the same for own trials and stored ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from dse.core.configuration import ONE_THREAD
from dse.study.observations import Observation
from dse.study.record import OWNER, configuration_of, machine_of, purpose_of, round_of

if TYPE_CHECKING:
    from datetime import datetime

    import optuna

    from dse.core.configuration import Configuration
    from dse.core.measurement import Measurement
    from dse.study.drift import TrialId
    from dse.study.record import Purpose
    from dse.study.results import StudyResults
    from dse.study.rounds import RoundPlace
    from dse.study.store import Trial


@dataclass(frozen=True, slots=True)
class Origin:
    """Where measurements come from.

    Attributes:
        trial_id: revision of their trial, and its place in the order of begin.
        host: the machine, as `dse.study.record.machine_of` names it.
        begun: when the trial began; None where it is not told.
        configuration: what the trial measures; None where that was not stored.
        purpose: why.
        round: the place of the trial in a round, if it is of one.
    """

    trial_id: TrialId
    host: str
    begun: datetime | None
    configuration: Configuration | None
    purpose: Purpose
    round: RoundPlace | None

    @classmethod
    def of_own(cls, trial: Trial, revision: int) -> Self:
        """Of a trial of this process."""
        host, place = machine_of(trial.owner), trial.round
        trial_id = revision, trial.number
        return cls(trial_id, host, trial.begun, trial.configuration, trial.purpose, place)

    @classmethod
    def of_stored(cls, trial: optuna.trial.FrozenTrial, revision: int, place: int) -> Self:
        """Of a trial as it is stored."""
        return cls(
            (revision, place),
            machine_of(trial.user_attrs.get(OWNER, {})),
            trial.datetime_start,
            configuration_of(trial),
            purpose_of(trial),
            round_of(trial),
        )

    def add(self, measurement: Measurement, results: StudyResults) -> None:
        """Takes in a measurement."""
        metric, configuration = measurement.metric, self.configuration
        occupancy = configuration.occupancy(metric) if configuration else ONE_THREAD
        at = self.begun.timestamp() if self.begun else 0.0
        results.measured.add(Observation(measurement, self.trial_id, self.host, occupancy, at))
        if self.round is not None:
            results.rounds.add(self.round, measurement)

    def end(self, ended: datetime | None, results: StudyResults) -> None:
        """Notes that the trial has an outcome.

        Args:
            ended: when; None where it is not told.
            results: of the study.
        """
        if self.begun and ended:
            seconds = (ended - self.begun).total_seconds()
            results.spent[self.purpose] += seconds
            if self.round is not None and self.configuration is not None:
                results.pace.note(self.configuration.key, seconds)
        if self.round is not None:
            results.rounds.end(self.round, self.trial_id)
