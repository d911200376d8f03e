"""Chooses a configuration: the best one in one metric of those that keep to all limits."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dse.answer.limits import BelowBest, Limit
from dse.core.intervals import chance_beyond
from dse.core.mcnemar import quality_p_value
from dse.core.measurement import Source
from dse.core.metrics import METRICS
from dse.study.comparison import Comparison
from dse.study.contenders import MIN_ROUNDS
from dse.study.decisions import Decisions, Order

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dse.answer.question import Question
    from dse.core.metrics import Metric
    from dse.report.view import View
    from dse.study.record import Record

MAX_COMPARED = 200
"""The first so many by their values are compared by rounds, too."""


@dataclass(frozen=True, slots=True)
class KeptLimit:
    """A limit that an answer keeps to.

    Attributes:
        limit: the limit.
        chance: that the true value keeps to it, as far as the noise is known; 1 where the value is
            exact, NaN where nothing tells, as with published figures.
    """

    limit: Limit
    chance: float


@dataclass(frozen=True, slots=True)
class RunnerUp:
    """The next best configuration.

    Attributes:
        record: its point.
        ratio: of its value to the answer's; within rounds, where there are enough.
        rounds: how many tell the ratio; 0 where the values do.
        order: how the answer stands to it, if that is decided.
        chance: that the answer is ahead, as far as the noise is known; 1 where both values are
            exact, NaN where nothing tells.
    """

    record: Record
    ratio: float
    rounds: int
    order: Order
    chance: float


@dataclass(frozen=True, slots=True)
class Answer:
    """The configuration to take.

    Attributes:
        record: its point.
        goal: what it is best in.
        limits: what it keeps to.
        count: how many points keep to all limits.
        runner_up: the next best of them; None where there is no other.
    """

    record: Record
    goal: Metric
    limits: tuple[KeptLimit, ...]
    count: int
    runner_up: RunnerUp | None


@dataclass(frozen=True, slots=True)
class Miss:
    """What comes closest where no point keeps to all limits.

    Attributes:
        record: the point; None where none has a value of each limited metric.
        missed: the limits that it does not keep to; none where it keeps them by its values, but
            not with the chance that was asked for.
        limits: all of them.
    """

    record: Record | None
    missed: tuple[Limit, ...]
    limits: tuple[Limit, ...]


def choose(view: View, question: Question) -> Answer | Miss:
    """Chooses the best point that keeps to all limits.

    The best one has the best value, unless rounds have decided that another one is better. Of
    several with one value, it is the one that is best in the study's further objectives.

    Args:
        view: the points that count.
        question: what is asked; a chance counts where the noise is known.
    """
    goal, sure = question.goal, question.sure
    able = [record for record in view.records if view.value(record, goal.name) is not None]
    fixed = _fixed(view, able, question.limits)
    able = [r for r in able if all(view.value(r, each.metric) is not None for each in fixed)]
    kept = [r for r in able if not any(_excess(view, r, each) for each in fixed)]
    if sure:
        kept = [r for r in kept if not any(_chance(view, r, each) < sure for each in fixed)]
    if not kept:
        return _closest(view, able, fixed, question)
    ranked = sorted(kept, key=lambda record: _rank(view, record, goal))[:MAX_COMPARED]
    results = view.study.results
    compared = Comparison(
        ranked,
        [view.point(each) for each in ranked],
        [goal],
        results.evidence,
        [not results.drifted(each) for each in ranked],
    )
    decisions = Decisions(compared)
    place, *others = decisions.survivors()  # in order of their rank
    return Answer(
        ranked[place],
        goal,
        tuple(KeptLimit(each, _chance(view, ranked[place], each)) for each in fixed),
        len(kept),
        _runner_up(compared, decisions, place, others),
    )


def _fixed(
    view: View, records: Sequence[Record], limits: Sequence[Limit | BelowBest]
) -> tuple[Limit, ...]:
    """The limits with a number each."""
    own = tuple(each for each in limits if isinstance(each, Limit))
    below = [each for each in limits if isinstance(each, BelowBest)]
    quality = view.quality
    if not below or quality is None:
        return own
    kept = [r for r in records if not any(_excess(view, r, each) for each in own)]
    values = [value for r in kept if (value := view.value(r, quality)) is not None]
    if not values:
        return *own, Limit(quality, 0.0, upper=False)
    return *own, *(Limit(quality, max(values) - each.distance, upper=False) for each in below)


def _excess(view: View, record: Record, limit: Limit) -> float:
    value = view.value(record, limit.metric)
    return math.inf if value is None else limit.excess(value)


def _rank(view: View, record: Record, goal: Metric) -> tuple[float, ...]:
    """The value of the goal, then of the study's further objectives; less is better."""
    metrics = [goal, *(each for each in view.objectives if each.name != goal.name)]
    values = [(view.value(record, each.name), each.direction) for each in metrics]
    losses = (
        math.inf if value is None else -value if direction == "maximize" else value
        for value, direction in values
    )
    return *losses, record.id


def _chance(view: View, record: Record, limit: Limit) -> float:
    """The chance that the true value of a point keeps to a limit."""
    value, metric = view.value(record, limit.metric), METRICS[limit.metric]
    if value is None or not (metric.timed or metric.quality):
        return 1.0
    ends = view.point(record).intervals.get(limit.metric)
    if ends is None or (metric.quality and ends[0] == ends[1]):
        return math.nan
    end = ends[1] if limit.upper else ends[0]
    bound = limit.value
    if metric.timed and min(value, end, bound) > 0:  # errors are factors
        value, end, bound = (math.log(number) for number in (value, end, bound))
    return 1.0 - chance_beyond((bound - value) / (end - value)) if end != value else 1.0


def _runner_up(
    compared: Comparison, decisions: Decisions, place: int, others: Sequence[int]
) -> RunnerUp | None:
    """The next best point that does not share the answer's very measurement.

    One that is not decided to be worse comes before those that are.
    """
    rest = (each for each in range(len(compared.records)) if each != place)
    places = (each for each in (*others, *rest) if not compared.same[each, place, 0])
    second = next(places, None)
    if second is None:
        return None
    goal, records = compared.objectives[0], compared.records
    relation = decisions.relation(records[second], records[place], goal.name)
    ratio, rounds = relation.ratio, relation.rounds
    if rounds < MIN_ROUNDS:
        values = [float(compared.losses.values[each, 0]) for each in (second, place)]
        ratio, rounds = values[0] / values[1] if values[1] else math.nan, 0
    order = decisions.order(records[place], records[second], goal.name)
    chance = _chance_ahead(compared, place, second)
    return RunnerUp(records[second], ratio, rounds, order, chance)


def _chance_ahead(compared: Comparison, place: int, second: int) -> float:
    """The chance that the answer is truly ahead of the runner-up."""
    goal = compared.objectives[0]
    ahead = float(compared.values[second, 0] - compared.values[place, 0])
    reach = math.hypot(compared.above[place, 0], compared.below[second, 0])
    if goal.timed:
        rivals, sign = compared.rivals_of(place, second, 0)
        if rivals is not None and rivals.count >= MIN_ROUNDS:
            ahead, reach = -sign * rivals.centre, rivals.series.reach
    elif goal.quality:
        found = [compared.records[each].outcome.measurement(goal.name) for each in (place, second)]
        if found[0] is not None and found[1] is not None:
            p_value = quality_p_value(found[0], found[1])
            if p_value is not None:
                return 1.0 - p_value / 2
            if not reach > 0 or found[0].source is not Source.MEASURED:
                return math.nan
    else:
        reach = 0.0
    if reach == 0:
        return 0.5 if ahead == 0 else 1.0
    return 1.0 - chance_beyond(ahead / reach)


def missing(view: View, names: Sequence[str]) -> dict[str, int]:
    """How many points have no value of a metric, by the names of those that any lacks."""
    counts = {name: sum(view.value(r, name) is None for r in view.records) for name in names}
    return {name: count for name, count in counts.items() if count}


def _closest(
    view: View, records: Sequence[Record], limits: tuple[Limit, ...], question: Question
) -> Miss:
    """The point that misses the fewest limits, by the least; of several, the one to choose.

    How much a limit is missed by counts in parts of the range that the points have of its metric,
    so that a point of accuracy and a millisecond can be compared. Where a chance was asked for, the
    surest of those that miss as much comes first; else, or of these, the best by `_rank`.
    """
    if not records or not limits:
        return Miss(None, (), limits)
    ranges = {each: _range(view, records, each) for each in limits}

    def missed_by(record: Record) -> tuple[int, float]:
        found = [_excess(view, record, each) / ranges[each] for each in limits]
        return sum(share > 0 for share in found), max(found)

    def unsure(record: Record) -> float:
        chances = (_chance(view, record, each) for each in limits if question.sure)
        return 1.0 - min((chance for chance in chances if not math.isnan(chance)), default=1.0)

    def order(record: Record) -> tuple[float, ...]:
        return *missed_by(record), unsure(record), *_rank(view, record, question.goal)

    record = min(records, key=order)
    missed = tuple(each for each in limits if _excess(view, record, each))
    return Miss(record, missed, limits)


def _range(view: View, records: Sequence[Record], limit: Limit) -> float:
    """The range of the values of a limited metric, the limit included; never 0."""
    values = [limit.value, *(view.value(record, limit.metric) or 0.0 for record in records)]
    return max(values) - min(values) or 1.0
