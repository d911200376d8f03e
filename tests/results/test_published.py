"""What is read from tables of published results."""

from __future__ import annotations

import csv
from collections import defaultdict
from typing import TYPE_CHECKING

import pytest

from dse.core.errors import RequestError
from dse.core.measurement import Source
from dse.core.metrics import ENERGY, LATENCY, MULTI_STREAM, THROUGHPUT
from dse.results.read import read_table
from dse.results.table import OFFLINE_POWER
from dse.tasks.image_classification._quality import ACCURACY
from tests.results.tables import write_published

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


def test_a_table_without_image_classification_is_refused(tmp_path: Path) -> None:
    table = write_published(tmp_path / "t.csv", [{"MlperfModel": "bert-99"}])
    with pytest.raises(RequestError, match="has no result of image classification"):
        read_table(table)


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
    systems = read_table(path)
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
