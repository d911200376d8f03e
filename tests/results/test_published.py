"""What is read from tables of published results."""

from __future__ import annotations

import csv
from collections import defaultdict
from typing import TYPE_CHECKING

import pytest

from dse.core.errors import RequestError
from dse.core.measurement import Source
from dse.core.metrics import ENERGY, LATENCY, MULTI_STREAM, SERVER, THROUGHPUT
from dse.results.read import read_table
from dse.results.table import OFFLINE_POWER
from dse.tasks import registry
from dse.tasks.image_classification._quality import ACCURACY
from dse.tasks.question_answering._quality import F1
from tests.results.tables import BERT_OFFLINE, write_bert, write_published

if TYPE_CHECKING:
    from pathlib import Path


def test_a_system_and_what_it_says_of_a_variant(tmp_path: Path) -> None:
    offline = {"Scenario": "Offline", "Result": "666", "Units": "Samples/s", "inferred": "1"}
    multi = {"Scenario": "MultiStream", "Result": "12"}
    (system,) = read_table(write_published(tmp_path / "t.csv", [{}, {}, offline, multi]))
    assert (system.name, system.cpu, system.cores) == ("one", "CPU X", 12)
    assert system.software == "TFLite v2"
    assert (system.release, system.accelerator) == ("", "")
    assert system.description["Platform"] == "one"
    assert "Result" not in system.description
    (row,) = system.rows
    assert row.configuration == {"model": "mobilenet-v1-0.25-128", "precision": "fp32"}
    assert row.values == {
        LATENCY.name: 1.5,
        ACCURACY.name: 41.5,
        THROUGHPUT.name: 666.0,
        MULTI_STREAM.name: 12.0,
    }
    assert set(row.sources.values()) == {Source.PUBLISHED}
    assert row.inferred == {THROUGHPUT.name}
    assert row.valid == {LATENCY.name, THROUGHPUT.name, MULTI_STREAM.name}


def test_a_model_of_another_name_keeps_it(tmp_path: Path) -> None:
    (system,) = read_table(write_published(tmp_path / "t.csv", [{"Model": "resnet50"}]))
    assert system.rows[0].configuration == {"model": "resnet50"}


def test_power_is_found_in_a_row_of_its_own_and_beside_the_result(tmp_path: Path) -> None:
    own = {"Result": "30", "Units": "millijoules"}
    watts = {"Scenario": "Offline", "Result": "8.5", "Units": "Watts"}
    beside = {"Platform": "two", "Result_Power": "31", "Result_Power_Units": "millijoules"}
    columns = ["Result_Power", "Result_Power_Units"]
    table = write_published(tmp_path / "t.csv", [{}, own, watts, beside], columns)
    one, two = read_table(table)
    assert one.rows[0].values[ENERGY.name] == 30
    assert one.rows[0].values[OFFLINE_POWER] == 8.5
    assert two.rows[0].values[ENERGY.name] == 31


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"Result": "fast"}, ":3: Result: 'fast' is not a number above 0"),
        ({"Result": "2.5"}, ":3: Result: one has another mobilenet"),
        ({"Accuracy": "120"}, ":3: Accuracy: '120' is not a number above 0 up to 100"),
    ],
)
def test_what_makes_no_sense_is_told(tmp_path: Path, row: dict[str, str], words: str) -> None:
    table = write_published(tmp_path / "t.csv", [{}, row])
    with pytest.raises(RequestError, match=words):
        read_table(table)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"model_name": "x" * 1001}, ":3: model_name: has 1,001 characters, more than 1,000;"),
        ({"platform": "x" * 1001}, ":3: platform: has 1,001 characters, more than 1,000;"),
        ({"platform": "y", "host_cpu": "x" * 4001}, ":3: host_cpu: has 4,001 characters, more"),
    ],
)
def test_what_no_import_would_keep_is_told_by_its_column(
    tmp_path: Path, row: dict[str, str], words: str
) -> None:
    with pytest.raises(RequestError, match=words):
        read_table(write_bert(tmp_path / "t.csv", [{}, row]))
    kept = {name: text[1:] for name, text in row.items() if len(text) > 1}
    assert read_table(write_bert(tmp_path / "u.csv", [{}, row | kept]))
    (tmp_path / "u.csv").write_text(f"{'x' * 1001}\n1\n")
    with pytest.raises(RequestError, match=r"u\.csv:1: the name of a column has 1,001 char"):
        read_table(tmp_path / "u.csv")


def test_a_table_of_unknown_benchmarks_names_them_and_what_is_known(tmp_path: Path) -> None:
    table = write_published(tmp_path / "t.csv", [{"MlperfModel": "rnnt"}])
    with pytest.raises(RequestError) as caught:
        read_table(table)
    assert str(caught.value) == (
        f"{table}: has no result of a known benchmark, only of 'rnnt'; known are "
        "resnet (image classification), bert-99 (question answering)"
    )
    many = [{"MlperfModel": f"other-{number}"} for number in range(9)]
    with pytest.raises(RequestError, match="'other-4' and 4 others;"):
        read_table(write_published(tmp_path / "many.csv", many))


def test_each_task_of_a_table_has_systems_of_its_own(tmp_path: Path) -> None:
    rows = [
        {"MlperfModel": "bert-99.9", "Model": "encoder", "Accuracy": "90.8", "Result": "30"},
        {},
        {"MlperfModel": "rnnt", "Accuracy": "not read"},
    ]
    images, questions = read_table(write_published(tmp_path / "t.csv", rows))
    assert (images.task, questions.task) == ("image-classification", "question-answering")
    assert images.name == questions.name == "one"
    assert questions.rows[0].configuration == {"model": "encoder"}
    assert questions.rows[0].values == {LATENCY.name: 30.0, F1.name: 90.8}


def test_a_table_of_bert_in_small_letters(tmp_path: Path) -> None:
    power = {"power_value": "5.5", "power_unit": "Watts"}
    server = {"scenario": "Server", "unit": "Queries/s", "value": "90"}
    rows = [{}, BERT_OFFLINE | power, server | {"inferred": "1"}]
    (system,) = read_table(write_bert(tmp_path / "t.csv", rows))
    assert (system.task, system.name, system.release) == (
        *("question-answering", "board_one-cpu-runtime"),
        "v3.1",
    )
    assert (system.cpu, system.cores) == ("CPU X 8-Core Processor", 8)
    assert (system.software, system.accelerator) == ("runtime v1.2", "")
    assert system.description == {
        "version": "v3.1",
        "Organization": "Organisation One",
        "SystemName": "Board One",
        "Platform": "board_one-cpu-runtime",
        "framework": "runtime v1.2",
        "SystemType": "edge",
        "Division": "open",
        "host_processor_model_name": "CPU X 8-Core Processor",
        "host_processors_per_node": "1",
        "host_processor_core_count": "8",
        "accelerator_model_name": "N/A",
        "accelerators_per_node": "0",
        "number_of_nodes": "1",
        "Availability": "available",
    }
    (row,) = system.rows
    assert row.configuration == {"model": "small-encoder-bert-99"}
    assert row.values == {
        LATENCY.name: 20.5,
        F1.name: 90.25,
        THROUGHPUT.name: 160.0,
        OFFLINE_POWER: 5.5,
        SERVER.name: 90.0,
    }
    assert row.inferred == {SERVER.name}
    assert set(row.sources.values()) == {Source.PUBLISHED}


@pytest.mark.parametrize(
    "other", [{"version": "v3.0"}, {"submitter": "Organisation Two"}, {"division": "closed"}]
)
def test_a_platform_of_another_origin_is_another_system(
    tmp_path: Path, other: dict[str, str]
) -> None:
    table = write_bert(tmp_path / "t.csv", [{}, other | {"value": "41"}])
    one, two = read_table(table)
    assert [each.rows[0].values[LATENCY.name] for each in (one, two)] == [20.5, 41.0]
    powered = BERT_OFFLINE | {"division": "open-power"}
    (same,) = read_table(write_bert(table, [{}, powered]))
    assert same.rows[0].values.keys() >= {LATENCY.name, THROUGHPUT.name}
    with pytest.raises(RequestError, match=r":3: value: board_one-cpu-runtime has another small-"):
        read_table(write_bert(table, [{}, {"value": "41"}]))


@pytest.mark.parametrize("change", [{"unit": "furlongs"}, {"scenario": "Walking"}])
def test_a_table_without_a_known_scenario_and_unit_is_refused(
    tmp_path: Path, change: dict[str, str]
) -> None:
    with pytest.raises(RequestError, match="no result has a known scenario and unit"):
        read_table(write_bert(tmp_path / "t.csv", [change]))
    (system,) = read_table(write_bert(tmp_path / "u.csv", [{}, {"platform": "other"} | change]))
    assert system.name == "board_one-cpu-runtime"


def test_a_task_without_a_known_unit_is_left_out_and_told(tmp_path: Path) -> None:
    other = {"MlperfModel": "bert-99", "Model": "encoder", "Accuracy": "90", "Units": "furlongs"}
    one, two = read_table(write_published(tmp_path / "t.csv", [other, {}, {"Platform": "two"}]))
    assert {one.task, two.task} == {registry.DEFAULT}
    assert one.left_out == (
        "t.csv: 1 result of question answering: no result has a known scenario and unit",
    )
    assert two.left_out == ()
    lines = [other, {"Units": "furlongs"}]
    with pytest.raises(RequestError, match=r"t\.csv:3: Units: no result has a known scenario"):
        read_table(write_published(tmp_path / "t.csv", lines))


def test_a_table_without_a_quality_is_refused(tmp_path: Path) -> None:
    table = write_bert(tmp_path / "t.csv", [{}])
    table.write_text(table.read_text().replace("f1", "rouge", 1))
    with pytest.raises(RequestError, match=r":1: f1: has no column f1"):
        read_table(table)


def test_a_missing_column_is_named_as_the_table_names_others(tmp_path: Path) -> None:
    table = write_bert(tmp_path / "t.csv", [{}])
    table.write_text(table.read_text().replace("software", "wares", 1))
    with pytest.raises(RequestError, match=r":1: software: has no column software"):
        read_table(table)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"f1": "x"}, ":2: f1: 'x' is not a number above 0 up to 100"),
        ({"value": "-1"}, ":2: value: '-1' is not a number above 0"),
        ({"power_value": "much", "power_unit": "millijoules"}, ":2: power_value: 'much' is not"),
    ],
)
def test_complaints_name_columns_as_the_file_does(
    tmp_path: Path, row: dict[str, str], words: str
) -> None:
    with pytest.raises(RequestError, match=words):
        read_table(write_bert(tmp_path / "t.csv", [row]))


def test_figures_may_have_their_name_and_scenarios_no_capitals(tmp_path: Path) -> None:
    rows = [
        {"Accuracy": "acc: 41.5", "Scenario": "singlestream"},
        {"MlperfModel": "bert-99", "Model": "encoder", "Accuracy": "F1: 90.25"},
    ]
    images, questions = read_table(write_published(tmp_path / "t.csv", rows))
    assert images.rows[0].values == {LATENCY.name: 1.5, ACCURACY.name: 41.5}
    assert questions.rows[0].values[F1.name] == 90.25
    two = [{"Accuracy": "acc: 41.5  other: 3"}]
    with pytest.raises(RequestError, match=r"Accuracy: 'acc: 41\.5 other: 3' is not a number"):
        read_table(write_published(tmp_path / "two.csv", two))


@pytest.mark.parametrize(
    "name",
    [
        "mlperf_inference_v3.0_edge_open_image_classification",
        "mlperf_inference_v3.1_edge_open_power_image_classification",
        "mlperf_inference_v3.1_ctuning_summary",
    ],
)
def test_every_published_system_is_read(shared_data: Path, name: str) -> None:
    path = shared_data / "results" / f"{name}.csv"
    latencies: dict[str, list[float]] = defaultdict(list)
    with path.open(newline="", encoding="utf-8") as stream:
        for line in csv.DictReader(stream):
            if line["MlperfModel"].startswith("resnet"):
                found = latencies[line["Platform"]]
                if line["Scenario"] == "SingleStream" and line["Units"] == "Latency (ms)":
                    found.append(float(line["Result"]))
    systems = [each for each in read_table(path) if each.task == registry.DEFAULT]
    assert [system.name for system in systems] == list(latencies)
    for system in systems:
        ours = [row.values[LATENCY.name] for row in system.rows if LATENCY.name in row.values]
        assert sorted(ours) == sorted(set(latencies[system.name])), system.name


def test_the_round_is_that_of_the_column_or_of_the_file(tmp_path: Path) -> None:
    (system,) = read_table(write_published(tmp_path / "results_v3.0_edge.csv", [{}]))
    assert system.release == "v3.0"
    told = [{"version": "v3.1"}]
    (system,) = read_table(write_published(tmp_path / "v3.0.csv", told, ["version"]))
    assert system.release == "v3.1"


def test_an_accuracy_is_never_inferred(tmp_path: Path) -> None:
    offline = {"Scenario": "Offline", "Units": "Samples/s", "inferred": "1"}
    (system,) = read_table(write_published(tmp_path / "t.csv", [offline]))
    assert system.rows[0].inferred == {THROUGHPUT.name}


def test_an_accelerator_is_told_where_there_is_a_column(tmp_path: Path) -> None:
    columns = ("accelerators_per_node", "accelerator_model_name")
    beside = {"accelerators_per_node": "1", "accelerator_model_name": "Card"}
    (system,) = read_table(write_published(tmp_path / "t.csv", [beside], columns))
    assert system.accelerator == "1 x Card"


def test_every_published_result_of_bert_is_read(shared_data: Path) -> None:
    path = shared_data / "results" / "mlperf_inference_bert_open.csv"
    told: dict[tuple[str, ...], dict[str, float]] = defaultdict(dict)
    with path.open(newline="", encoding="utf-8") as stream:
        lines = list(csv.DictReader(stream))
    for line in lines:
        system = tuple(line[name] for name in ("version", "submitter", "platform", "model_name"))
        told[system][line["scenario"]] = float(line["value"])
    metrics = {"SingleStream": LATENCY, "MultiStream": MULTI_STREAM, "Offline": THROUGHPUT}
    metrics["Server"] = SERVER
    systems = read_table(path)
    read = {
        (system.release, system.description["Organization"], system.name, row.label): {
            name: row.values[metric.name]
            for name, metric in metrics.items()
            if metric.name in row.values
        }
        for system in systems
        for row in system.rows
    }
    assert read == told
    assert sum(map(len, read.values())) == len(lines)
    assert {system.task for system in systems} == {"question-answering"}
    powers = {metric for system in systems for row in system.rows for metric in row.values}
    assert {F1.name, ENERGY.name, OFFLINE_POWER} <= powers
