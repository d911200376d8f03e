"""MLPerf's compliance tests: what LoadGen is told for them, and whether what it logs passes.

A compliance run is a performance run with a few other settings. It is held against the performance
run and the accuracy run of the same configuration.

Source: https://github.com/mlcommons/inference (compliance/TEST01, compliance/TEST04, and the delta
of accuracies in the submission checker), 2026-08.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dse.core.metrics import METRICS, METRICS_OF, Scenario
from dse.loadgen.logs import first_of_each, list_responses, read_detail, read_responses
from dse.loadgen.verdict import RESULTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from dse.loadgen.logs import DetailLog
    from dse.tasks.task import Rules, Score

    Scorer = Callable[[Mapping[int, bytes]], Score]
    """Scores responses, of all samples or of some."""

AUDIT_CONFIG = "audit.config"
"""The file that LoadGen is told by, in the run folder."""
PERFORMANCE_MODE = 2
"""LoadGen's number of it."""
TOLERANCE, TOLERANCE_OF_SHORT = 0.10, 0.20
"""How much two runs may differ, and those of a latency of `SHORT_MS` at most."""
SHORT_MS: Mapping[Scenario, float] = {Scenario.SINGLE_STREAM: 0.2, Scenario.MULTI_STREAM: 1.6}
MAX_CHANGE = 0.01
"""How much the quality of answers may differ that are not the same in each run."""
PASS, FAIL = "TEST PASS", "TEST FAIL"  # the words that MLPerf's checkers look for


@dataclass(frozen=True, slots=True)
class ComplianceTest:
    """A compliance test.

    Attributes:
        settings: what LoadGen is told besides the mode, by its names.
        answers: whether LoadGen logs some of the answers, which are compared.
        either_way: whether a slower run fails as well as a faster one.
    """

    settings: Mapping[str, int]
    answers: bool
    either_way: bool

    @property
    def audit_config(self) -> str:
        """The text of `AUDIT_CONFIG`."""
        told = {"mode": PERFORMANCE_MODE, **self.settings}
        return "".join(f"*.*.{name} = {value}\n" for name, value in told.items())

    def wrong_settings(self, log: DetailLog) -> list[str]:
        """The settings that a log has otherwise."""
        found = {name: log.values.get(f"effective_{name}") for name in self.settings}
        return [
            f"effective_{name} is {found[name]}, not {value}"
            for name, value in self.settings.items()
            if found[name] != value
        ]


TESTS: Mapping[str, ComplianceTest] = {
    "TEST01": ComplianceTest(
        {
            "accuracy_log_rng_seed": 720381539243781796,
            "accuracy_log_sampling_target": 4096,
        },
        answers=True,
        either_way=True,
    ),
    "TEST04": ComplianceTest(
        {
            "performance_issue_unique": 0,
            "performance_issue_same": 1,
            "performance_issue_same_index": 3,
        },
        answers=False,
        either_way=False,
    ),
}
"""By name: that answers are those of the accuracy run, and that none is remembered."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a comparison came to.

    Attributes:
        passed: whether it passes.
        lines: what was compared, and in what it differs.
    """

    passed: bool
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """As a file that MLPerf's checkers read."""
        return "\n".join([*self.lines, PASS if self.passed else FAIL]) + "\n"


@dataclass(frozen=True, slots=True)
class Verification:
    """What a compliance run comes to.

    Attributes:
        performance: compared with that of the performance run.
        answers: compared with those of the accuracy run; None where the test logs none.
        scores: of the answers of the accuracy run and of the compliance run to the same samples;
            None where they need not be compared.
    """

    performance: Finding
    answers: Finding | None = None
    scores: tuple[Score, Score] | None = None

    @property
    def answers_pass(self) -> bool:
        """Whether the answers are those of the accuracy run, or as good."""
        if self.answers is None or self.answers.passed:
            return True
        if self.scores is None:
            return False
        before, after = (score.value for score in self.scores)
        return after > 0 and abs(1 - before / after) <= MAX_CHANGE

    def problems(self, *, short: bool) -> list[str]:
        """What does not pass, in words; empty where all does.

        Args:
            short: whether the runs are too short to tell the performance, and over too few samples
                to have any in common.
        """
        found = [] if short or self.performance.passed else [self.performance]
        if self.answers and not self.answers_pass and not (short and self.scores is None):
            found.append(self.answers)
        return ["; ".join(each.lines) for each in found]


def verify(
    name: str,
    scenario: Scenario,
    folders: tuple[Path, Path, Path],
    rules: Rules,
    score: Scorer,
) -> Verification:
    """Holds a compliance run against the runs of the same configuration.

    Args:
        name: of the test.
        scenario: of the runs.
        folders: with the logs of the performance run, the accuracy run and the compliance run.
        rules: MLPerf's numbers for the task.
        score: scores answers where they differ.

    Raises:
        LogError: a log can't be read.
        OSError, ValueError: the answers differ, and can't be scored.
    """
    performance, accuracy, found = folders
    timed = compare_performance(name, scenario, read_detail(performance), read_detail(found))
    if not TESTS[name].answers:
        return Verification(timed)
    expected, logged = read_responses(accuracy), list_responses(found)
    answers = compare_answers(expected, logged, rules.compared_bytes)
    if answers.passed:
        return Verification(timed, answers)
    given = first_of_each(logged)
    shared = sorted(expected.keys() & given.keys())
    if not shared:
        return Verification(timed, answers)
    before, after = (score({index: each[index] for index in shared}) for each in (expected, given))
    return Verification(timed, answers, (before, after))


def compare_performance(
    name: str, scenario: Scenario, reference: DetailLog, found: DetailLog
) -> Finding:
    """Holds the result of a compliance run against that of the performance run.

    Raises:
        LogError: a log has no result.
    """
    key, factor = RESULTS[scenario]
    before, after = (factor * log.number(key) for log in (reference, found))
    low, high = _allowed(name, scenario, before)
    unit = METRICS[METRICS_OF[scenario]].unit
    bounds = [
        *([f"at least {low:.6g}"] if low > 0 else []),
        *([f"at most {high:.6g}"] if high < math.inf else []),
    ]
    lines = [
        f"performance run: {before:.6g} {unit}",
        f"{name}: {after:.6g} {unit}, allowed {' and '.join(bounds)}",
    ]
    runs = (("the performance run", reference), (name, found))
    lines += [f"{run} is INVALID: {log.invalid_reason}" for run, log in runs if not log.valid]
    return Finding(low <= after <= high and reference.valid and found.valid, tuple(lines))


def _allowed(name: str, scenario: Scenario, before: float) -> tuple[float, float]:
    """Between which values the result of a test may lie.

    TEST04's script compares rates and holds them against the bounds of latencies, so that every
    stream counts as short; it lets a run be as slow as it likes.
    """
    stream, either_way = scenario in SHORT_MS, TESTS[name].either_way
    short = stream and (not either_way or before <= SHORT_MS[scenario])
    tolerance = TOLERANCE_OF_SHORT if short else TOLERANCE
    if either_way:
        return before * (1 - tolerance), before * (1 + tolerance)
    return (before / (1 + tolerance), math.inf) if stream else (0.0, before * (1 + tolerance))


def compare_answers(
    expected: Mapping[int, bytes], logged: Sequence[tuple[int, bytes]], compared: int | None
) -> Finding:
    """Holds the logged answers of a compliance run against those of the accuracy run.

    Args:
        expected: the accuracy run's, by sample.
        logged: sample and answer, in the order of the log.
        compared: how many bytes of an answer count; None for all.
    """
    known = [(index, data) for index, data in logged if index in expected]
    differing = sum(data[:compared] != expected[index][:compared] for index, data in known)
    lines = (
        f"answers logged: {len(logged)}",
        f"to samples of the accuracy run: {len(known)}",
        f"that differ from it: {differing}",
    )
    return Finding(bool(known) and not differing, lines)
