"""Predicts the outcomes of all configurations from those that were measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dse.core.metrics import LATENCY, METRICS
from dse.search._averaged_gp import AveragedGP
from dse.search._feasibility import FeasibilityModel
from dse.search._features import compute_features
from dse.search._targets import targets
from dse.search._transfer import processes
from dse.tasks.prior import NO_PRIORS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dse.core.configuration import Configuration
    from dse.search._features import Floats, Indices
    from dse.search._targets import Target
    from dse.search._transfer import Source
    from dse.tasks.prior import Priors

MAX_KNOWN = 200
"""Largest number of values of a target that are used: the time of a step grows with their cube."""
FIRST_STEPS, LATER_STEPS = 12, 3
"""Number of steps of the first estimates of the variances, and of later ones, which continue."""


@dataclass(frozen=True, slots=True)
class Posterior:
    """The predicted outcomes of some configurations.

    Attributes:
        chance: probability of each configuration to run; shape (configurations,).
        means: means of the targets, if it runs; shape (targets, configurations).
        deviations: standard deviations of the targets; shape (targets, configurations).
    """

    chance: Floats
    means: Floats
    deviations: Floats


class _TargetModel:
    """One target and its values by group; configurations of a group share one value."""

    def __init__(self, target: Target, process: AveragedGP, groups: Indices) -> None:
        self.target = target
        self.process = process
        self.groups = groups
        _, self.first = np.unique(groups, return_index=True)
        self.known: dict[int, float] = {}
        self.stale = False
        self.fits = 0

    def observe(self, index: int, value: float) -> None:
        self.known[int(self.groups[index])] = value
        self.stale = True

    def refresh(self, believed: Mapping[int, float]) -> None:
        """Fits the process again if anything is new; for the moment, it believes these values."""
        if not self.stale and not believed:
            return
        chosen = {**believed, **dict(list(self.known.items())[-MAX_KNOWN:])}
        indices = self.first[np.array(list(chosen), dtype=np.intp)]
        steps = 0 if believed else (FIRST_STEPS if self.fits < 6 else LATER_STEPS)
        self.process.observe(indices, np.array(list(chosen.values())), steps)
        self.fits += 1
        self.stale = bool(believed)

    def predict(self, indices: Indices) -> tuple[Floats, Floats]:
        """Mean and standard deviation; the deviation of a measured value is 0."""
        wanted, back = np.unique(self.groups[indices], return_inverse=True)
        mean, variance = self.process.predict(self.first[wanted])
        deviation = np.sqrt(variance)
        for index, group in enumerate(wanted.tolist()):
            if group in self.known:
                mean[index], deviation[index] = self.known[group], 0.0
        return mean[back], deviation[back]

    def draw(self, indices: Indices, count: int, rng: np.random.Generator) -> Floats:
        """Joint draws of the target for some configurations; shape (count, configurations)."""
        wanted, back = np.unique(self.groups[indices], return_inverse=True)
        mean, _ = self.predict(self.first[wanted])
        matrix = self.process.covariance(self.first[wanted])
        known = np.array([group in self.known for group in wanted.tolist()])
        matrix[known] = matrix[:, known] = 0.0
        values, vectors = np.linalg.eigh(matrix)
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        drawn = mean + rng.standard_normal((count, len(wanted))) @ root.T
        return np.asarray(drawn[:, back])


class Surrogate:
    """Learns the metrics and failures of a finite set of configurations.

    Args:
        configurations: all configurations; methods refer to them by index.
        metrics: names in `METRICS`.
        sources: values measured on other systems, by configuration and metric.
        priors: priors of the models.
    """

    def __init__(
        self,
        configurations: Sequence[Configuration],
        metrics: Sequence[str],
        sources: Sequence[Source] = (),
        priors: Priors = NO_PRIORS,
    ) -> None:
        self.features = compute_features(configurations, priors)
        precisions = [c.precision for c in configurations]
        indices = {configuration: index for index, configuration in enumerate(configurations)}
        self._learned: list[_TargetModel] = []
        for target in targets(metrics):
            expected = target.expected(self.features, precisions)
            found = processes(target, sources, indices, self.features, expected)
            groups = self.features.codes[target.extent]
            self._learned.append(_TargetModel(target, AveragedGP(found), groups))
        self.metrics = tuple(each.target.metric for each in self._learned)
        self._chances = FeasibilityModel(self.features)
        self._ran: dict[int, bool] = {}

    def observe(self, index: int, values: Mapping[str, float], *, ran: bool) -> None:
        """Observes the values of a configuration by metric; ``ran`` if all were measured."""
        self._ran[index] = ran
        for each in self._learned:
            needed = {each.target.metric} | ({LATENCY.name} if each.target.relation else set())
            if needed <= values.keys():
                each.observe(index, each.target.of(values))

    def refresh(self, pending: Indices) -> None:
        """Updates the model; assumes its predictions for configurations that are being measured."""
        for each in self._learned:
            each.refresh({})
            missing = [p for p in pending.tolist() if int(each.groups[p]) not in each.known]
            if missing:
                means, _ = each.predict(np.array(missing))
                groups = each.groups[missing].tolist()
                each.refresh(dict(zip(groups, means.tolist(), strict=True)))
        indices = list(self._ran)[-MAX_KNOWN:]
        ran = np.array([float(self._ran[index]) for index in indices])
        self._chances.observe(np.array(indices, dtype=np.intp), ran)

    def predict(self, indices: Indices) -> Posterior:
        """Predicts some configurations."""
        found = [each.predict(indices) for each in self._learned]
        return Posterior(
            self._chances.predict(indices),
            np.array([mean for mean, _ in found]),
            np.array([deviation for _, deviation in found]),
        )

    def draw(self, indices: Indices, count: int, rng: np.random.Generator) -> Floats:
        """Joint draws for some configurations; shape (targets, count, configurations)."""
        return np.array([each.draw(indices, count, rng) for each in self._learned])

    def losses(self, draws: Floats) -> Floats:
        """Converts targets (targets, ...) to losses (..., metrics), see `_targets.loss`."""
        found = []
        for each, draw in zip(self._learned, draws, strict=True):
            value = draw
            if each.target.relation:
                value = draw + each.target.relation * draws[self.metrics.index(LATENCY.name)]
            better = METRICS[each.target.metric].direction == "maximize"
            found.append(-value if better else value)
        return np.stack(found, axis=-1)
