"""What is decided in a study, pair by pair, also of points that ratios have dropped."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from typing import TYPE_CHECKING

from benchmarks.deciding.replayed import Replayed
from dse.core.metrics import METRICS
from dse.core.pareto import metric_of
from dse.study.comparison import Comparison
from dse.study.decisions import Decisions
from dse.study.frontier import point_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.deciding.recording import Recording
    from dse.study.record import Record
    from dse.study.results import StudyResults


class Verdict(StrEnum):
    """What is decided of a pair in a metric."""

    BETTER = "better"
    WORSE = "worse"
    TIE = "tie"
    OPEN = "open"

    @property
    def turned(self) -> Verdict:
        """The same from the other point's side."""
        return {Verdict.BETTER: Verdict.WORSE, Verdict.WORSE: Verdict.BETTER}.get(self, self)


@dataclass(frozen=True, slots=True)
class Relation:
    """A pair in a metric.

    Attributes:
        one: name of the first configuration.
        other: name of the second configuration.
        metric: what is compared.
        verdict: what the first is, compared with the second.
        rounds: that have both.
    """

    one: str
    other: str
    metric: str
    verdict: Verdict
    rounds: int


def relations(
    results: StudyResults, metrics: Sequence[str] = (), *, every: bool = False
) -> list[Relation]:
    """What is decided of all pairs of contenders, by rounds or where values are far apart.

    Of points that the intervals of values alone have dropped, or that are left out, nothing is.

    Args:
        results: of a study.
        metrics: timed ones; by default the study's timed objectives.
        every: whether to decide all points, whatever their intervals, and leave none out.
    """
    frontier = results.frontier
    places = frontier.contenders.places
    contenders = [frontier.candidates[place] for place in places]
    records = [*results.records.values()] if every else contenders
    decided = _decisions_of_all(results, records) if every else frontier
    names, found = {record.id: str(record.configuration) for record in records}, []
    for metric in metrics or [name for name in results.objectives if METRICS[name].timed]:
        for one, other in combinations(records, 2):
            known = decided.relation(one, other, metric)
            pair = names[one.id], names[other.id]
            found.append(Relation(*pair, metric, Verdict(known.order), known.rounds))
    return found


def _decisions_of_all(results: StudyResults, records: Sequence[Record]) -> Decisions:
    points = [point_of(record.outcome.measurements, results.measured) for record in records]
    metrics = [metric_of(name) for name in results.objectives]
    return Decisions(Comparison(records, points, metrics, results.evidence))


def contenders(results: StudyResults) -> frozenset[str]:
    """The names of the points that are not left out as most likely dominated."""
    frontier = results.frontier
    places = frontier.contenders.places
    return frozenset(str(frontier.candidates[place].configuration) for place in places)


def looks(recording: Recording) -> Iterator[Replayed]:
    """The study after each round, one that goes on growing."""
    study, ended = Replayed(recording.space), Counter[str]()
    for trial in recording.trials:
        study.take(trial)
        if trial.place is not None:
            ended[trial.place.id] += 1
            if ended[trial.place.id] == trial.place.size:
                yield study
