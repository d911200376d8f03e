"""Rounds of a simulated machine, decided as in a real study: does the rule hold its level?

The machine is slower or faster for some time for all that runs (an Ornstein-Uhlenbeck process in
the logarithm), each process differs from the next, and a few are far slower. Rounds are chosen and
decided by the program's own code, so only the values are made up.
"""

from __future__ import annotations

import math
import random
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.deciding import stored
from benchmarks.deciding.machines import Machine, Rivals, scenarios
from benchmarks.deciding.recording import Taken
from benchmarks.deciding.relations import Verdict, contenders, relations
from benchmarks.deciding.replayed import Replayed
from dse.core.checksums import digest, sha256_of
from dse.core.configuration import Configuration
from dse.core.intervals import wilson
from dse.core.measurement import Measurement, Outcome, Source
from dse.core.metrics import LATENCY
from dse.exploration._remeasuring import next_for_noise, noise_unknown
from dse.exploration._rounds import choose_round
from dse.study.comparison import TIE_PERCENT
from dse.study.record import Purpose
from dse.study.rounds import RoundPlace
from dse.study.settling import (
    BRIEF_SHARE,
    START_S,
    is_of_probes,
    pairs_to_decide,
    run_seconds,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from benchmarks.deciding.relations import Relation
    from dse.core.measurement import FidelityName
    from dse.study.results import StudyResults

METRIC = LATENCY.name
QUALITY = "accuracy_percent"
SPACE = {"models": ["rival"], "backends": ["null"], "objectives": [QUALITY, METRIC]}
"""A study of these objectives; what it may try does not matter here."""
RUN_S = 1.8
"""A probe beside the start of its process, as with the models of `studies/families`."""
MANY, STORED_EVERY = 20, 10
ROOT = Path(__file__).parents[2]
SOURCES = (
    *("benchmarks/deciding/machines.py", "benchmarks/deciding/simulated.py"),
    "dse/exploration/_rounds.py",
    *("dse/exploration/_remeasuring.py", "dse/study/_ratios.py", "dse/study/decisions.py"),
    *("dse/study/observations.py", "dse/study/rounds.py", "dse/study/settling.py"),
    *("dse/study/comparison.py", "dse/study/contenders.py"),
    *("dse/study/_rivals.py", "dse/core/swaps.py", "dse/core/confidence_sequence.py"),
    *("dse/core/intervals.py", "dse/core/pareto.py"),
)
"""What is simulated anew after each change of them."""
BEGUN = 1e9
"""When a study begins, in seconds since the epoch."""
MINUTES = (1.0, 3.0, 10.0)
WRONG = {
    "order": "false order",
    "tie": "false tie",
    "dropped": "lost to ratios",
    "left out": "left out",
}
"""What may be decided wrongly."""
PAIRS = ("ties", "equal", "told", "different")
"""Of a course, the numbers of pairs."""


@dataclass(frozen=True, slots=True)
class Course:
    """How a simulated study went.

    Attributes:
        wrong: what was decided after any round and not true, names in `WRONG`.
        rounds: the number of rounds.
        undecided: by minutes of rounds, the share of the points that were in open pairs.
        ties: pairs of equal points that ended as ties.
        equal: pairs of equal points.
        told: pairs that differ by more than a tie and ended in their order.
        different: pairs that differ by more than a tie.
    """

    wrong: tuple[str, ...]
    rounds: int
    undecided: Mapping[float, float]
    ties: int
    equal: int
    told: int
    different: int


class _Study:
    """A simulated study, measured process by process.

    Args:
        rivals: its points.
        machine: what they are measured on.
    """

    def __init__(self, rivals: Rivals, machine: Machine) -> None:
        self._rivals, self._machine = rivals, machine
        self._numbers = {_configuration(n): n for n in range(len(rivals.levels))}
        self._known, self.at, self.rounds = Replayed(SPACE), BEGUN, 0

    @property
    def results(self) -> StudyResults:
        """What is known."""
        return self._known.results

    def explore(self, order: Iterable[int]) -> None:
        """Measures each point once."""
        for number in order:
            self._take(_configuration(number))

    def know_noise(self) -> None:
        """Repeats as a study does until the noise is known."""
        while noise_unknown(self.results) and self.results.anchor is not None:
            self._take(self.results.anchor.configuration)
        while found := next_for_noise(self.results):
            self._take(found[0].configuration)

    def settle(self, shuffle: random.Random) -> bool:
        """Measures the next round, if anything is open: brief runs, or probes in one of eight."""
        brief = not is_of_probes(self.rounds)
        share = BRIEF_SHARE if brief else 1.0
        pairs = pairs_to_decide(self.results.frontier)
        seconds_of = partial(run_seconds, share=share)
        members = choose_round(pairs, shuffle, seconds_of=seconds_of)
        for position, member in enumerate(members):
            place = RoundPlace(f"round {self.rounds}", position, len(members))
            seconds = seconds_of(member.record, member.metrics)
            self._take(member.record.configuration, place, "brief" if brief else "probe", seconds)
        self.rounds += bool(members)
        return bool(members)

    def _take(
        self,
        configuration: Configuration,
        place: RoundPlace | None = None,
        fidelity: FidelityName = "probe",
        seconds: float = START_S + RUN_S,
    ) -> None:
        number = self._numbers[configuration]
        value = self._machine.value(self._rivals.levels[number], self.at)
        quality = self._rivals.qualities[number]
        key = f"{configuration.key} {METRIC}"
        took = seconds - START_S
        measurements = [Measurement(METRIC, value, key, Source.MEASURED, fidelity, seconds=took)]
        if place is None:
            measurements.append(Measurement(QUALITY, quality, "published", Source.PUBLISHED))
        outcome, own = Outcome(tuple(measurements)), frozenset({METRIC})
        purpose = Purpose.EXPLORE if place is None else Purpose.ROUND
        self._known.take(Taken(configuration, purpose, self.at, seconds, outcome, own, place))
        self.at += seconds

    def untrue(self, tie_percent: float) -> Iterator[str]:
        """What is decided, or left out, by now and not true, each a name in `WRONG`.

        An order must be that of the true values, however close they are; a tie must be one. A
        point that was dropped must be no better anywhere than another, but for a tie.
        """
        for relation in relations(self.results):
            if not _true(relation.verdict, self._ratio(relation), tie_percent):
                yield "tie" if relation.verdict is Verdict.TIE else "order"
        frontier = {str(record.configuration) for record in self.results.frontier}
        known = contenders(self.results)
        for configuration, number in self._numbers.items():
            if str(configuration) not in frontier and not self._behind(number, tie_percent):
                yield "dropped" if str(configuration) in known else "left out"

    def _behind(self, number: int, tie_percent: float) -> bool:
        """Whether another point is at least as good, but for a tie, and better somewhere."""
        levels, qualities = self._rivals.levels, self._rivals.qualities
        most = levels[number] * (1 + tie_percent / 100)
        return any(
            level <= most
            and quality >= qualities[number]
            and (quality > qualities[number] or level < levels[number])
            for level, quality in zip(levels, qualities, strict=True)
        )

    def pairs(self, tie_percent: float) -> tuple[list[Relation], list[Relation]]:
        """The relations of points that are equal in truth, and of those that differ by more."""
        tie, found = math.log1p(tie_percent / 100) + 1e-12, relations(self.results)
        equal = [relation for relation in found if self._ratio(relation) == 0]
        return equal, [relation for relation in found if abs(self._ratio(relation)) > tie]

    def _ratio(self, relation: Relation) -> float:
        """The logarithm of the true ratio of a pair: negative where the first is better."""
        names = {str(c): self._rivals.levels[n] for c, n in self._numbers.items()}
        return math.log(names[relation.one] / names[relation.other])


def simulate(
    rivals: Rivals, seed: int, minutes: Sequence[float] = MINUTES, tie_percent: float = TIE_PERCENT
) -> Course:
    """Explores the rivals once, and settles until all is decided or the time is over.

    Args:
        rivals: the points.
        seed: of everything random.
        minutes: when to look at what is open; the last one ends the study.
        tie_percent: what counts as equal.
    """
    generator = np.random.default_rng(seed)
    study = _Study(rivals, Machine(generator))
    shuffle = random.Random(seed)  # noqa: S311  # a simulation
    study.explore(map(int, generator.permutation(len(rivals.levels))))
    study.know_noise()
    begun, wrong = study.at, set(study.untrue(tie_percent))
    undecided: dict[float, float] = {}
    while True:
        spent, pairs = (study.at - begun) / 60, study.results.frontier.open_pairs
        share = len({r.id for pair in pairs for r in (pair.one, pair.other)}) / len(rivals.levels)
        undecided |= {each: share for each in minutes if spent <= each}
        if spent >= max(minutes) or not study.settle(shuffle):
            break
        wrong.update(study.untrue(tie_percent))
    equal, different = study.pairs(tie_percent)
    return Course(
        wrong=tuple(sorted(wrong)),
        rounds=study.rounds,
        undecided=undecided,
        ties=sum(relation.verdict is Verdict.TIE for relation in equal),
        equal=len(equal),
        told=sum(relation.verdict in (Verdict.BETTER, Verdict.WORSE) for relation in different),
        different=len(different),
    )


def _configuration(number: int) -> Configuration:
    return Configuration(f"m{number:02}", "fp32", "null", 1, 1)


def _true(verdict: Verdict, ratio: float, tie_percent: float) -> bool:
    """Whether a verdict is true of the first of a pair with that logarithm of its ratio."""
    if verdict is Verdict.TIE:
        return abs(ratio) <= math.log1p(tie_percent / 100) + 1e-12
    return {Verdict.BETTER: ratio < 0, Verdict.WORSE: ratio > 0}.get(verdict, True)


def made(folder: Path, studies: int, seed: int) -> list[dict[str, Any]]:
    """Simulates each scenario a number of times, or a quarter of it where it has many points.

    What is stored counts if it was decided by the same rule.

    Args:
        folder: has a file for each scenario.
        studies: the number of times.
        seed: of the first one.
    """
    results = []
    for rivals in scenarios():
        points, rule = len(rivals.levels), _rule()
        file = folder / f"{points:02}-{rivals.name.replace(' ', '-')}.json"
        wanted = max(1, studies // 4) if points >= MANY else studies
        found = stored.read(file) if file.exists() else {}
        if (found.get("rule"), found.get("seed")) != (rule, seed):
            found = {
                "rule": rule,
                "seed": seed,
                "name": rivals.name,
                "points": points,
                "courses": [],
            }
        courses = found["courses"]
        while len(courses) < wanted:
            courses.append(asdict(simulate(rivals, seed + len(courses))))
            if len(courses) % STORED_EVERY == 0 or len(courses) == wanted:
                stored.say(f"{points} {rivals.name}: {len(courses)} of {wanted} studies")
                stored.write(file, found)
        results.append(stored.read(file))
    return results


def _rule() -> str:
    """What tells whether the code that decides is still the same."""
    return digest([sha256_of(ROOT / name) for name in SOURCES])


def text(scenarios_: Sequence[Mapping[str, Any]]) -> str:
    """The figures as a table in Markdown."""
    times = ", ".join(f"{minutes:g}" for minutes in MINUTES)
    lines = [
        f"| points | {' | '.join(WRONG.values())} | open after {times} min | ties | told |",
        f"|---|{'---|' * (len(WRONG) + 3)}",
    ]
    for found in scenarios_:
        courses = found["courses"]
        wrong = [_share(sum(kind in c["wrong"] for c in courses), len(courses)) for kind in WRONG]
        left = [f"{100 * fmean(_undecided(c, each) for c in courses):.0f}" for each in MINUTES]
        sums = {name: sum(course[name] for course in courses) for name in PAIRS}
        lines.append(
            f"| {found['points']} {found['name']} | {' | '.join(wrong)} "
            f"| {', '.join(left)} % | {sums['ties']}/{sums['equal']} "
            f"| {sums['told']}/{sums['different']} |"
        )
    return "\n".join(lines)


def _share(count: int, total: int) -> str:
    """A count with the upper end of the 95 % interval of its share."""
    return f"{count}/{total} ({100 * wilson(count, total)[1]:.0f} %)"


def _undecided(course: Mapping[str, Any], minutes: float) -> float:
    """The share at a time; JSON's keys are texts."""
    left: Mapping[str, float] = {str(key): share for key, share in course["undecided"].items()}
    return left[str(minutes)]
