"""How soon known ratios are told apart.

Four rivals are measured in rounds for some minutes, and the rounds are stored. Then each pair is
decided from parts of them, as in a study that has only these two: one recording shows what several
studies of some minutes would have decided. As in a study, one in eight rounds is of probes.
"""

from __future__ import annotations

import math
import secrets
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.deciding import slowed
from benchmarks.deciding.recording import Taken, described
from benchmarks.deciding.relations import Verdict, relations
from benchmarks.deciding.replayed import Replayed
from benchmarks.deciding.stored import append, lines, say
from dse.core.configuration import Configuration
from dse.core.errors import DseError
from dse.core.metrics import LATENCY, METRICS, THROUGHPUT
from dse.core.reasons import boil_down
from dse.core.registry import BACKENDS
from dse.machine.detect import detect
from dse.machine.measuring_lock import measuring_lock
from dse.measure.runner import Limits, run_worker
from dse.measure.spec import RUN_LENGTHS, MetricRequest, ModelFiles, Spec, TaskSpec
from dse.study.record import Purpose
from dse.study.rounds import RoundPlace
from dse.study.settling import PROBE_EVERY
from dse.tasks.registry import DEFAULT, task

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dse.core.measurement import FidelityName

TIMED = (LATENCY.name, THROUGHPUT.name)
SPACE = {"models": ["rival"], "backends": ["null"], "objectives": list(TIMED)}
"""A study of these objectives; what it may try does not matter here."""
RATIOS = (1.0, 1.02, 1.05, 1.1)
DELAY_MS = 5.0
MODEL = ("mobilenet-v1-0.25-128", "fp32")
KINDS = ("delays", "real")
"""Rivals: sleeps of the null backend; a real model, and the same with an extra cost."""
MINUTES = (1.0, 3.0, 10.0)
LIMITS = Limits(timeout_s=120.0, memory_bytes=0)


@dataclass(frozen=True, slots=True)
class Rival:
    """What is measured in each round.

    Attributes:
        configuration: how.
        files: of its model.
        spec: what its model is fed with.
        ratio: of its time to that of the first rival, as it is meant.
    """

    configuration: Configuration
    files: ModelFiles
    spec: TaskSpec
    ratio: float


def rivals(kind: str) -> list[Rival]:
    """The rivals of a kind; the first is what the others are compared with.

    Raises:
        UnavailableError: a library that makes the model is missing.
    """
    given = task(DEFAULT)
    if kind == "delays":
        files, form = ModelFiles(), given.plain_form
        made = [_configuration("null", "delay_ms", DELAY_MS * ratio) for ratio in RATIOS]
    else:
        BACKENDS.offer(slowed.NAME, slowed.TARGET)
        artefact = given.provider(None).artefact(*MODEL, ("onnx",))
        files, form = ModelFiles(artefact.path), artefact.form
        extra = [round(100 * (ratio - 1), 6) for ratio in RATIOS]
        made = [_configuration(slowed.NAME, slowed.KNOB, percent) for percent in extra]
    spec = TaskSpec(given.worker, form, rules=given.rules)
    return [Rival(c, files, spec, r) for c, r in zip(made, RATIOS, strict=True)]


def _configuration(backend: str, knob: str, value: float) -> Configuration:
    return Configuration(*MODEL, backend, 1, 1, ((knob, round(value, 6)),))


def record_rounds(file: Path, kind: str, seconds: float) -> list[tuple[Taken, ...]]:
    """Measures rounds until they have taken a time in all; those that are stored count.

    Args:
        file: holds a line for each round.
        kind: one of `KINDS`.
        seconds: of all rounds.
    """
    done = read_rounds(file)
    members = rivals(kind)
    spent = sum(trial.seconds for trials in done for trial in trials)
    generator, machine = secrets.SystemRandom(), described(detect())
    while spent < seconds:
        say(f"{file.stem}: round {len(done) + 1}, {spent / 60:.1f} of {seconds / 60:g} min")
        order = generator.sample(members, len(members))
        with tempfile.TemporaryDirectory(prefix="dse-decisions-") as name, measuring_lock():
            length: FidelityName = "brief" if len(done) % PROBE_EVERY else "probe"
            trials = tuple(_round(order, Path(name), secrets.token_hex(8), length))
        append(file, {"machine": machine, "trials": [trial.as_dict() for trial in trials]})
        done.append(trials)
        spent += sum(trial.seconds for trial in trials)
    return done


def read_rounds(file: Path) -> list[tuple[Taken, ...]]:
    """The rounds that are stored."""
    return [tuple(map(Taken.from_dict, line["trials"])) for line in lines(file)]


def _round(
    order: Sequence[Rival], folder: Path, id_: str, fidelity: FidelityName
) -> Iterator[Taken]:
    for position, rival in enumerate(order):
        configuration = rival.configuration
        spec = Spec(
            run=str(position),
            folder=folder / str(position),
            configuration=configuration,
            model=rival.files,
            task=rival.spec,
            requests=tuple(MetricRequest(m, f"{configuration.key} {m}") for m in TIMED),
            fidelity=RUN_LENGTHS[fidelity],
        )
        at, begun = time.time(), time.monotonic()
        outcome = run_worker(spec, LIMITS)
        if outcome.failure is not None:
            failure = outcome.failure
            problem = f"{configuration} failed ({failure.kind}): {boil_down(failure.message)}"
            raise DseError(problem)
        seconds = time.monotonic() - begun
        place = RoundPlace(id_, position, len(order))
        yield Taken(configuration, Purpose.ROUND, at, seconds, outcome, frozenset(TIMED), place)


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a pair in parts of a recording.

    Attributes:
        ratio: of the second rival's cost to the first one's, as the whole recording has it.
        metric: what was compared.
        minutes: the length of a part, in seconds of these two rivals.
        rounds: of a part, the median.
        verdicts: of the first rival, how often each.
    """

    ratio: float
    metric: str
    minutes: float
    rounds: float
    verdicts: Mapping[Verdict, int]


def told(rounds: Sequence[Sequence[Taken]], minutes: Sequence[float] = MINUTES) -> list[Told]:
    """What the pairs of the first rival with the others came to.

    Args:
        rounds: all that were recorded, each with all rivals.
        minutes: lengths of the parts; those that are longer than the recording are left out.
    """
    names = _by_cost(rounds)
    found = []
    for other in names[1:]:
        own = [tuple(_only(trials, (names[0], other))) for trials in rounds]
        for metric in TIMED:
            ratio = _true_ratio(own, names[0], metric)
            for length in minutes:
                parts = list(_parts(own, 60 * length))
                ends = Counter(_verdict(part, names[0], metric) for part in parts)
                if parts:
                    count = median(map(len, parts))
                    verdicts = {verdict: ends[verdict] for verdict in Verdict}
                    found.append(Told(ratio, metric, length, count, verdicts))
    return found


def text(found: Sequence[Told]) -> str:
    """The figures as a table in Markdown."""
    lines_ = [
        "| metric | true ratio | minutes | rounds | parts | right | tie | open | wrong |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for each in found:
        v = each.verdicts
        lines_.append(
            f"| {METRICS[each.metric].title} | {each.ratio:.3f} | {each.minutes:g} "
            f"| {each.rounds:g} | {sum(v.values())} | {v[Verdict.BETTER]} | {v[Verdict.TIE]} "
            f"| {v[Verdict.OPEN]} | {v[Verdict.WORSE]} |"
        )
    return "\n".join(lines_)


def _by_cost(rounds: Sequence[Sequence[Taken]]) -> list[str]:
    """The names of the rivals, the one with the least knob first."""
    configurations = {trial.configuration for trials in rounds for trial in trials}
    return [str(c) for c in sorted(configurations, key=lambda c: float(c.knobs[0][1]))]


def _only(trials: Sequence[Taken], names: Sequence[str]) -> Iterator[Taken]:
    """A round as it would be if only these were its members."""
    kept = [trial for trial in trials if str(trial.configuration) in names]
    for position, trial in enumerate(kept):
        assert trial.place is not None
        yield replace(trial, place=RoundPlace(trial.place.id, position, len(kept)))


def _true_ratio(rounds: Sequence[Sequence[Taken]], first: str, metric: str) -> float:
    """The median ratio of costs within rounds: above 1 where the first rival is better."""
    sign = -1 if METRICS[metric].direction == "maximize" else 1
    logs = []
    for trials in rounds:
        values = {t.configuration: math.log(t.outcome.values[metric]) for t in trials}
        one = next(value for c, value in values.items() if str(c) == first)
        other = next(value for c, value in values.items() if str(c) != first)
        logs.append(sign * (other - one))
    return math.exp(median(logs))


def _parts(
    rounds: Sequence[Sequence[Taken]], seconds: float
) -> Iterator[Sequence[Sequence[Taken]]]:
    """The recording in parts that take so long, without what is left over."""
    part: list[Sequence[Taken]] = []
    spent = 0.0
    for trials in rounds:
        part.append(trials)
        spent += sum(trial.seconds for trial in trials)
        if spent >= seconds:
            yield part
            part, spent = [], 0.0


def _verdict(part: Sequence[Sequence[Taken]], first: str, metric: str) -> Verdict:
    """What a study of these rounds decides of the first rival."""
    study = Replayed(SPACE, (trial for trials in part for trial in trials))
    [relation] = relations(study.results, (metric,), every=True)
    return relation.verdict if relation.one == first else relation.verdict.turned
