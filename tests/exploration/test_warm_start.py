"""What ``--warm-start`` borrows, and that none of it becomes a result."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import pytest

from dse.core.configuration import Configuration
from dse.core.errors import RequestError
from dse.core.metrics import LATENCY, THROUGHPUT
from dse.exploration._warm_start import load_warm_starts
from dse.tasks.image_classification._quality import ACCURACY
from dse.tasks.question_answering._quality import F1
from dse.tasks.registry import DEFAULT
from tests.replays import write_space, write_table
from tests.results.tables import BERT_OFFLINE, write_bert, write_published

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commandline import Command

MODEL = "mobilenet-v1-0.25-128"
METRICS = (ACCURACY.name, LATENCY.name, THROUGHPUT.name)


def configuration(precision: str = "fp32", threads: int = 1) -> Configuration:
    return Configuration(MODEL, precision, "litert", threads=threads, batch_size=1)


def test_a_published_row_tells_of_every_runtime_and_thread_count(tmp_path: Path) -> None:
    offline = {"Scenario": "Offline", "Result": "9", "Units": "Samples/s", "inferred": "1"}
    table = write_published(tmp_path / "t.csv", [{}, offline])
    plan = [configuration(), configuration(threads=2), configuration("int8")]
    (borrowed,) = load_warm_starts([str(table)], plan, METRICS, DEFAULT)
    told = {LATENCY.name: 1.5, ACCURACY.name: 41.5}
    # What was derived from another scenario's run tells nothing that this one does not.
    assert borrowed.values == {plan[0]: told, plan[1]: told}
    assert borrowed.as_dict()["configurations"] == 2


def test_systems_that_tell_nothing_are_left_out_and_a_source_of_them_is_refused(
    tmp_path: Path,
) -> None:
    other = {"Platform": "two", "Model": "resnet50"}
    table = write_published(tmp_path / "t.csv", [other, {}])
    (borrowed,) = load_warm_starts([str(table)], [configuration()], METRICS, DEFAULT)
    assert borrowed.results.name == "one"
    with pytest.raises(RequestError, match="tells nothing of the configurations"):
        load_warm_starts([str(table)], [configuration("int8")], METRICS, DEFAULT)


def test_results_of_bert_tell_of_models_of_the_same_name(tmp_path: Path) -> None:
    rows = [{"model_name": "tinybert-4-int8"}, BERT_OFFLINE | {"model_name": "tinybert-4-int8"}]
    table = str(write_bert(tmp_path / "t.csv", rows))
    metrics = (F1.name, LATENCY.name, THROUGHPUT.name)
    plan = [
        Configuration("tinybert-4", precision, "onnxruntime", threads=1, batch_size=1)
        for precision in ("fp32", "int8")
    ]
    (borrowed,) = load_warm_starts([table], plan, metrics, "question-answering")
    told = {F1.name: 90.25, LATENCY.name: 20.5, THROUGHPUT.name: 160.0}
    assert borrowed.values == {plan[1]: told}
    with pytest.raises(RequestError, match="tells nothing of the configurations"):
        load_warm_starts([table], plan[:1], metrics, "question-answering")


def test_results_of_another_task_tell_nothing_even_of_models_of_the_same_name(
    tmp_path: Path,
) -> None:
    table = str(write_bert(tmp_path / "t.csv", [{"model_name": MODEL}]))
    with pytest.raises(RequestError) as caught:
        load_warm_starts([table], [configuration()], METRICS, DEFAULT)
    assert str(caught.value) == (
        f"--warm-start: '{table}' has no results of image classification; name results of that task"
    )


@pytest.fixture
def space(here: Path) -> Path:
    """A space whose replayed table has been explored as study ``before``, then halved in speed."""
    models = [f"m{number}" for number in range(8)]
    path = write_table(here, models)
    space = write_space(here, models=models)
    assert path.exists()
    return space


def test_a_study_leads_another_one_and_none_of_its_values_gets_there(
    command: Command, here: Path, space: Path
) -> None:
    command.good("explore", space, "--study", "before", "--sampler", "grid")
    table = here / "table.csv"
    with table.open(newline="", encoding="utf-8") as stream:
        head, *rows = csv.reader(stream)
    column = head.index(LATENCY.name)
    for row in rows:
        row[column] = str(3 * float(row[column]))
    with table.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([head, *rows])
    slower = {float(row[column]) for row in rows}
    said = command.good(
        *("explore", space, "--study", "after", "--warm-start", "before", "--n-trials", 6)
    )
    assert "borrowed from before" in said.err
    assert "results of before led the search; no value here is theirs" in said.out
    status = json.loads(command.good("status", "after", "--json").out)
    assert status["configurations"]["measured"] == 6
    assert [(each["name"], each["configurations"]) for each in status["borrowed"]] == [
        ("before", 32)
    ]
    found = json.loads(command.good("frontier", "after", "--json").out)
    assert found["borrowed"] == status["borrowed"]
    assert {point["values"][LATENCY.name] for point in found["points"]} <= slower
    again = command.good("explore", space, "--study", "after", "--n-trials", 1)
    assert "borrowed from before" in again.err, "it stays known, whoever resumes"


def test_only_a_sampler_that_learns_from_others_takes_a_warm_start(
    command: Command, here: Path, space: Path
) -> None:
    answer = command("explore", space, "--warm-start", "before", "--sampler", "tpe")
    assert answer.code == 2
    assert answer.last == (
        "dse: --warm-start: the sampler tpe learns nothing from other systems; "
        "leave it out, or choose --sampler frontier"
    )
    answer = command("explore", space, "--warm-start", "before")
    assert answer.code == 2
    assert "no study at studies/before" in answer.last
    assert not list(here.glob("studies/*"))
