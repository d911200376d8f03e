"""How much of its frontier a study had found when: the hypervolume, configuration by configuration.

The scale is that of `docs/search.md`: metrics that vary from run to run count in logarithms, each
objective goes from 0 (the best of the study) to 1 (its worst), and the reference point is 1.1 in
each. All values are those that are known by now, so the volume never falls.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dse.core.metrics import METRICS
from dse.study import record as attributes
from dse.study.record import Purpose, configuration_of, outcome_of, own_measurements, purpose_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    import optuna

    from dse.study.study import Study

REFERENCE = 1.1
"""The reference point in each objective; the worst value of the study is at 1."""
ScaledLosses = tuple[float, ...]
"""A number from 0 (best) to 1 (worst) for each objective."""


@dataclass(frozen=True, slots=True)
class ProgressStep:
    """A study when one more of its configurations had an outcome.

    Attributes:
        id: of the configuration's record.
        explored: how many configurations had an outcome by then, failures included.
        measuring_s: seconds of measuring by then, but for runs by MLPerf's rules.
        wall_s: seconds from the beginning of the study's first trial until then, pauses included.
        hypervolume: that the configurations explored by then dominate, up to the reference point.
    """

    id: int
    explored: int
    measuring_s: float
    wall_s: float
    hypervolume: float


@dataclass(frozen=True, slots=True)
class _Told:
    """What an ended trial adds: the metrics that it told of its configuration, if it has one."""

    key: str | None
    metrics: frozenset[str]
    measuring_s: float
    ended: datetime


def progress(study: Study) -> list[ProgressStep]:
    """The steps of a study's exploration, in the order in which its trials were begun.

    A configuration of the current space is a step when it has its first outcome, and once more if
    it is only later that all metrics are known which the study is about by now.
    """
    ids = {key: record.id for key, record in study.records.items()}
    points, wanted, begun = scaled_losses(study), frozenset(study.about.metrics), _begun(study)
    volume = Volume(len(study.space.objectives))
    known: dict[int, frozenset[str]] = {}
    steps: list[ProgressStep] = []
    measuring_s, wall_s = 0.0, 0.0
    for told in _told(study):
        measuring_s += told.measuring_s
        wall_s = max(wall_s, (told.ended - (begun or told.ended)).total_seconds())
        if told.key is None or told.key not in ids:
            continue
        id_ = ids[told.key]
        first, before = id_ not in known, known.get(id_, frozenset())
        known[id_] = before | told.metrics
        joins = id_ in points and not wanted <= before and wanted <= known[id_]
        if joins:
            volume.add(points[id_])
        if first or joins:
            steps.append(ProgressStep(id_, len(known), measuring_s, wall_s, volume.value))
    return steps


def scaled_losses(study: Study) -> dict[int, ScaledLosses]:
    """Where each configuration that keeps to the constraints lies in the study, by record id."""
    records = study.feasible_records(study.space)
    values = [record.outcome.values for record in records]
    scaled = _scaled(values, study.space.objectives)
    return {record.id: point for record, point in zip(records, scaled, strict=True)}


def hypervolume(points: Iterable[ScaledLosses], objectives: int) -> float:
    """The volume that points dominate, up to the reference point.

    Args:
        points: the points.
        objectives: how many there are.
    """
    volume = Volume(objectives)
    for point in points:
        volume.add(point)
    return volume.value


def _scaled(
    values: Sequence[Mapping[str, float]], objectives: Sequence[str]
) -> Iterator[tuple[float, ...]]:
    columns = []
    for name in objectives:
        metric, column = METRICS[name], [each[name] for each in values]
        if metric.timed and all(value > 0 for value in column):
            column = [math.log(value) for value in column]
        sign = -1.0 if metric.direction == "maximize" else 1.0
        losses = [sign * value for value in column]
        low, high = min(losses, default=0.0), max(losses, default=0.0)
        # An objective that is the same throughout has no width: all of it is best.
        columns.append([(loss - low) / ((high - low) or 1.0) for loss in losses])
    return zip(*columns, strict=True)


class Volume:
    """The hypervolume of points that come one by one.

    Args:
        objectives: how many there are.

    Attributes:
        value: the volume that they dominate, up to `REFERENCE` in each objective.
    """

    def __init__(self, objectives: int) -> None:
        import numpy as np

        self.value = 0.0
        self._reference = [REFERENCE] * objectives
        self._front = np.empty((0, objectives))

    def add(self, point: ScaledLosses) -> None:
        """Takes in one more."""
        import moocore
        import numpy as np

        if (self._front <= point).all(axis=1).any():
            return
        kept = self._front[~(self._front >= point).all(axis=1)]
        self._front = np.vstack([kept, point])
        self.value = float(moocore.hypervolume(self._front, ref=self._reference))


def _begun(study: Study) -> datetime | None:
    """When the first trial was begun, in the naive local time that Optuna keeps."""
    begun = (trial.datetime_start for trial in _trials(study) if trial.datetime_start)
    return min(begun, default=None)


def _trials(study: Study) -> Iterator[optuna.trial.FrozenTrial]:
    """The trials of all revisions, but for those that stand for one of an earlier revision."""
    for revision in study.revisions:
        for trial in revision.trials:
            if attributes.COPIED_FROM not in trial.user_attrs:
                yield trial


def _told(study: Study) -> Iterator[_Told]:
    """What ended trials tell, in their order; a clock that was set does not change it."""
    for trial in _trials(study):
        if trial.datetime_complete is None or purpose_of(trial) is Purpose.VALIDATE:
            continue
        configuration, outcome = configuration_of(trial), outcome_of(trial)
        yield _Told(
            configuration.key if configuration is not None and outcome is not None else None,
            frozenset(outcome.values if outcome is not None else ()),
            sum(measurement.seconds for measurement in own_measurements(trial)),
            trial.datetime_complete,
        )
