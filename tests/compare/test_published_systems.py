"""The systems of MLPerf Inference v3.0, held against the facts in the table itself."""

from __future__ import annotations

import csv
import json
import math
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tests.documented import ROOT, commands

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commandline import Command

TABLE = "mlperf_inference_v3.0_edge_open_image_classification.csv"
POWER = "mlperf_inference_v3.1_edge_open_power_image_classification.csv"
BERT = "mlperf_inference_bert_open.csv"
OF_BERT = "dse compare bert.csv --accuracy 89.97 --by throughput_per_core"
LEVELS = (50.0, 60.0, 70.0, 75.0)


@dataclass
class Facts:
    """What the table says of a system: by model, accuracy and result of each scenario."""

    processor: str = ""
    accuracies: dict[str, float] = field(default_factory=dict)
    results: dict[str, dict[str, float]] = field(default_factory=lambda: defaultdict(dict))
    inferred: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def best(self, scenario: str, accuracy: float = 0.0) -> float | None:
        known = [
            value
            for model, value in self.results[scenario].items()
            if self.accuracies[model] >= accuracy
        ]
        return (max if scenario == "Offline" else min)(known, default=None)


def facts(table: Path) -> dict[str, Facts]:
    """With nothing but the csv module."""
    found: dict[str, Facts] = {}
    with table.open(newline="", encoding="utf-8") as stream:
        for line in csv.DictReader(stream):
            own = found.setdefault(line["Platform"], Facts(line["host_processor_model_name"]))
            own.accuracies.setdefault(line["Model"], float(line["Accuracy"]))
            own.results[line["Scenario"]][line["Model"]] = float(line["Result"])
            if line["inferred"] == "1":
                own.inferred[line["Scenario"]].add(line["Model"])
    return found


@pytest.fixture
def compared(command: Command, shared_data: Path) -> dict[str, Any]:
    table = shared_data / "results" / TABLE
    levels = ",".join(f"{level:g}" for level in LEVELS)
    options = "--accuracy", levels, "--accelerators", "--json"
    return dict(json.loads(command.good("compare", table, *options).out))


def test_each_system_has_its_known_best(compared: dict[str, Any], shared_data: Path) -> None:
    known = facts(shared_data / "results" / TABLE)
    systems = {system["name"]: system for system in compared["systems"]}
    assert list(systems) == list(known)
    swept = [n for n, own in known.items() if any("net-" in model for model in own.accuracies)]
    assert len(swept) == 18  # the others ran ResNet alone
    for name, own in known.items():
        system = systems[name]
        assert system["cpu"] == own.processor
        assert system["configurations"] == len(own.accuracies)
        best = {metric: each["values"][metric] for metric, each in system["best"].items()}
        assert best["accuracy_percent"] == max(own.accuracies.values())
        assert best.get("latency_p90_ms") == own.best("SingleStream")
        assert best.get("throughput_samples_per_s") == own.best("Offline")
        assert system["sources"] == ["published"]


@pytest.mark.parametrize(
    ("metric", "scenario"),
    [("latency_p90_ms", "SingleStream"), ("throughput_samples_per_s", "Offline")],
)
def test_each_ranking_is_that_of_the_table(
    compared: dict[str, Any], shared_data: Path, metric: str, scenario: str
) -> None:
    known = facts(shared_data / "results" / TABLE)
    for level in LEVELS:
        (ranking,) = (
            each
            for each in compared["rankings"]
            if (each["criterion"], each["accuracy_percent"]) == (metric, level)
        )
        values = {name: own.best(scenario, level) for name, own in known.items()}
        ranked = {each["name"]: each["value"] for each in ranking["standings"]}
        assert ranked == {name: value for name, value in values.items() if value is not None}
        assert list(ranked.values()) == sorted(ranked.values(), reverse=scenario == "Offline")
        for each in ranking["standings"]:
            marked = each["label"] in known[each["name"]].inferred[scenario]
            assert each["inferred"] is marked
            assert each["validity"] == "valid"
        absent = {each["system"] for each in ranking["absent"]}
        assert len(absent) == len(known) - len(ranked)


def test_power_is_that_of_the_table(command: Command, shared_data: Path) -> None:
    table = shared_data / "results" / POWER
    options = "--accuracy", "70", "--accelerators", "--json"
    answer = json.loads(command.good("compare", table, *options).out)
    energies: dict[str, list[float]] = defaultdict(list)
    efficiencies: dict[str, list[float]] = defaultdict(list)
    with table.open(newline="", encoding="utf-8") as stream:
        for line in csv.DictReader(stream):
            if float(line["Accuracy"]) < 70:
                continue
            power = float(line["Result_Power"])
            if line["Scenario"] == "SingleStream" and line["Result_Power_Units"] == "millijoules":
                energies[line["Platform"]].append(power)
            if line["Scenario"] == "Offline" and line["Result_Power_Units"] == "Watts":
                efficiencies[line["Platform"]].append(float(line["Result"]) / power)
    found = {
        ranking["criterion"]: {each["name"]: each["value"] for each in ranking["standings"]}
        for ranking in answer["rankings"]
    }
    assert found["energy_per_sample_mj"] == {n: min(own) for n, own in energies.items()}
    assert found["throughput_per_watt"] == {
        name: pytest.approx(max(own)) for name, own in efficiencies.items()
    }


def test_accuracies_agree_with_the_catalogue(compared: dict[str, Any]) -> None:
    """They are from the same files; where they are not, the differences are small."""
    by_system = {each["system"]: each for each in compared["agreement"]}
    zen4 = next(s for s in compared["systems"] if s["name"].startswith("amd_zen4"))
    own = by_system[zen4["number"]]
    assert own["variants"] == 81
    assert own["mean_absolute_points"] == 0
    for each in compared["agreement"]:
        points = [abs(one["points"]) for one in each["differences"]]
        assert points == sorted(points, reverse=True)
        assert abs(each["largest_points"]) == max(points)


@pytest.mark.parametrize(
    ("name", "left_out"),
    [
        (
            TABLE,
            {
                "odroid-armnn-v22.11-opencl": "its software names opencl",
                "macbook_pro_m1-reference-cpu-tensorflow_metal-v0.7.0-default_config": (
                    "its software names metal"
                ),
            },
        ),
        (POWER, {"eb6-kilt-qaic": "its name has qaic"}),
    ],
)
def test_the_table_of_dozens_fits_one_screen(
    command: Command, shared_data: Path, name: str, left_out: dict[str, str]
) -> None:
    table = shared_data / "results" / name
    found = json.loads(command.good("compare", table, "--json").out)
    systems = {system["number"]: system["name"] for system in found["systems"]}
    reasons = {systems[each["system"]]: each["evidence"] for each in found["left_out_systems"]}
    assert reasons == left_out
    lines = command.good("compare", table).out.splitlines()
    assert 24 <= len(lines) <= 40
    assert max(map(len, lines)) <= 80
    assert "".join(found["conclusion"][0].split()).startswith("".join(lines[0].split()))
    start = next(index for index, line in enumerate(lines) if line.lstrip().startswith("# "))
    shown = lines[start + 1 : lines.index("", start)]
    rows = [line.split() for line in shown if not line.startswith("not shown:")]
    assert [int(number) for number, *_ in rows] == found["sorted_by"]["systems"][: len(rows)]
    assert len({row[1] for row in rows}) == len(rows)  # no two systems look the same
    if len(rows) < len(systems) - len(left_out):
        hidden = len(systems) - len(left_out) - len(rows)
        assert f"not shown: {hidden} system" in "\n".join(shown)


def test_the_page_shows_what_is_printed(command: Command, shared_data: Path, here: Path) -> None:
    shown = {each.text: each.output for each in commands(ROOT / "docs" / "comparing.md")}
    (here / "results.csv").symlink_to(shared_data / "results" / TABLE)
    command.good("import", "results.csv", "--name", "v3.0")
    (here / "bert.csv").symlink_to(shared_data / "results" / BERT)
    for text in ("dse compare v3.0", OF_BERT):
        lines = command.good(*text.split()[1:]).out.splitlines()
        assert tuple(line.rstrip() for line in lines) == shown[text]


def test_the_most_efficient_cpu_for_bert_is_that_of_the_table(
    command: Command, shared_data: Path
) -> None:
    table = shared_data / "results" / BERT
    known: dict[tuple[str, str], float] = defaultdict(float)
    cpus: dict[tuple[str, str], str] = {}
    with table.open(newline="", encoding="utf-8") as stream:
        for line in csv.DictReader(stream):
            on_cpu = line["accelerators_per_node"] == "0" and "gpu" not in line["platform"]
            if on_cpu and line["scenario"] == "Offline" and float(line["f1"]) >= 89.97:
                cores = (int(line[name]) for name in ("nodes", "sockets", "cores_per_socket"))
                system = line["version"], line["platform"]
                known[system] = max(known[system], float(line["value"]) / math.prod(cores))
                cpus[system] = line["host_cpu"]
    options = OF_BERT.split()[3:]
    found = json.loads(command.good("compare", table, *options, "--json").out)
    systems = {each["number"]: each for each in found["systems"]}
    (ranking,) = (r for r in found["rankings"] if r["criterion"] == "throughput_per_core")
    ranked = {
        (systems[each["system"]]["release"], each["name"].partition(" (")[0]): each["value"]
        for each in ranking["standings"]
    }
    assert ranked == pytest.approx(known)
    assert len(ranked) > 15
    best = max(known, key=lambda system: known[system])
    assert (
        f"({cpus[best]}) has the highest Offline throughput per physical core of "
        in (found["conclusion"][0])
    )
    lines = command.good("compare", table, *options).out.splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 80
