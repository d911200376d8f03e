"""What is believed of every configuration, by what was measured of some."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from dse.core.metrics import LATENCY, METRICS
from dse.search.additive_gp import AdditiveGP
from dse.search.feasibility import FeasibilityModel
from dse.search.features import features
from dse.search.targets import targets
from dse.search.transfer import terms, transfer
from dse.tasks.prior import NO_PRIORS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dse.core.configuration import Configuration
    from dse.search.features import Floats, Places
    from dse.search.targets import Target
    from dse.search.transfer import Source
    from dse.tasks.prior import Priors

MAX_KNOWN = 200
"""Values of a quantity that are learned from: the time of a step grows with their cube."""
FIRST_STEPS, LATER_STEPS = 12, 3
"""Of an estimate of the variances: at the beginning, and when it goes on from the one before."""


@dataclass(frozen=True, slots=True)
class Posterior:
    """Of some configurations: the probability to run, and what would come out then.

    Attributes:
        chance: of each configuration to run.
        means: by quantity and configuration.
        deviations: by quantity and configuration.
    """

    chance: Floats
    means: Floats
    deviations: Floats


class _Learned:
    """One quantity: its values by group, where a group is what shares one value."""

    def __init__(self, quantity: Target, process: AdditiveGP, groups: Places) -> None:
        self.quantity = quantity
        self.process = process
        self.groups = groups
        _, self.first = np.unique(groups, return_index=True)
        self.known: dict[int, float] = {}
        self.stale = False
        self.fits = 0

    def learn(self, place: int, value: float) -> None:
        self.known[int(self.groups[place])] = value
        self.stale = True

    def refresh(self, believed: Mapping[int, float]) -> None:
        """Fits anew where there is something new.

        Args:
            believed: values by group that are taken for true for the moment.
        """
        if not self.stale and not believed:
            return
        chosen = {**believed, **dict(list(self.known.items())[-MAX_KNOWN:])}
        places = self.first[np.array(list(chosen), dtype=np.intp)]
        steps = 0 if believed else (FIRST_STEPS if self.fits < 6 else LATER_STEPS)
        self.process.observe(places, np.array(list(chosen.values())), steps)
        self.fits += 1
        self.stale = bool(believed)

    def predict(self, places: Places) -> tuple[Floats, Floats]:
        """Mean and deviation; what was measured has none."""
        wanted, back = np.unique(self.groups[places], return_inverse=True)
        mean, variance = self.process.predict(self.first[wanted])
        deviation = np.sqrt(variance)
        for place, group in enumerate(wanted.tolist()):
            if group in self.known:
                mean[place], deviation[place] = self.known[group], 0.0
        return mean[back], deviation[back]

    def draw(self, places: Places, count: int, rng: np.random.Generator) -> Floats:
        """What the quantity may be at some configurations together; shape (count, places)."""
        wanted, back = np.unique(self.groups[places], return_inverse=True)
        mean, _ = self.predict(self.first[wanted])
        matrix = self.process.covariance(self.first[wanted])
        known = np.array([group in self.known for group in wanted.tolist()])
        matrix[known] = matrix[:, known] = 0.0
        values, vectors = np.linalg.eigh(matrix)
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        drawn = mean + rng.standard_normal((count, len(wanted))) @ root.T
        return np.asarray(drawn[:, back])


class Surrogate:
    """Learns metrics and failures of a finite set of configurations.

    Args:
        configurations: all of them; they are spoken of by their places.
        metrics: names in `METRICS`.
        sources: by configuration and metric, what was measured on other systems.
        priors: what is known of the models before anything is measured.
    """

    def __init__(
        self,
        configurations: Sequence[Configuration],
        metrics: Sequence[str],
        sources: Sequence[Source] = (),
        priors: Priors = NO_PRIORS,
    ) -> None:
        self.features = features(configurations, priors)
        precisions = [c.precision for c in configurations]
        places = {configuration: place for place, configuration in enumerate(configurations)}
        self._learned: list[_Learned] = []
        for quantity in targets(metrics):
            groups = self.features.codes[quantity.extent]
            expected = quantity.expected(self.features, precisions)
            expected, deviations = transfer(quantity, sources, places, groups, expected)
            known = replace(self.features, borrowed=deviations)
            process = AdditiveGP(known, terms(quantity, deviations), expected, quantity.common)
            self._learned.append(_Learned(quantity, process, groups))
        self.metrics = tuple(each.quantity.metric for each in self._learned)
        self._chances = FeasibilityModel(self.features)
        self._ran: dict[int, bool] = {}

    def observe(self, place: int, values: Mapping[str, float], *, ran: bool) -> None:
        """Takes in an outcome.

        Args:
            place: of the configuration.
            values: by metric, as far as they were measured.
            ran: whether all were.
        """
        self._ran[place] = ran
        for each in self._learned:
            needed = {each.quantity.metric} | ({LATENCY.name} if each.quantity.relation else set())
            if needed <= values.keys():
                each.learn(place, each.quantity.of(values))

    def refresh(self, pending: Places) -> None:
        """Brings the model up to date.

        Args:
            pending: what is measured at this moment; it is taken to come out as predicted.
        """
        for each in self._learned:
            each.refresh({})
            missing = [p for p in pending.tolist() if int(each.groups[p]) not in each.known]
            if missing:
                means, _ = each.predict(np.array(missing))
                groups = each.groups[missing].tolist()
                each.refresh(dict(zip(groups, means.tolist(), strict=True)))
        places = list(self._ran)[-MAX_KNOWN:]
        ran = np.array([float(self._ran[place]) for place in places])
        self._chances.observe(np.array(places, dtype=np.intp), ran)

    def predict(self, places: Places) -> Posterior:
        """What is believed of some configurations."""
        found = [each.predict(places) for each in self._learned]
        return Posterior(
            self._chances.predict(places),
            np.array([mean for mean, _ in found]),
            np.array([deviation for _, deviation in found]),
        )

    def draw(self, places: Places, count: int, rng: np.random.Generator) -> Floats:
        """What the quantities may be together; shape (quantities, count, places)."""
        return np.array([each.draw(places, count, rng) for each in self._learned])

    def losses(self, draws: Floats) -> Floats:
        """Metrics, as `dse.search.targets.loss` has them.

        Args:
            draws: of the quantities; shape (quantities, ...).

        Returns:
            Of shape (..., metrics), in the order of `metrics`.
        """
        found = []
        for each, draw in zip(self._learned, draws, strict=True):
            value = draw
            if each.quantity.relation:
                value = draw + each.quantity.relation * draws[self.metrics.index(LATENCY.name)]
            better = METRICS[each.quantity.metric].direction == "maximize"
            found.append(-value if better else value)
        return np.stack(found, axis=-1)
