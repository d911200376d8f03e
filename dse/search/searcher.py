"""The search itself: learns outcomes and says what to measure next."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite
from typing import TYPE_CHECKING

import numpy as np

from dse.core.metrics import LATENCY, METRICS
from dse.search.gain import FreeBoxes, free_boxes, volume
from dse.search.surrogate import Surrogate
from dse.search.targets import loss
from dse.tasks.prior import NO_PRIORS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dse.core.configuration import Configuration
    from dse.core.pareto import Constraint
    from dse.search.features import Floats, Places
    from dse.search.surrogate import Posterior
    from dse.search.transfer import Source
    from dse.tasks.prior import Priors

REFERENCE = 1.1
"""The corner that bounds hypervolumes, in each objective's range from the best to the worst."""
MAX_CONSIDERED = 2000
"""Configurations that are looked at in a step; of more, a part is drawn each time."""
COST_EXPONENT = 0.5
"""Gains are divided by this power of the seconds: of the seconds themselves, a step would always be
put off that takes long, and the accurate end of the frontier with it."""
DRAWS = 128
DEGREES_OF_FREEDOM = 10.0
"""Degrees of freedom of Student's t: the variances are estimates, too."""
MAX_WORK = 4_000_000
"""Draws times boxes that a step may take."""
MIN_SHORTLISTED = 24
"""Of the most promising configurations that are looked at closely."""
HOPEFUL = 2.0
"""Deviations to the good side at which the most promising ones are told."""
TIE_BREAK = 1e-3
"""Weight of the hopes beside the draws: what no draw has shown is told apart by them."""
MAX_LOG_MS = 20.0
MOST_TOGETHER, FUTURES = 100, 16
"""Configurations, and draws of what they may be, by which the remaining gain is told."""
START_S, RUN_S, QUERIES = 1.0, 1.0, 128
"""What a probe takes: the start of a worker; and a run, which has a shortest time and, of single
queries, a smallest number."""


@dataclass(frozen=True, slots=True)
class _View:
    """What a step looks at.

    Attributes:
        places: of the configurations.
        belief: of them.
        front: scaled losses of all that counts.
        low: the best loss in each objective.
        width: from there to the worst one.
        left: what the front leaves to be gained.
    """

    places: Places
    belief: Posterior
    front: Floats
    low: Floats
    width: Floats
    left: FreeBoxes

    def scaled(self, losses: Floats) -> Floats:
        """Losses, as shares of the range from the best to the worst."""
        return np.asarray((losses - self.low) / self.width)


class Searcher:
    """Looks for the frontier of a finite set of configurations.

    Args:
        configurations: all of them; they are spoken of by their places.
        objectives: names in `METRICS`.
        constraints: what counts must keep to.
        seed: of everything random.
        sources: by configuration and metric, what was measured on other systems.
        priors: what is known of the models before anything is measured.
    """

    def __init__(
        self,
        configurations: Sequence[Configuration],
        objectives: Sequence[str],
        constraints: Sequence[Constraint],
        seed: int,
        sources: Sequence[Source] = (),
        priors: Priors = NO_PRIORS,
    ) -> None:
        metrics = (*objectives, *(c.metric for c in constraints))
        self._surrogate = Surrogate(configurations, metrics, sources, priors)
        self._objectives = [self._surrogate.metrics.index(name) for name in objectives]
        self._bounds = _bounds(constraints, self._surrogate.metrics)
        self._rng = np.random.default_rng(seed)
        self._found: dict[int, Floats] = {}

    def observe(self, place: int, values: Mapping[str, float], *, ran: bool) -> None:
        """Takes in an outcome; see `Surrogate.learn`. What is not finite is no value."""
        values = {name: value for name, value in values.items() if isfinite(value)}
        ran = ran and values.keys() >= set(self._surrogate.metrics)
        self._surrogate.observe(place, values, ran=ran)
        if ran:
            losses = [loss(name, values[name]) for name in self._surrogate.metrics]
            self._found[place] = np.array(losses)

    def propose(self, places: Places, pending: Places) -> int:
        """Which of some configurations to measure next.

        Args:
            places: what may be proposed; not empty.
            pending: what is measured at this moment.
        """
        view = self._look(places, pending)
        rate = self._gains(view) * view.belief.chance / self._seconds(view) ** COST_EXPONENT
        return int(view.places[self._best(rate, view.belief.chance)])

    def remaining(self, places: Places) -> float:
        """What measuring all of some configurations is expected to add to the hypervolume.

        It is told by what they may be together, since what one gains is no gain of its neighbour.

        Args:
            places: what is left.

        Returns:
            A share of the present hypervolume; infinite where there is none yet.
        """
        if not len(places):
            return 0.0
        view = self._look(places, np.zeros(0, dtype=np.intp))
        reference = np.full(len(view.low), REFERENCE)
        now = volume(view.front, reference)
        if not now:
            return inf
        chosen = np.argsort(-self._optimistic_gain(view), kind="stable")[:MOST_TOGETHER]
        draws = self._surrogate.draw(view.places[chosen], FUTURES, self._rng)
        losses = self._surrogate.losses(draws)
        run = self._rng.random(losses.shape[:-1]) < view.belief.chance[chosen]
        run &= _within(losses, self._bounds) > 0
        scaled = view.scaled(losses[..., self._objectives])
        futures = zip(scaled, run, strict=True)
        then = [volume(np.concatenate([view.front, p[r]]), reference) for p, r in futures]
        return float(np.mean(then)) / now - 1

    def _look(self, places: Places, pending: Places) -> _View:
        """Brings the model up to date and looks at a bounded number of configurations."""
        if len(places) > MAX_CONSIDERED:
            places = np.sort(self._rng.choice(places, MAX_CONSIDERED, replace=False))
        pending = pending[:MAX_CONSIDERED]
        self._surrogate.refresh(pending)
        belief = self._surrogate.predict(places)
        front = self._front(pending)
        low, high = self._range(belief, front)
        width = np.where(high > low, high - low, 1.0)
        scaled = (front - low) / width
        left = free_boxes(scaled, np.full(len(low), REFERENCE))
        return _View(places, belief, scaled, low, width, left)

    def _best(self, rate: Floats, chance: Floats) -> int:
        """The greatest; where nothing promises anything, what is likely to run."""
        score = rate if rate.max() > 0 else chance
        best = np.flatnonzero(score >= score.max() * (1 - 1e-9))
        return int(self._rng.choice(best))

    def _front(self, pending: Places) -> Floats:
        """Losses in the objectives of all that counts, and what is expected of the pending."""
        found = np.array([*self._found.values()]).reshape(-1, len(self._surrogate.metrics))
        if len(pending):
            belief = self._surrogate.predict(pending)
            found = np.concatenate([found, self._surrogate.losses(belief.means)])
        allowed = _within(found, self._bounds)
        return np.asarray(found[allowed][:, self._objectives])

    def _range(self, belief: Posterior, front: Floats) -> tuple[Floats, Floats]:
        """The best and the worst of each objective, as far as they are known or expected."""
        likely = belief.chance >= min(0.5, float(belief.chance.max()))
        means = self._surrogate.losses(belief.means)[likely][:, self._objectives]
        found = np.array([*self._found.values()]).reshape(-1, len(self._surrogate.metrics))
        every = np.concatenate([means, found[:, self._objectives], front])
        return every.min(axis=0), every.max(axis=0)

    def _optimistic_gain(self, view: _View) -> Floats:
        """The hypervolume that each configuration would gain if it came out well.

        What would not keep to the constraints then gains nothing however it comes out.
        """
        belief = view.belief
        signs = self._surrogate.losses(np.eye(len(belief.means))).sum(axis=-1)
        best = belief.means - HOPEFUL * np.sign(signs)[:, None] * belief.deviations
        losses = self._surrogate.losses(best)
        gains = view.left.gains(view.scaled(losses[..., self._objectives]))
        return np.asarray(gains * (losses <= self._bounds[1]).all(axis=-1))

    def _gains(self, view: _View) -> Floats:
        """The hypervolume to expect of each configuration, if it runs."""
        belief, hopes = view.belief, self._optimistic_gain(view)
        quantities = len(belief.means)
        most = max(MIN_SHORTLISTED, MAX_WORK // (DRAWS * len(view.left.lower)))
        chosen = np.argsort(-hopes, kind="stable")[:most]
        normal = self._rng.standard_normal((quantities, DRAWS // 2))
        normal = np.concatenate([normal, -normal], axis=1)
        normal *= np.sqrt(
            DEGREES_OF_FREEDOM / self._rng.chisquare(DEGREES_OF_FREEDOM, (quantities, DRAWS))
        )
        draws = normal[:, None, :] * belief.deviations[:, chosen, None]
        losses = self._surrogate.losses(draws + belief.means[:, chosen, None])
        counted = view.left.gains(view.scaled(losses[..., self._objectives]))
        counted *= _within(losses, self._bounds)
        gains = np.zeros(len(hopes))
        gains[chosen] = counted.mean(axis=1) + TIE_BREAK * hopes[chosen]
        return gains

    def _seconds(self, view: _View) -> Floats:
        """What measuring each configuration takes; what is known already takes nothing."""
        metrics = self._surrogate.metrics
        seconds = np.full(len(view.places), START_S)
        if LATENCY.name in metrics:
            row = metrics.index(LATENCY.name)
            unknown = view.belief.deviations[row] > 0
            times = np.exp(np.minimum(view.belief.means[row], MAX_LOG_MS)) / 1000
            seconds += unknown * np.maximum(RUN_S, QUERIES * times)
        batched = sum(METRICS[name].batched for name in metrics)
        return np.asarray(seconds + RUN_S * batched)


def _bounds(constraints: Sequence[Constraint], metrics: Sequence[str]) -> Floats:
    """The greatest loss allowed in each metric from below and above; shape (2, metrics)."""
    found = np.array([[-np.inf] * len(metrics), [np.inf] * len(metrics)])
    for bound in constraints:
        column = metrics.index(bound.metric)
        better = METRICS[bound.metric].direction == "maximize"
        if bound.minimum is not None:
            found[int(better), column] = loss(bound.metric, bound.minimum)
        if bound.maximum is not None:
            found[int(not better), column] = loss(bound.metric, bound.maximum)
    return found


def _within(losses: Floats, bounds: Floats) -> Floats:
    return np.asarray(((losses >= bounds[0]) & (losses <= bounds[1])).all(axis=-1))
