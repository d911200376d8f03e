"""Metrics, conditions and objectives of the user on the command line."""

from __future__ import annotations

import io
import json
import shutil
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from tests.objectives import DEFAULT_OBJECTIVES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commandline import Command

ACCURACY, LATENCY, THROUGHPUT = DEFAULT_OBJECTIVES
PRICED = "samples_per_dollar [samples/$] = throughput_samples_per_s * 3600 / price_per_hour"


@pytest.fixture
def study(recorded: Path, here: Path) -> str:
    """Eight points: models a and b, accuracies 41 and 42, one or two threads, batches of 1 or 2."""
    shutil.copytree(recorded, here, dirs_exist_ok=True)
    (here / "facts.yaml").write_text(
        "price_per_hour: 0.5\nsystems:\n  '*': {watts: 10}\n", encoding="utf-8"
    )
    return "mine"


def as_json(command: Command, study: str, *options: object) -> dict[str, Any]:
    return dict(json.loads(command.good("frontier", study, "--json", *options).out))


def test_a_metric_is_a_column_of_every_output(command: Command, study: str) -> None:
    options = ("--metric", PRICED, "--facts", "facts.yaml")
    found = as_json(command, study, *options)
    assert found["derived"] == [
        {
            "name": "samples_per_dollar",
            "unit": "samples/$",
            "expression": "throughput_samples_per_s * 3600 / price_per_hour",
        }
    ]
    assert found["missing"] == {}
    values = [point["values"][THROUGHPUT] * 7200 for point in found["points"]]
    assert [point["derived"] for point in found["points"]] == [
        {"samples_per_dollar": value} for value in values
    ]
    plain = command.frontier(study)
    assert [point["id"] for point in plain["points"]] == [point["id"] for point in found["points"]]
    table = pd.read_csv(io.StringIO(command.good("frontier", study, "--csv", *options).out))
    assert list(table["samples_per_dollar"]) == values
    shown_text = command.good("frontier", study, *options).out
    head, *rows = shown_text.splitlines()
    assert head.endswith("samples_per_dollar [samples/$]")
    shown = [row.split()[-1] for row in rows[: len(values)]]
    assert shown == [f"{value:.0f}" for value in values]
    assert PRICED in " ".join(shown_text.split())


def test_conditions_come_before_the_frontier(command: Command, study: str) -> None:
    found = as_json(command, study, "--where", "threads == 1 and model != 'b'")
    assert found["where"] == {
        "conditions": ["threads == 1 and model != 'b'"],
        "points": 8,
        "kept": 2,
        "undecided": {},
    }
    (point,) = found["points"]
    assert point["configuration"]["model"] == "a"
    assert point["configuration"]["threads"] == 1
    assert "derived" not in point
    assert point["id"] not in [each["id"] for each in command.frontier(study)["points"]]


def test_what_can_not_be_decided_is_left_out_and_told(command: Command, study: str) -> None:
    where = "energy_per_sample_mj < 5 or model == 'a'"
    answer = command.good("frontier", study, "--where", where)
    assert f"only where {where}: 4 of 8 points" in answer.out
    told = "4 points left out, for which that can't be decided: energy_per_sample_mj (4)"
    assert told in answer.out
    csv = command.good("frontier", study, "--csv", "--where", where)
    assert told in csv.err
    assert "left out" not in csv.out
    assert as_json(command, study, "--where", where)["where"]["undecided"] == {
        "energy_per_sample_mj": 4
    }
    nothing = command.good("frontier", study, "--where", "energy_per_sample_mj < 5")
    assert "no configuration" in nothing.out
    assert "8 points left out" in nothing.out


def test_the_picture_of_the_study_is_of_its_own_frontier(
    command: Command, study: str, here: Path
) -> None:
    picture = here / "studies" / "mine" / "frontier.png"
    command.good("frontier", study)
    before = picture.read_bytes()
    answer = command.good("frontier", study, "--where", "threads == 1")
    assert "picture" not in answer.err
    assert picture.read_bytes() == before


def test_other_objectives(command: Command, study: str) -> None:
    found = as_json(
        command,
        study,
        *("--metric", PRICED, "--facts", "facts.yaml"),
        *("--objective", "samples_per_dollar:maximize"),
    )
    assert found["objectives"] == [
        {"name": "samples_per_dollar", "unit": "samples/$", "direction": "maximize"}
    ]
    (point,) = found["points"]
    assert point["configuration"]["model"] == "a"
    assert point["values"] == {"samples_per_dollar": 400 * 7200}
    assert point["certain"]
    slow = as_json(command, study, "--objective", f"{LATENCY}:maximize")
    # One latency for both batch sizes: neither beats the other.
    assert {each["configuration"]["model"] for each in slow["points"]} == {"b"}
    assert {each["values"][LATENCY] for each in slow["points"]} == {8.0}
    shown = command.good("frontier", study, "--objective", f"{LATENCY}:maximize").out
    assert shown.splitlines()[0].split()[3:6] == ["p90", "[ms]", "top-1"]


def test_facts_of_the_system_are_found_by_its_name(command: Command, study: str) -> None:
    options = ("--facts", "facts.yaml", "--metric", "joules = watts * latency_p90_ms / 1000")
    found = as_json(command, study, *options)
    for point in found["points"]:
        assert point["derived"]["joules"] == pytest.approx(point["values"][LATENCY] / 100)


def test_a_missing_metric_is_left_out(command: Command, study: str) -> None:
    options = ("--metric", "a = energy_per_sample_mj * 2", "--metric", "b = 1 / (threads - 2)")
    found = as_json(command, study, *options)
    count = len(found["points"])
    assert found["missing"] == {"a": {"energy_per_sample_mj": count}, "b": {"division by zero": 2}}
    answer = command.good("frontier", study, *options).out
    assert f"a is missing for {count} points: energy_per_sample_mj ({count})" in answer


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--where", "latency_p90 < 3"], "--where: 'latency_p90 < 3': nothing is called"),
        (["--where", "backend > 3"], "--where: 'backend > 3': '>' can't compare text with"),
        (["--where", "threads"], "--where: 'threads': gives a number, not true or false"),
        (["--where", "__import__('os')"], "--where: no function is called '__import__'"),
        (["--metric", "x"], "--metric: 'x' defines no metric"),
        (["--objective", "x"], "--objective: 'x' names no direction"),
        (["--facts", "no.yaml"], "no.yaml: no such file"),
        (["--facts", "wrong.yaml"], "wrong.yaml:2: price: expected a number, not 'much'"),
    ],
)
def test_a_wrong_wish_is_one_line(
    command: Command, study: str, here: Path, options: list[str], words: str
) -> None:
    (here / "wrong.yaml").write_text("watts: 1\nprice: much\n", encoding="utf-8")
    for output in ([], ["--json"], ["--csv"]):
        answer = command("frontier", study, *output, *options)
        assert answer.code == 2
        assert answer.out == ""
        assert answer.err.startswith(f"dse: {words}")
        assert len(answer.err.splitlines()) == 1


def test_a_report_has_what_was_asked_for(command: Command, study: str, here: Path) -> None:
    options = ("--metric", PRICED, "--facts", "facts.yaml", "--where", "threads == 1")
    command.good("report", study, "--output", "told", *options)
    page = (here / "told" / "report.html").read_text(encoding="utf-8")
    assert page.count("only where threads == 1: 4 of 8 points") == 1
    table = pd.read_csv(here / "told" / "study.csv")
    assert list(table["samples_per_dollar"]) == [7200 * value for value in table[THROUGHPUT]]
    outside = table["standing"] == "outside"
    assert set(table[outside]["threads"]) == {2}
    assert set(table[~outside]["threads"]) == {1}
