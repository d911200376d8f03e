"""The search itself: learns outcomes and says what to measure next."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from dse.search.gain import Rest, rest
from dse.search.quantities import loss
from dse.search.surrogate import Surrogate
from dse.types import LATENCY, METRICS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dse.search.borrowed import Source
    from dse.search.features import Floats, Places
    from dse.search.surrogate import Belief
    from dse.space.space import Constraint
    from dse.types import Configuration

REFERENCE = 1.1
"""The corner that bounds hypervolumes, in each objective's range from the best to the worst."""
MOST_CONSIDERED = 2000
"""Configurations that are looked at in a step; of more, a part is drawn each time."""
THRIFT = 0.0
DRAWS = 128
FREEDOM = 6.0
"""Degrees of freedom of Student's t: the variances are estimates, too."""
MOST_WORK = 4_000_000
"""Draws times boxes that a step may take."""
FEWEST = 24
"""Of the most promising configurations that are looked at closely."""
HOPEFUL = 2.0
"""Deviations to the good side at which the most promising ones are told."""
START_S, RUN_S, QUERIES = 1.0, 1.0, 128
"""What a probe takes: the start of a worker; and a run, which has a shortest time and, of single
queries, a smallest number."""


class Searcher:
    """Looks for the frontier of a finite set of configurations.

    Args:
        configurations: all of them; they are spoken of by their places.
        objectives: names in `METRICS`.
        constraints: what counts must keep to.
        seed: of everything random.
        sources: by configuration and metric, what was measured on other systems.
    """

    def __init__(
        self,
        configurations: Sequence[Configuration],
        objectives: Sequence[str],
        constraints: Sequence[Constraint],
        seed: int,
        sources: Sequence[Source] = (),
    ) -> None:
        metrics = (*objectives, *(c.metric for c in constraints))
        self._surrogate = Surrogate(configurations, metrics, sources)
        self._count = len(configurations)
        self._objectives = [self._surrogate.metrics.index(name) for name in objectives]
        self._bounds = _bounds(constraints, self._surrogate.metrics)
        self._rng = np.random.default_rng(seed)
        self._found: dict[int, Floats] = {}

    def learn(self, place: int, values: Mapping[str, float], *, ran: bool) -> None:
        """Takes in an outcome; see `Surrogate.learn`. What is not finite is no value."""
        values = {name: value for name, value in values.items() if isfinite(value)}
        ran = ran and values.keys() >= set(self._surrogate.metrics)
        self._surrogate.learn(place, values, ran=ran)
        if ran:
            losses = [loss(name, values[name]) for name in self._surrogate.metrics]
            self._found[place] = np.array(losses)

    def propose(self, places: Places, pending: Places) -> int:
        """Which of some configurations to measure next.

        Args:
            places: what may be proposed; not empty.
            pending: what is measured at this moment.
        """
        if len(places) > MOST_CONSIDERED:
            places = np.sort(self._rng.choice(places, MOST_CONSIDERED, replace=False))
        pending = pending[:MOST_CONSIDERED]
        self._surrogate.refresh(pending)
        belief = self._surrogate.believe(places)
        front = self._front(pending)
        low, high = self._range(belief, front)
        width = np.where(high > low, high - low, 1.0)
        left = rest((front - low) / width, np.full(len(low), REFERENCE))
        gains = self._gains(belief, left, low, width)
        rate = gains * belief.chance / self._seconds(places, belief) ** THRIFT
        return int(places[self._best(rate, belief.chance)])

    def _best(self, rate: Floats, chance: Floats) -> int:
        """The greatest; where nothing promises anything, what is likely to run."""
        score = rate if rate.max() > 0 else chance
        best = np.flatnonzero(score >= score.max() * (1 - 1e-9))
        return int(self._rng.choice(best))

    def _front(self, pending: Places) -> Floats:
        """Losses in the objectives of all that counts, and what is expected of the pending."""
        found = np.array([*self._found.values()]).reshape(-1, len(self._surrogate.metrics))
        if len(pending):
            belief = self._surrogate.believe(pending)
            found = np.concatenate([found, self._surrogate.losses(belief.means)])
        allowed = _within(found, self._bounds)
        return np.asarray(found[allowed][:, self._objectives])

    def _range(self, belief: Belief, front: Floats) -> tuple[Floats, Floats]:
        """The best and the worst of each objective, as far as they are known or expected."""
        likely = belief.chance >= min(0.5, float(belief.chance.max()))
        means = self._surrogate.losses(belief.means)[likely][:, self._objectives]
        found = np.array([*self._found.values()]).reshape(-1, len(self._surrogate.metrics))
        every = np.concatenate([means, found[:, self._objectives], front])
        return every.min(axis=0), every.max(axis=0)

    def _gains(self, belief: Belief, left: Rest, low: Floats, width: Floats) -> Floats:
        """The hypervolume to expect of each configuration, if it runs."""
        quantities = len(belief.means)
        signs = self._surrogate.losses(np.eye(quantities)).sum(axis=-1)
        hope = belief.means - HOPEFUL * np.sign(signs)[:, None] * belief.deviations
        hopeful = left.gains(self._scaled(hope, low, width))
        most = max(FEWEST, MOST_WORK // (DRAWS * len(left.lower)))
        chosen = np.argsort(-hopeful, kind="stable")[:most]
        normal = self._rng.standard_normal((quantities, DRAWS // 2))
        normal = np.concatenate([normal, -normal], axis=1)
        spread = np.sqrt(FREEDOM / self._rng.chisquare(FREEDOM, (quantities, DRAWS)))
        draws = (normal * spread)[:, None, :] * belief.deviations[:, chosen, None]
        draws += belief.means[:, chosen, None]
        losses = self._surrogate.losses(draws)
        counted = left.gains((losses[..., self._objectives] - low) / width)
        counted *= _within(losses, self._bounds)
        gains = np.zeros(len(hopeful))
        gains[chosen] = counted.mean(axis=1) + 1e-3 * hopeful[chosen]
        return gains

    def _scaled(self, quantities: Floats, low: Floats, width: Floats) -> Floats:
        losses = self._surrogate.losses(quantities)[..., self._objectives]
        return np.asarray((losses - low) / width)

    def _seconds(self, places: Places, belief: Belief) -> Floats:
        """What measuring each configuration takes; what is known already takes nothing."""
        metrics = self._surrogate.metrics
        seconds = np.full(len(places), START_S)
        if LATENCY.name in metrics:
            means = belief.means[metrics.index(LATENCY.name)]
            unknown = belief.deviations[metrics.index(LATENCY.name)] > 0
            seconds += unknown * np.maximum(RUN_S, QUERIES * np.exp(means) / 1000)
        batched = sum(METRICS[name].batched for name in metrics)
        return np.asarray(seconds + RUN_S * batched)


def _bounds(constraints: Sequence[Constraint], metrics: Sequence[str]) -> Floats:
    """The greatest loss allowed in each metric from below and above; shape (2, metrics)."""
    found = np.array([[-np.inf] * len(metrics), [np.inf] * len(metrics)])
    for bound in constraints:
        column = metrics.index(bound.metric)
        for value in (bound.minimum, bound.maximum):
            if value is None:
                continue
            limit = loss(bound.metric, value)
            better = METRICS[bound.metric].direction == "maximize"
            upper = (value is bound.minimum) == better
            found[int(upper), column] = limit
    return found


def _within(losses: Floats, bounds: Floats) -> Floats:
    return np.asarray(((losses >= bounds[0]) & (losses <= bounds[1])).all(axis=-1))
