"""Rounds: rivals measured one right after the other, so that their ratios are free of slow noise.

On a shared or virtual machine much of the noise is common to all that runs within some seconds. It
cancels in the ratio of two values of one round, and in nothing else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dse.core.measurement import Measurement
    from dse.study.drift import TrialId


@dataclass(frozen=True, slots=True)
class RoundPlace:
    """The place of a trial in a round.

    Attributes:
        id: of the round; no other round of any study has it.
        position: in the random order of the round, from 0.
        size: the number of trials of the round.
        host: the machine, as `dse.study.record.machine_of` names it.
    """

    id: str
    position: int
    size: int
    host: str = ""

    def as_dict(self) -> dict[str, Any]:
        """What is stored with the trial: all but the machine, which the trial tells itself."""
        return {"id": self.id, "position": self.position, "size": self.size}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], host: str = "") -> Self:
        """Reads what `as_dict` wrote."""
        return cls(str(data["id"]), int(data["position"]), int(data["size"]), host)


@dataclass(frozen=True, slots=True)
class RoundValue:
    """What a trial of a round has measured of a metric.

    Attributes:
        log: the logarithm of the value.
        disturbed: whether something else got in its way.
    """

    log: float
    disturbed: bool


@dataclass(slots=True)
class _Round:
    """What is known of a round.

    Attributes:
        host: the machine that it ran on.
        size: the number of its trials.
        ended: the positions of those that have an outcome.
        began: revision and number of its first trial, as far as they have ended.
        values: by metric and key.
    """

    host: str
    size: int
    ended: set[int] = field(default_factory=set)
    began: TrialId | None = None
    values: dict[tuple[str, str], RoundValue] = field(default_factory=dict)


class RoundTable:
    """The values of all rounds.

    A round counts once each of its trials has ended with an outcome. One that was cut off never
    does: what it measured still tells of its configurations, but not of their ratios.

    Attributes:
        revision: moves on with each round that counts.
    """

    def __init__(self) -> None:
        self.revision = 0
        self._rounds: dict[str, _Round] = {}

    def add(self, place: RoundPlace, measurement: Measurement) -> None:
        """Takes in a measurement of a trial of a round."""
        if measurement.value > 0:
            value = RoundValue(math.log(measurement.value), bool(measurement.disturbed))
            self._round(place).values[measurement.metric, measurement.key] = value

    def end(self, place: RoundPlace, trial_id: TrialId) -> None:
        """Notes that a trial of a round has ended with an outcome, be it a failure."""
        found = self._round(place)
        found.ended.add(place.position)
        found.began = min(found.began or trial_id, trial_id)
        self.revision += len(found.ended) == found.size

    def values(self, metric: str) -> Iterator[tuple[str, Mapping[str, RoundValue]]]:
        """The rounds that count, in the order in which they began, each with what it measured.

        Yields:
            The machine, and what it measured of the metric, by key.
        """
        ended = [each for each in self._rounds.values() if len(each.ended) == each.size]
        # Those of other processes are learnt later than they began.
        for found in sorted(ended, key=lambda each: each.began or (0, 0)):
            own = {key: v for (name, key), v in found.values.items() if name == metric}
            if len(own) > 1:
                yield found.host, own

    def _round(self, place: RoundPlace) -> _Round:
        if place.id not in self._rounds:
            self._rounds[place.id] = _Round(place.host, place.size)
        return self._rounds[place.id]
