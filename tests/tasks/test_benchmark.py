"""Tasks that MLPerf has a benchmark of, and those that it has none of."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from dse.core.errors import RequestError
from dse.core.metrics import METRICS, Scenario
from dse.tasks import registry
from dse.tasks.benchmark import Benchmark, benchmarks, unknown_benchmark

if TYPE_CHECKING:
    from pathlib import Path


def test_a_benchmark_is_a_task_with_its_quality_and_rules() -> None:
    found = Benchmark.of()
    assert found.task.name == registry.DEFAULT
    assert METRICS[found.metric.name] is found.metric
    assert registry.quality(found.metric.name) is found.quality
    for scenarios in found.rules.scenarios.values():
        assert Scenario.SERVER not in scenarios or found.rules.server_bound_ms is not None


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("generated", "MLPerf has no benchmark of the task 'generated'"),
        ("folding", "unknown task 'folding'"),
    ],
)
def test_other_tasks_have_none(name: str, problem: str) -> None:
    with pytest.raises(RequestError, match=problem):
        Benchmark.of(name)


def test_the_closed_division_asks_for_more() -> None:
    open_, closed = Benchmark.of(), Benchmark.of(division="closed")
    assert (open_.closed, open_.tests) == (False, ())
    assert (closed.closed, closed.tests) == (True, ("TEST01", "TEST04"))
    assert Benchmark.of("question-answering", "closed").tests == ("TEST01",)


def test_a_task_may_say_nothing_of_the_closed_division(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = Benchmark.of().rules
    task = type(registry.task(registry.DEFAULT))
    monkeypatch.setattr(task, "rules", replace(rules, reference_model=""))
    assert Benchmark.of().division == "open"
    with pytest.raises(RequestError, match=r"--division: .* says nothing of the closed division"):
        Benchmark.of(division="closed")


def test_a_timed_metric_is_no_quality() -> None:
    assert registry.quality("latency_p90_ms") is None


def test_every_task_that_mlperf_has_a_benchmark_of_is_found_by_its_names() -> None:
    found = {each.task.name: each for each in benchmarks()}
    assert [*found] == ["image-classification", "question-answering"]
    images, questions = found.values()
    assert all(map(questions.covers, ("bert-99", "bert-99.9")))
    assert all(map(images.covers, ("resnet", "resnet50")))
    assert not any(map(images.covers, ("bert-99", "retinanet", "rnnt", "")))


def test_a_complaint_names_what_was_met_and_what_is_known(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    known = "known are resnet (image classification), bert-99 (question answering)"
    told = str(unknown_benchmark(file, ["rnnt", "dlrm", "rnnt"], benchmarks()))
    assert told == f"{file}: has no result of a known benchmark, only of 'dlrm', 'rnnt'; {known}"
    told = str(unknown_benchmark(file, [], benchmarks()))
    assert told == f"{file}: has no result of a known benchmark; {known}"
