"""The search: it learns outcomes and proposes what to measure next."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite
from typing import TYPE_CHECKING

import numpy as np

from dse.core.metrics import LATENCY, METRICS, is_quality
from dse.search._gain import FreeBoxes, free_boxes, volume
from dse.search._surrogate import Surrogate
from dse.search._targets import loss
from dse.tasks.prior import NO_PRIORS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dse.core.configuration import Configuration
    from dse.core.pareto import Constraint
    from dse.search._features import Floats, Indices
    from dse.search._surrogate import Posterior
    from dse.search._transfer import Source
    from dse.tasks.prior import Priors

REFERENCE_POINT = 1.1
"""Reference point of hypervolumes, in each objective's range from 0 (best) to 1 (worst)."""
MAX_CONSIDERED = 2000
"""Largest number of configurations considered in a step; of more, a random part is considered."""
COST_EXPONENT = 0.5
"""Exponent of the seconds by which gains are divided: with 1, long measurements, and so the
accurate end of the frontier, would always be postponed."""
OUTCOME_DRAWS = 512
"""Number of draws of the outcome of a configuration: with fewer, chance decides too much."""
DEGREES_OF_FREEDOM = 10.0
"""Degrees of freedom of Student's t, since the variances are estimates."""
MAX_WORK = 4_000_000
"""Largest number of draws times boxes in a step."""
MIN_SHORTLISTED = 24
"""Smallest number of promising configurations whose gain is computed by draws."""
OPTIMISM = 2.0
"""Standard deviations by which an optimistic outcome, used for the shortlist, beats the mean."""
TIE_BREAK = 1e-3
"""Weight of the optimistic gain, which orders configurations without a gain in any draw."""
MAX_LOG_MS = 20.0
"""Largest logarithm of a predicted latency in milliseconds."""
MAX_REMAINING, JOINT_DRAWS = 100, 16
"""Number of configurations, and of joint draws, for the estimate of the remaining gain."""
START_S, RUN_S, QUERIES = 1.0, 1.0, 128
"""Duration of a probe: the start of a worker, and the least duration and number of queries of a
run."""


@dataclass(frozen=True, slots=True)
class _State:
    """The state of a step.

    Attributes:
        indices: indices of the considered configurations.
        belief: their posterior.
        front: scaled losses of all feasible outcomes.
        low: the best loss in each objective.
        width: distance from the best to the worst loss.
        left: the boxes that the front does not dominate.
    """

    indices: Indices
    posterior: Posterior
    front: Floats
    low: Floats
    width: Floats
    free: FreeBoxes

    def scaled(self, losses: Floats) -> Floats:
        """Losses scaled to the range from 0 (best) to 1 (worst)."""
        return np.asarray((losses - self.low) / self.width)


class Searcher:
    """Searches the frontier of a finite set of configurations.

    Args:
        configurations: all configurations; methods refer to them by index.
        objectives: names in `METRICS`.
        constraints: constraints of feasible outcomes.
        seed: random seed.
        sources: values measured on other systems, by configuration and metric.
        priors: priors of the models.
        samples: number of samples of the data set, all of which are predicted once for each model
            file and runtime whose quality is not known; 0 where qualities are published.
    """

    def __init__(
        self,
        configurations: Sequence[Configuration],
        objectives: Sequence[str],
        constraints: Sequence[Constraint],
        seed: int,
        sources: Sequence[Source] = (),
        priors: Priors = NO_PRIORS,
        samples: int = 0,
    ) -> None:
        self._samples = samples
        metrics = (*objectives, *(c.metric for c in constraints))
        self._surrogate = Surrogate(configurations, metrics, sources, priors)
        self._objectives = [self._surrogate.metrics.index(name) for name in objectives]
        self._bounds = _bounds(constraints, self._surrogate.metrics)
        self._rng = np.random.default_rng(seed)
        self._found: dict[int, Floats] = {}

    def observe(self, index: int, values: Mapping[str, float], *, ran: bool) -> None:
        """Observes an outcome; see `Surrogate.observe`. Values that are not finite are ignored."""
        values = {name: value for name, value in values.items() if isfinite(value)}
        ran = ran and values.keys() >= set(self._surrogate.metrics)
        self._surrogate.observe(index, values, ran=ran)
        if ran:
            losses = [loss(name, values[name]) for name in self._surrogate.metrics]
            self._found[index] = np.array(losses)

    def propose(self, indices: Indices, pending: Indices) -> int:
        """The configuration to measure next.

        Args:
            indices: candidates, at least one.
            pending: configurations that are being measured.
        """
        view = self._update(indices, pending)
        rate = self._gains(view) * view.posterior.chance / self._seconds(view) ** COST_EXPONENT
        return int(view.indices[self._best(rate, view.posterior.chance)])

    def remaining(self, indices: Indices) -> float:
        """The expected gain of hypervolume from measuring all of some configurations.

        It is computed from joint draws, since neighbours don't gain the same volume twice.

        Args:
            indices: the remaining configurations.

        Returns:
            The gain as a share of the present hypervolume; infinite if that is 0.
        """
        if not len(indices):
            return 0.0
        view = self._update(indices, np.zeros(0, dtype=np.intp))
        reference = np.full(len(view.low), REFERENCE_POINT)
        now = volume(view.front, reference)
        if not now:
            return inf
        chosen = np.argsort(-self._optimistic_gain(view), kind="stable")[:MAX_REMAINING]
        draws = self._surrogate.draw(view.indices[chosen], JOINT_DRAWS, self._rng)
        losses = self._surrogate.losses(draws)
        run = self._rng.random(losses.shape[:-1]) < view.posterior.chance[chosen]
        run &= _are_feasible(losses, self._bounds) > 0
        scaled = view.scaled(losses[..., self._objectives])
        futures = zip(scaled, run, strict=True)
        then = [volume(np.concatenate([view.front, p[r]]), reference) for p, r in futures]
        return float(np.mean(then)) / now - 1

    def _update(self, indices: Indices, pending: Indices) -> _State:
        """Updates the model and predicts a bounded number of configurations."""
        if len(indices) > MAX_CONSIDERED:
            indices = np.sort(self._rng.choice(indices, MAX_CONSIDERED, replace=False))
        pending = pending[:MAX_CONSIDERED]
        self._surrogate.refresh(pending)
        belief = self._surrogate.predict(indices)
        front = self._front(pending)
        low, high = self._range(belief, front)
        width = np.where(high > low, high - low, 1.0)
        scaled = (front - low) / width
        left = free_boxes(scaled, np.full(len(low), REFERENCE_POINT))
        return _State(indices, belief, scaled, low, width, left)

    def _best(self, rate: Floats, chance: Floats) -> int:
        """The index of the largest rate; if all are 0, of the most likely to run."""
        score = rate if rate.max() > 0 else chance
        best = np.flatnonzero(score >= score.max() * (1 - 1e-9))
        return int(self._rng.choice(best))

    def _front(self, pending: Indices) -> Floats:
        """Losses of all feasible outcomes in the objectives, and expected ones of pending ones."""
        found = np.array([*self._found.values()]).reshape(-1, len(self._surrogate.metrics))
        if len(pending):
            belief = self._surrogate.predict(pending)
            found = np.concatenate([found, self._surrogate.losses(belief.means)])
        allowed = _are_feasible(found, self._bounds)
        return np.asarray(found[allowed][:, self._objectives])

    def _range(self, belief: Posterior, front: Floats) -> tuple[Floats, Floats]:
        """The best and the worst known or expected loss in each objective."""
        likely = belief.chance >= min(0.5, float(belief.chance.max()))
        means = self._surrogate.losses(belief.means)[likely][:, self._objectives]
        found = np.array([*self._found.values()]).reshape(-1, len(self._surrogate.metrics))
        every = np.concatenate([means, found[:, self._objectives], front])
        return every.min(axis=0), every.max(axis=0)

    def _optimistic_gain(self, view: _State) -> Floats:
        """The hypervolume that each configuration would gain with an optimistic outcome.

        A configuration whose optimistic outcome violates a constraint gains nothing.
        """
        belief = view.posterior
        signs = self._surrogate.losses(np.eye(len(belief.means))).sum(axis=-1)
        best = belief.means - OPTIMISM * np.sign(signs)[:, None] * belief.deviations
        losses = self._surrogate.losses(best)
        gains = view.free.gains(view.scaled(losses[..., self._objectives]))
        return np.asarray(gains * (losses <= self._bounds[1]).all(axis=-1))

    def _gains(self, view: _State) -> Floats:
        """The expected gain of hypervolume of each configuration, if it runs."""
        belief, hopes = view.posterior, self._optimistic_gain(view)
        count = len(belief.means)
        most = max(MIN_SHORTLISTED, MAX_WORK // (OUTCOME_DRAWS * len(view.free.lower)))
        chosen = np.argsort(-hopes, kind="stable")[:most]
        normal = self._rng.standard_normal((count, OUTCOME_DRAWS // 2))
        normal = np.concatenate([normal, -normal], axis=1)
        normal *= np.sqrt(
            DEGREES_OF_FREEDOM / self._rng.chisquare(DEGREES_OF_FREEDOM, (count, OUTCOME_DRAWS))
        )
        draws = normal[:, None, :] * belief.deviations[:, chosen, None]
        losses = self._surrogate.losses(draws + belief.means[:, chosen, None])
        counted = view.free.gains(view.scaled(losses[..., self._objectives]))
        counted *= _are_feasible(losses, self._bounds)
        gains = np.zeros(len(hopes))
        gains[chosen] = counted.mean(axis=1) + TIE_BREAK * hopes[chosen]
        return gains

    def _seconds(self, view: _State) -> Floats:
        """The duration of measuring each configuration, without known values.

        Of a latency that is uncertain it is the one whose power `COST_EXPONENT` is to be expected:
        a runtime that nobody knows may turn out to be very slow.
        """
        metrics = self._surrogate.metrics
        seconds = np.full(len(view.indices), START_S)
        if LATENCY.name in metrics:
            row = metrics.index(LATENCY.name)
            unknown = view.posterior.deviations > 0
            variances = COST_EXPONENT * view.posterior.deviations[row] ** 2
            logs = view.posterior.means[row] + variances / 2
            times = np.exp(np.minimum(logs, MAX_LOG_MS)) / 1000
            seconds += unknown[row] * np.maximum(RUN_S, QUERIES * times)
            qualities = [index for index, name in enumerate(metrics) if is_quality(name)]
            seconds += unknown[qualities].any(axis=0) * self._samples * times
        batched = sum(METRICS[name].batched for name in metrics)
        return np.asarray(seconds + RUN_S * batched)


def _bounds(constraints: Sequence[Constraint], metrics: Sequence[str]) -> Floats:
    """The least and the greatest allowed loss in each metric; shape (2, metrics)."""
    found = np.array([[-np.inf] * len(metrics), [np.inf] * len(metrics)])
    for bound in constraints:
        column = metrics.index(bound.metric)
        better = METRICS[bound.metric].direction == "maximize"
        if bound.minimum is not None:
            found[int(better), column] = loss(bound.metric, bound.minimum)
        if bound.maximum is not None:
            found[int(not better), column] = loss(bound.metric, bound.maximum)
    return found


def _are_feasible(losses: Floats, bounds: Floats) -> Floats:
    return np.asarray(((losses >= bounds[0]) & (losses <= bounds[1])).all(axis=-1))
