"""One exploration made several times from nothing: do its decisions agree?

Beside it stands the rule of before (`benchmarks.deciding.old_rule`), on the very same values.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

from benchmarks.deciding import old_rule
from benchmarks.deciding.exploring import explored, settling
from benchmarks.deciding.recording import Recording
from benchmarks.deciding.relations import Verdict, relations
from benchmarks.deciding.replayed import Replayed
from dse.core.metrics import METRICS
from dse.core.pareto import nondominated

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

PINNED = {
    "models": ["mobilenet-v1-0.25-128"],
    "precisions": ["fp32", "int8"],
    "backends": ["onnxruntime"],
    "threads": [1],
    "pinned": [False, True],
    "objectives": ["accuracy_percent", "latency_p90_ms"],
}
"""Whether pinning helps one thread is hard to see: who is fastest is a matter of luck where each is
measured once."""
Ordered = frozenset[tuple[str, str, str]]
"""Metric, the better configuration, the worse one."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What one rule makes of a study. Configurations are told apart by their names.

    Attributes:
        kept: the points on the frontier.
        certain: those of them that are decided.
        ordered: which configuration is better than which, in what.
        tied: metric and pairs that count as equal.
    """

    kept: frozenset[str]
    certain: frozenset[str]
    ordered: Ordered
    tied: Ordered = frozenset()


@dataclass(frozen=True, slots=True)
class Run:
    """A study.

    Attributes:
        first: the frontier of the first values alone.
        new: what the rounds decide.
        old: what the rule of before makes of the same values.
        settling_s: seconds of its rounds.
    """

    first: frozenset[str]
    new: Decided
    old: Decided
    settling_s: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """How two runs agree, added up over all pairs of runs.

    Attributes:
        pairs: of runs.
        changed: those whose frontiers have other points.
        missing: those in which a certain point of one run is missing from the other's frontier.
        ordered: orders of two configurations that both runs tell.
        opposite: those of them that are opposite.
        tied: orders of one run that are a tie in the other: both may be right.
    """

    pairs: int
    changed: int
    missing: int
    ordered: int
    opposite: int
    tied: int


def make(
    folder: Path,
    space: str | Mapping[str, object],
    settle_s: float | None,
    command: Sequence[str],
) -> dict[str, Any]:
    """Makes a study from nothing; a JSON object with its recording.

    Args:
        folder: where it is made.
        space: the name of a search space, or what its file holds.
        settle_s: the longest time for rounds; None for as long as a user's study takes.
        command: that explores.
    """
    options = [] if settle_s is None else settling(settle_s)
    return explored(folder, space, options, command).as_dict()


def judge(data: Mapping[str, Any]) -> Run:
    """What a recorded study comes to."""
    recording = Recording.from_dict(data)
    points = old_rule.points(recording)
    kept, certain = old_rule.kept(points), old_rule.certain(points)
    ordered = {
        (metric, *pair)
        for number, metric in enumerate(recording.space["objectives"])
        if METRICS[metric].timed
        for pair in old_rule.surely_better({name: points[name] for name in kept}, number)
    }
    old = Decided(frozenset(kept), frozenset(certain), frozenset(ordered))
    return Run(_first(recording), _new(recording), old, recording.settling_s)


def _new(recording: Recording) -> Decided:
    results = Replayed.of(recording).results
    frontier, ordered, tied = results.frontier, set(), set()
    for relation in relations(results):
        pair = (relation.metric, relation.one, relation.other)
        if relation.verdict is Verdict.BETTER:
            ordered.add(pair)
        elif relation.verdict is Verdict.WORSE:
            ordered.add((relation.metric, relation.other, relation.one))
        elif relation.verdict is Verdict.TIE:
            tied.add(pair)
    return Decided(
        frozenset(str(record.configuration) for record in frontier),
        frozenset(str(r.configuration) for r in frontier if frontier.certain(r)),
        frozenset(ordered),
        frozenset(tied),
    )


def _first(recording: Recording) -> frozenset[str]:
    """The frontier of the first value of each metric, as a tool without repetitions shows it."""
    objectives = recording.space["objectives"]
    first: dict[str, dict[str, float]] = {}
    for trial in recording.trials:
        first.setdefault(str(trial.configuration), trial.outcome.values)
    names = [name for name, values in first.items() if all(each in values for each in objectives)]
    best = nondominated([first[name] for name in names], objectives)
    return frozenset(names[index] for index in best)


def agreement(decided: Sequence[Decided]) -> Agreement:
    """Compares every two runs."""
    pairs = list(combinations(decided, 2))
    changed = sum(one.kept != other.kept for one, other in pairs)
    missing = sum(
        not (one.certain <= other.kept and other.certain <= one.kept) for one, other in pairs
    )
    both = [_orders(one, other) for one, other in pairs]
    ordered, opposite, tied = (sum(each) for each in zip(*both, strict=True)) if both else (0,) * 3
    return Agreement(len(pairs), changed, missing, ordered, opposite, tied)


def _orders(one: Decided, other: Decided) -> tuple[int, int, int]:
    """Orders that both tell, opposite ones, and those that are a tie in the other."""
    turned = {(metric, second, first) for metric, first, second in other.ordered}
    opposite = len(one.ordered & turned)
    tied = sum(_tied(one, order) for order in other.ordered)
    tied += sum(_tied(other, order) for order in one.ordered)
    return len(one.ordered & other.ordered) + opposite, opposite, tied


def _tied(decided: Decided, order: tuple[str, str, str]) -> bool:
    metric, first, second = order
    return bool({(metric, first, second), (metric, second, first)} & decided.tied)


def text(runs: Sequence[Run]) -> str:
    """The figures as tables in Markdown."""
    lines = ["| run | first values | rounds: points, decided | before: points, certain | settled |"]
    lines.append("|---|---|---|---|---|")
    for number, run in enumerate(runs, start=1):
        new, old = (f"{len(each.kept)}, {len(each.certain)}" for each in (run.new, run.old))
        lines.append(f"| {number} | {len(run.first)} | {new} | {old} | {run.settling_s:.0f} s |")
    naive = [Decided(run.first, run.first, frozenset()) for run in runs]
    columns = {
        "first values": agreement(naive),
        "rounds": agreement([run.new for run in runs]),
        "before": agreement([run.old for run in runs]),
    }
    pairs = columns["rounds"].pairs
    lines += ["", f"| of {pairs} pairs of runs | {' | '.join(columns)} |", "|---|---|---|---|"]
    titles = {
        "changed": "the two frontiers have different points",
        "missing": "a certain point of one run is missing from the other",
        "ordered": "orders that both runs decide, in all",
        "opposite": "opposite orders",
        "tied": "orders that are a tie in the other run",
    }
    for name, title in titles.items():
        cells = [str(getattr(found, name)) for found in columns.values()]
        if name not in ("changed", "missing"):
            cells[0] = ""  # nothing is ordered by single values
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join(lines)
