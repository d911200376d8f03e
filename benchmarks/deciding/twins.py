"""A/A studies: one model under two names, which nothing may tell apart."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.deciding.exploring import explored, model_folder, settling
from benchmarks.deciding.recording import Recording, values_by_name
from benchmarks.deciding.relations import Relation, Verdict, contenders, looks, relations
from benchmarks.deciding.replayed import Replayed
from dse.core.configuration import Configuration
from dse.core.intervals import wilson

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

TWINS = ("twin-a", "twin-b")
MODELS = {
    TWINS[0]: ("mobilenet-v1-0.25-128", 50.0),
    TWINS[1]: ("mobilenet-v1-0.25-128", 50.0),
    "larger": ("mobilenet-v1-0.5-160", 60.0),
}
"""Architecture and made-up accuracy by name."""
TIMED = ("latency_p90_ms", "throughput_samples_per_s")
SPACE = {
    "models": list(MODELS),
    "precisions": ["fp32"],
    "backends": ["onnxruntime"],
    "threads": [1],
    "batch_sizes": [1],
    "objectives": ["accuracy_percent", *TIMED],
}
NAMES = tuple(str(Configuration(model, "fp32", "onnxruntime", 1, 1)) for model in TWINS)


@dataclass(frozen=True, slots=True)
class Counted:
    """What became of the twins in all studies.

    Attributes:
        studies: the number of studies.
        false: those in which one twin was found better than the other after any round.
        verdicts: how often the twins ended with each verdict, over studies and timed metrics.
        intervals: the number of intervals of timed values.
        covered: those that hold the median of all values of all studies.
        rounds: of a study, the median.
    """

    studies: int
    false: int
    verdicts: Mapping[Verdict, int]
    intervals: int
    covered: int
    rounds: float


def make(folder: Path, settle_s: float, command: Sequence[str]) -> dict[str, Any]:
    """Makes a study of the twins and of a larger model; a JSON object with its recording.

    Args:
        folder: where it is made.
        settle_s: the longest time for rounds.
        command: that explores.
    """
    models = ["--models", str(model_folder(folder, MODELS))]
    return explored(folder, SPACE, [*models, *settling(settle_s)], command).as_dict()


def count(results: Sequence[Mapping[str, Any]]) -> Counted:
    """What the studies say."""
    recordings = [Recording.from_dict(each) for each in results]
    ends = Counter(
        relation.verdict
        for recording in recordings
        for relation in _of_twins(relations(Replayed.of(recording).results))
    )
    false = sum(any(_told_apart(recording)) for recording in recordings)
    truth = _medians(recordings)
    covered = [hit for recording in recordings for hit in _hits(recording, truth)]
    return Counted(
        studies=len(recordings),
        false=false,
        verdicts={verdict: ends[verdict] for verdict in Verdict},
        intervals=len(covered),
        covered=sum(covered),
        rounds=median(len(recording.rounds) for recording in recordings),
    )


def text(found: Counted) -> str:
    """The figures as a table in Markdown."""
    ends = sum(found.verdicts.values())
    rows = [
        ("studies", f"{found.studies}, each of {found.rounds:g} rounds (median)"),
        ("one twin found better, after any round", _share(found.false, found.studies)),
        ("ended as a tie, of studies and metrics", _share(found.verdicts[Verdict.TIE], ends)),
        ("ended open", _share(found.verdicts[Verdict.OPEN], ends)),
        ("95 % intervals that hold the median", _share(found.covered, found.intervals)),
    ]
    lines = ["| | |", "|---|---|", *(f"| {title} | {value} |" for title, value in rows)]
    return "\n".join(lines)


def _share(good: int, total: int) -> str:
    """A share with its own 95 % interval."""
    if not total:
        return "none"
    low, high = wilson(good, total)
    return f"{good} of {total} ({100 * good / total:.0f} %, {100 * low:.0f} to {100 * high:.0f} %)"


def _of_twins(found: Sequence[Relation]) -> Iterator[Relation]:
    return (relation for relation in found if {relation.one, relation.other} == {*NAMES})


def _told_apart(recording: Recording) -> Iterator[bool]:
    """After each round, whether one twin is found better than the other, or left out."""
    for study in looks(recording):
        verdicts = {relation.verdict for relation in _of_twins(relations(study.results))}
        left_out = not contenders(study.results) >= {*NAMES}
        yield left_out or bool(verdicts & {Verdict.BETTER, Verdict.WORSE})


def _medians(recordings: Sequence[Recording]) -> dict[tuple[str, str], float]:
    """The median of all values by configuration and metric."""
    trials = [trial for recording in recordings for trial in recording.trials]
    return {
        (name, metric): median(values)
        for metric in TIMED
        for name, values in values_by_name(trials, metric).items()
    }


def _hits(recording: Recording, truth: Mapping[tuple[str, str], float]) -> Iterator[bool]:
    """Whether each interval of a study holds the true value."""
    for record in Replayed.of(recording).results.records.values():
        for m in record.outcome.measurements:
            if m.metric in TIMED and m.interval is not None:
                low, high = m.interval
                yield low <= truth[str(record.configuration), m.metric] <= high
