"""What is undecided on the frontier of a study, and how long it takes to decide it."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dse.core.metrics import METRICS, SINGLE_STREAM_METRICS
from dse.core.pareto import feasible, nondominated
from dse.study.drift import FEW_VALUES_FACTOR
from dse.study.frontier import point_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from dse.core.pareto import Constraint, Point
    from dse.study.decisions import OpenPair
    from dse.study.frontier import StudyFrontier
    from dse.study.record import Record
    from dse.study.results import StudyResults
    from dse.study.study import Study

    Seconds = Callable[[Record, Iterable[str]], float]

BRIEF_SHARE = 0.3
"""A brief run takes about this part of a probe."""
PROBE_EVERY = 8
"""One in this many rounds is of probes, which tell of the values themselves, about one a minute:
further values of a minute tell little more. All others are brief."""
NORMAL_95 = 1.96
"""Half of an interval of 95 %, in standard deviations of normal values."""
START_S = 0.15
"""What a process takes beside its runs."""
FEWEST_ROUNDS, USUAL_REACH = 5.0, 0.3
"""What is expected of a pair without rounds: some at least, and four times as many where the
logarithms of the values lie half as far apart. One round tells as much as this reach, or so."""
LEAST_APART = 0.02
"""Values that are as near as this are expected to tie."""
LEAST_BEYOND_NOISE = 0.05
"""Values that their noise alone explains are expected to lie as far apart as this."""
MAX_BOUND_VALUES = 8
"""A value that lies at a bound is not measured more often than this to tell on which side."""


@dataclass(frozen=True, slots=True)
class Settling:
    """How far the frontier is decided.

    Attributes:
        rounds: those that this exploration has run; 0 outside of one.
        points: the number of points on the frontier.
        decided: how many of them are certain.
        undecided: how many of the others further rounds can decide.
        needed_s: a rough estimate of the seconds of rounds until all are decided, often several
            times too short or too long.
        budget_s: the seconds of rounds that this exploration may still spend; 0 outside of one.
    """

    rounds: int
    points: int
    decided: int
    undecided: int
    needed_s: float
    budget_s: float


@dataclass(frozen=True, slots=True)
class OpenBounds:
    """A point of the frontier that may miss a bound, or one beyond it that may keep to it.

    Attributes:
        record: the point.
        metrics: those of the bounds.
        needed: the number of values until it is no longer measured.
    """

    record: Record
    metrics: tuple[str, ...]
    needed: int


def settling_of(study: Study, rounds: int = 0, budget_s: float = 0.0) -> Settling:
    """How far a study is decided.

    Args:
        study: any.
        rounds: those that this exploration has run.
        budget_s: the seconds of rounds that it may still spend.
    """
    frontier = study.results.frontier
    bounds = open_bounds(study.results, study.space.constraints)
    open_ids = frontier.open_ids | {bound.record.id for bound in bounds}
    uncertain = {record.id for record in frontier if not frontier.certain(record)}
    pairs, seconds_of = pairs_to_decide(frontier), pace_of(study.results)
    needed_s = time_to_settle_s(pairs, seconds_of, rounds_to_tell)
    needed_s += sum(bound.needed * run_seconds(bound.record, bound.metrics) for bound in bounds)
    return Settling(
        rounds=rounds,
        points=len(frontier),
        decided=len(frontier) - len(uncertain),
        undecided=len(uncertain & open_ids),
        needed_s=needed_s,
        budget_s=budget_s,
    )


def pairs_to_decide(
    frontier: StudyFrontier, in_vain: Callable[[OpenPair], bool] = lambda _: False
) -> list[OpenPair]:
    """The open pairs that rounds are spent on.

    These are any two points that lead. Of each other point it is the pair with one that leads and
    is ahead of it: the one that is expected to make it drop out in the fewest rounds, so that its
    rounds add up. Pairs of which none leads come once no others are open.

    Args:
        frontier: of a study.
        in_vain: tells of a pair whether it is left open, as rounds tell nothing of it.
    """
    found: list[OpenPair] = []
    of_behind: dict[int, OpenPair] = {}
    for pair in frontier.open_pairs:
        if in_vain(pair):
            continue
        behind = {pair.one.id, pair.other.id} - frontier.leading
        if not behind:
            found.append(pair)
        for id_ in behind:
            of_behind[id_] = min(of_behind.get(id_, pair), pair, key=expected_rounds)
    return [*found, *of_behind.values()]


def expected_rounds(pair: OpenPair) -> float:
    """An estimate of the further rounds until a pair is decided, also where it has had none.

    The first rounds tell little of how many are needed. Were they taken for it, a point behind
    would be held against one leader after the other, and never often enough.
    """
    if pair.rounds >= FEWEST_ROUNDS and math.isfinite(pair.needed):
        return pair.needed
    one, other = pair.one.outcome.values, pair.other.outcome.values
    pairs = [sorted((one[name], other[name])) for name in pair.metrics]
    apart = min(math.log(high / low) if low > 0 else 0.0 for low, high in pairs)
    usual = FEWEST_ROUNDS + (USUAL_REACH / max(apart, LEAST_APART)) ** 2
    return max(1.0, usual - pair.rounds)


def rounds_to_tell(pair: OpenPair) -> float:
    """An estimate of the further rounds until a pair is decided, to be told.

    Where there are few rounds, the values tell it. By their noise they lie farther apart than what
    they stand for, so what the noise alone explains is left out. Rounds are chosen by
    `expected_rounds`: there a pair that looks quickly decided is worth a try.
    """
    if pair.rounds >= FEWEST_ROUNDS and math.isfinite(pair.needed):
        return pair.needed
    apart = min(_apart_beyond_noise(pair, name) for name in pair.metrics)
    usual = FEWEST_ROUNDS + (USUAL_REACH / max(apart, LEAST_BEYOND_NOISE)) ** 2
    return max(expected_rounds(pair), usual - pair.rounds)


def _apart_beyond_noise(pair: OpenPair, metric: str) -> float:
    """How far the logarithms of two values lie apart, less what their noise alone explains."""
    found = [m for r in (pair.one, pair.other) if (m := r.outcome.measurement(metric))]
    if len(found) < 2 or min(m.value for m in found) <= 0:
        return 0.0
    square = math.log(found[0].value / found[1].value) ** 2
    ends = [m.interval for m in found if m.interval and m.interval[0] > 0]
    square -= sum((math.log(high / low) / (2 * NORMAL_95)) ** 2 for low, high in ends)
    return math.sqrt(max(0.0, square))


def pace_of(results: StudyResults) -> Seconds:
    """How long a member of a round takes, in seconds, as far as those before it tell.

    A configuration without rounds takes as much longer than its runs say as the others did.
    """
    records = results.records

    def expected(key: str) -> float | None:
        record = records.get(key)
        if record is None or record.outcome.failure is not None:
            return None
        return round_seconds(record, [m.metric for m in results.timed(record.outcome)])

    factor = results.pace.factor(expected)

    def seconds_of(record: Record, metrics: Iterable[str]) -> float:
        known = results.pace.mean(record.configuration.key)
        return factor * round_seconds(record, metrics) if known is None else known

    return seconds_of


def open_bounds(results: StudyResults, constraints: Sequence[Constraint]) -> list[OpenBounds]:
    """The points whose values lie at a bound, and that were not measured often enough.

    These are points of the frontier that may miss it, and others that may keep to it.
    """
    bounded = {constraint.metric for constraint in constraints}
    frontier, measured = results.frontier, results.measured
    doubtful = [record for record in frontier if not frontier.keeps_bounds(record)]
    found = []
    for record in [*doubtful, *near_misses(results, constraints)] if bounded else ():
        lacking = {
            m.metric: MAX_BOUND_VALUES - len(measured.all(m.key, "probe"))
            for m in results.timed(record.outcome)
            if m.metric in bounded and m.fidelity == "probe"  # else no probe changes its value
        }
        metrics = tuple(metric for metric, needed in lacking.items() if needed > 0)
        if metrics:
            found.append(OpenBounds(record, metrics, max(lacking.values())))
    return found


def near_misses(results: StudyResults, constraints: Sequence[Constraint]) -> list[Record]:
    """The records that miss a bound by less than their intervals reach, as far as these are known.

    They would be on the frontier if they kept to it, or might be: no point of it has better values
    in all objectives.
    """
    if not constraints:
        return []
    best = [record.outcome.values for record in results.frontier]
    found = []
    for record in results.records.values():
        values = record.outcome.values
        if record.outcome.failure is not None or feasible(values, constraints):
            continue
        known = point_of(record.outcome.measurements, results.measured)
        within = (each.met_within(*_ends(known, each.metric)) for each in constraints)
        if all(within) and len(best) in nondominated([*best, values], results.objectives):
            found.append(record)
    return sorted(found, key=lambda record: record.id)


def _ends(known: Point, metric: str) -> tuple[float, float]:
    """Between which bounds a value may lie; without an interval what varies is not exact."""
    if metric in known.intervals:
        return known.intervals[metric]
    factor = FEW_VALUES_FACTOR if METRICS[metric].timed else 1.0
    return known.values[metric] / factor, known.values[metric] * factor


def run_seconds(record: Record, metrics: Iterable[str], share: float = 1.0) -> float:
    """Estimates how long measuring some metrics of a configuration again takes, in seconds.

    Args:
        record: what is known of it.
        metrics: the metrics.
        share: the length of a run, as a part of that of a probe.
    """
    runs: dict[str, float] = {}
    for metric in metrics:
        # Of all that a run gives, one measurement says how long the run took.
        shared = SINGLE_STREAM_METRICS if metric in SINGLE_STREAM_METRICS else (metric,)
        known = (record.outcome.measurement(name) for name in shared)
        runs[shared[0]] = max((m.seconds for m in known if m), default=0.0)
    return START_S + share * sum(runs.values())


def is_of_probes(number: int) -> bool:
    """Whether a round is of probes, by how many an exploration has run before it."""
    return number % PROBE_EVERY == PROBE_EVERY - 1


def round_seconds(record: Record, metrics: Iterable[str]) -> float:
    """Estimates how long a member of a round takes, as the mean of rounds of all kinds."""
    return run_seconds(record, metrics, (1 + (PROBE_EVERY - 1) * BRIEF_SHARE) / PROBE_EVERY)


def time_to_settle_s(
    pairs: Iterable[OpenPair],
    seconds_of: Seconds = round_seconds,
    rounds_of: Callable[[OpenPair], float] = expected_rounds,
) -> float:
    """Estimates how long it takes until all pairs are decided, in seconds.

    Args:
        pairs: those that are open.
        seconds_of: the time that measuring metrics of a record takes.
        rounds_of: the further rounds that a pair takes.
    """
    needed: dict[int, float] = defaultdict(float)
    metrics: dict[int, set[str]] = defaultdict(set)
    records: dict[int, Record] = {}
    for pair in pairs:
        rounds = rounds_of(pair)
        for record in (pair.one, pair.other):
            records[record.id] = record
            needed[record.id] = max(needed[record.id], rounds)
            metrics[record.id].update(pair.metrics)
    return sum(needed[id_] * seconds_of(records[id_], metrics[id_]) for id_ in records)
