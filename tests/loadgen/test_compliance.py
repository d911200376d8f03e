"""What a compliance run comes to: within which bounds it passes, and which answers differ."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from dse.core.metrics import Scenario
from dse.loadgen.compliance import (
    FAIL,
    PASS,
    TESTS,
    compare_answers,
    compare_performance,
    verify,
)
from dse.loadgen.logs import ACCURACY, DETAIL, PREFIX, DetailLog
from dse.loadgen.verdict import RESULTS
from dse.tasks.image_classification.task import ImageClassification
from dse.tasks.task import Score

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

RULES = ImageClassification.rules
assert RULES is not None


def log(scenario: Scenario, value: float, **others: Any) -> DetailLog:
    name, factor = RESULTS[scenario]
    return DetailLog({"result_validity": "VALID", name: value / factor, **others}, ())


@pytest.mark.parametrize(
    ("test", "scenario", "before", "low", "high"),
    [
        ("TEST01", Scenario.SINGLE_STREAM, 30.0, 27.0, 33.0),
        ("TEST01", Scenario.SINGLE_STREAM, 0.2, 0.16, 0.24),
        ("TEST01", Scenario.SINGLE_STREAM, 0.21, 0.189, 0.231),
        ("TEST01", Scenario.MULTI_STREAM, 1.6, 1.28, 1.92),
        ("TEST01", Scenario.MULTI_STREAM, 1.7, 1.53, 1.87),
        ("TEST01", Scenario.OFFLINE, 100.0, 90.0, 110.0),
        ("TEST04", Scenario.SINGLE_STREAM, 30.0, 25.0, None),
        ("TEST04", Scenario.MULTI_STREAM, 120.0, 100.0, None),
        ("TEST04", Scenario.OFFLINE, 100.0, None, 110.0),
    ],
)
def test_a_result_passes_within_its_bounds(
    test: str, scenario: Scenario, before: float, low: float | None, high: float | None
) -> None:
    def passes(after: float) -> bool:
        found = compare_performance(test, scenario, log(scenario, before), log(scenario, after))
        assert found.text.splitlines()[-1] == (PASS if found.passed else FAIL)
        return found.passed

    assert passes(before)
    for bound, inside, outside in ((low, 1.001, 0.999), (high, 0.999, 1.001)):
        if bound is not None:
            assert (passes(bound * inside), passes(bound * outside)) == (True, False)
    if low is None:
        assert passes(before / 100)
    if high is None:
        assert passes(before * 100)


def test_an_invalid_run_passes_nothing() -> None:
    scenario = Scenario.OFFLINE
    good = log(scenario, 100.0)
    bad = log(scenario, 100.0, result_validity="INVALID", early_stopping_met=False)
    for reference, found, which in ((bad, good, "the performance run"), (good, bad, "TEST01")):
        finding = compare_performance("TEST01", scenario, reference, found)
        assert not finding.passed
        assert finding.lines[-1] == f"{which} is INVALID: early stopping not met"


def test_answers_are_compared_as_far_as_they_count() -> None:
    expected = {0: b"aabb", 1: b"ccdd"}
    same = [(1, b"ccdd"), (0, b"aabb"), (1, b"ccdd")]
    assert compare_answers(expected, same, None).passed
    late = [(0, b"aabX"), (1, b"ccdd")]
    assert not compare_answers(expected, late, None).passed
    assert compare_answers(expected, late, 3).passed
    # Each entry counts, and not the first of each sample alone.
    twice = compare_answers(expected, [*same, (0, b"XX")], None)
    assert (twice.passed, twice.lines[-1]) == (False, "that differ from it: 1")
    strange = compare_answers(expected, [(7, b"aabb")], None)
    assert (strange.passed, strange.lines[1]) == (False, "to samples of the accuracy run: 0")


def write_logs(folder: Path, answers: Mapping[int, str], value: float = 100.0) -> Path:
    """Logs of an Offline run; each answer has two bytes."""
    folder.mkdir()
    values = {"result_validity": "VALID", "result_samples_per_second": value, "num_errors": 0}
    lines = [PREFIX + json.dumps({"key": key, "value": found}) for key, found in values.items()]
    (folder / DETAIL).write_text("\n".join(lines))
    entries = [{"qsl_idx": index, "data": data} for index, data in answers.items()]
    (folder / ACCURACY).write_text(json.dumps(entries))
    return folder


def share_of_ones(responses: Mapping[int, bytes]) -> Score:
    return Score(100 * sum(data == b"\1" for data in responses.values()) / len(responses))


WHOLE = dict.fromkeys(range(200), "01")


@pytest.mark.parametrize(
    ("answers", "value", "passes", "problems"),
    [
        (dict.fromkeys(range(100), "01"), 95.0, True, 0),
        ({0: "01"}, 80.0, True, 1),
        ({**dict.fromkeys(range(99), "01"), 99: "00"}, 100.0, False, 1),
        # Not the same, but as good.
        ({**dict.fromkeys(range(150), "01"), 150: "00"}, 100.0, True, 0),
        (dict.fromkeys(range(9), "00"), 100.0, False, 1),
        ({300: "01"}, 120.0, False, 2),
        ({}, 100.0, False, 1),
    ],
)
def test_a_run_is_held_against_both_others(
    tmp_path: Path, answers: dict[int, str], value: float, passes: bool, problems: int
) -> None:
    performance = write_logs(tmp_path / "performance", {})
    accuracy = write_logs(tmp_path / "accuracy", WHOLE)
    found = write_logs(tmp_path / "TEST01", answers, value)
    assert RULES is not None
    verified = verify(
        "TEST01", Scenario.OFFLINE, (performance, accuracy, found), RULES, share_of_ones
    )
    assert verified.answers_pass is passes
    assert len(verified.problems(short=False)) == problems
    nothing_shared = not WHOLE.keys() & answers.keys()
    assert len(verified.problems(short=True)) == (not passes and not nothing_shared)
    again = verify("TEST04", Scenario.OFFLINE, (performance, accuracy, found), RULES, share_of_ones)
    assert (again.answers, again.answers_pass) == (None, True)
    assert again.performance.passed is (value <= 110)


def test_scores_are_of_the_same_samples(tmp_path: Path) -> None:
    performance = write_logs(tmp_path / "performance", {})
    accuracy = write_logs(tmp_path / "accuracy", {**WHOLE, 0: "00", 1: "00"})
    found = write_logs(tmp_path / "TEST01", {0: "01", 2: "01", 3: "00", 900: "01"})
    assert RULES is not None
    verified = verify(
        "TEST01", Scenario.OFFLINE, (performance, accuracy, found), RULES, share_of_ones
    )
    assert verified.scores is not None
    assert [score.value for score in verified.scores] == [pytest.approx(200 / 3)] * 2
    assert verified.answers is not None
    assert verified.answers.lines[-1] == "that differ from it: 2"
    assert verified.answers_pass  # as many are right


def test_what_loadgen_is_told() -> None:
    assert TESTS["TEST04"].audit_config == (
        "*.*.mode = 2\n*.*.performance_issue_unique = 0\n*.*.performance_issue_same = 1\n"
        "*.*.performance_issue_same_index = 3\n"
    )
    known = {"effective_performance_issue_unique": False, "effective_performance_issue_same": True}
    right = DetailLog({**known, "effective_performance_issue_same_index": 3}, ())
    assert TESTS["TEST04"].wrong_settings(right) == []
    assert TESTS["TEST04"].wrong_settings(DetailLog(known, ())) == [
        "effective_performance_issue_same_index is None, not 3"
    ]
