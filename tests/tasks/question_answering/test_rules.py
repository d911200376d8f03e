"""What MLPerf's rules, logs and checkers ask of the task."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from dse.core.metrics import Scenario
from dse.tasks.benchmark import Benchmark
from dse.tasks.task import Score

if TYPE_CHECKING:
    from pathlib import Path

BENCHMARK = Benchmark.of("question-answering")
TASK = BENCHMARK.task
CHECKER = re.compile(r"^{[\"\']exact_match[\"\']\:\s*[\d\.]+,\s*[\"\']f1[\"\']\:\s*([\d\.]+)}")
"""The expression by which the submission checker of 2026-08 reads a line of ``accuracy.txt``."""


def test_the_numbers_are_those_of_the_rules() -> None:
    rules = BENCHMARK.rules
    assert (rules.loadgen_model, rules.benchmark) == ("bert", "bert-99")
    assert rules.scenarios == {"edge": (Scenario.SINGLE_STREAM, Scenario.OFFLINE)}
    assert rules.performance_samples == rules.accuracy_samples == 10_833
    assert rules.all_items == 10_570
    assert Benchmark.of().rules.all_items == 50_000
    assert BENCHMARK.quality.target == pytest.approx(89.96526)


def test_loadgen_has_the_same_numbers(tmp_path: Path) -> None:
    (tmp_path / "user.conf").write_text("*.Offline.target_qps = 3\n")
    code = (
        "import mlperf_loadgen as lg; t = lg.TestSettings();"
        "assert t.FromConfig('user.conf', 'bert', 'Offline') == 0;"
        "print(t.performance_sample_count_override, t.min_query_count, t.server_target_latency_ns)"
    )
    # LoadGen gives official settings once in a process.
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True)
    rules = BENCHMARK.rules
    assert rules.server_bound_ms is not None
    assert [int(number) for number in done.stdout.split()] == [
        rules.performance_samples,
        rules.min_offline_samples,
        1e6 * rules.server_bound_ms,
    ]


@pytest.mark.parametrize(("exact_match", "f1"), [(83.94, 90.874), (0.0, 100 / 3), (100.0, 100.0)])
def test_the_checker_finds_the_score(exact_match: float, f1: float) -> None:
    text = TASK.accuracy_text(Score(f1, details={"exact_match": exact_match}), "ab" * 32)
    first, _, last = text.splitlines()
    found = CHECKER.match(first)
    assert found is not None
    assert float(found[1]) == f1
    assert last == "hash=" + "ab" * 32
    again = TASK.read_accuracy(text)
    assert (again.value, again.details) == (f1, {"exact_match": exact_match})


def test_what_the_script_prints_before_the_score_is_passed_over() -> None:
    text = 'Reading examples...\n{"exact_match": 83.67, "f1": 90.87}\n\nhash=00\n'
    assert TASK.read_accuracy(text).value == 90.87


@pytest.mark.parametrize(
    "text",
    [
        "",
        "accuracy=44.904%, good=22452, total=50000",
        '{"f1": 90.8, "exact_match": 83.9}',
        '{"exact_match": 0.0, "f1": 0.0}',
        '{"exact_match": 83.0, "f1": 100.1}',
        '{"exact_match": 83.0, "f1": 9e9}',
    ],
)
def test_other_text_is_no_score(text: str) -> None:
    with pytest.raises(ValueError, match="has no F1 of the form"):
        TASK.read_accuracy(text)
