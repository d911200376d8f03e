"""A study in memory: trials are taken in one by one, and decided as in a real study."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from dse.space.reading import space_from_dict
from dse.study._intake import Origin
from dse.study.record import outcome_that_counts
from dse.study.results import StudyResults

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from benchmarks.deciding.recording import Recording, Taken

HOST = "here"


class Replayed:
    """A study whose trials come from a recording or a simulation.

    Attributes:
        results: what they amount to.

    Args:
        space: its search space, as a file holds it.
        trials: the first of them.
    """

    def __init__(self, space: Mapping[str, Any], trials: Iterable[Taken] = ()) -> None:
        self.results = StudyResults()
        self.results.start(space_from_dict(space))
        self._count = 0
        for trial in trials:
            self.take(trial)

    @classmethod
    def of(cls, recording: Recording) -> Replayed:
        """A recorded study."""
        return cls(recording.space, recording.trials)

    def take(self, trial: Taken) -> None:
        """Takes in a trial that has ended."""
        place = trial.place and replace(trial.place, host=HOST)
        begun = datetime.fromtimestamp(trial.at)
        ended = datetime.fromtimestamp(trial.at + trial.seconds)
        number, self._count = self._count, self._count + 1
        origin = Origin((1, number), HOST, begun, trial.configuration, trial.purpose, place)
        for measurement in trial.outcome.measurements:
            if measurement.metric in trial.own:
                origin.add(measurement, self.results)
        origin.end(ended, self.results)
        told = outcome_that_counts(trial.outcome, trial.purpose)
        self.results.note(number, trial.configuration, told)
