"""``dse compare``, from studies and files to what is printed."""

from __future__ import annotations

import csv
import json
import re
import shlex
from typing import TYPE_CHECKING, Any

import pytest

from tests.results.tables import BERT_OFFLINE, write_bert, write_published
from tests.results.trees import write_tree

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commandline import Command

THEIRS = (
    {"Platform": "board", "Result": "2.5", "Accuracy": "60"},
    {
        "Platform": "board",
        "Scenario": "Offline",
        "Units": "Samples/s",
        "Result": "400",
        "Accuracy": "60",
        "inferred": "1",
    },
)


TO_PICK = "dse pick kept --min-accuracy 40 --minimize latency"


@pytest.fixture
def table(here: Path) -> Path:
    return write_published(here / "theirs.csv", THEIRS)


def compared(command: Command, *arguments: object) -> dict[str, Any]:
    return dict(json.loads(command.good("compare", *arguments, "--json").out))


def test_a_study_an_import_a_table_and_a_tree(
    command: Command, kept: Path, table: Path, here: Path
) -> None:
    write_tree(here / "tree")
    command.good("import", table, "--name", "imported")
    found = compared(command, "kept", "imported", table.name, "tree")
    assert [each["name"] for each in found["systems"]] == [
        *("kept", "board (theirs.csv) [2]", "board (theirs.csv) [3]"),
        "board (tree/open/Org)",
    ]
    assert [each["sources"] for each in found["systems"]] == [
        ["replayed"],
        *[["published"]] * 3,
    ]
    mine = command.frontier(kept)
    (fastest, *_) = sorted(point["values"]["latency_p90_ms"] for point in mine["points"])
    assert found["systems"][0]["best"]["latency_p90_ms"]["values"]["latency_p90_ms"] == fastest


def test_the_options_of_derived_metrics(command: Command, table: Path, here: Path) -> None:
    (here / "facts.yaml").write_text("systems:\n  CPU X: {price_per_hour: 2.0}\n")
    found = compared(
        *(command, table, "--facts", "facts.yaml", "--accuracy", "60"),
        *("--metric", "per_dollar [1/$] = throughput_samples_per_s * 3600 / price_per_hour"),
        *("--objective", "per_dollar:maximize", "--where", "latency_p90_ms < 3"),
    )
    (ranking,) = found["rankings"]
    assert ranking["criterion"] == "per_dollar"
    assert ranking["standings"][0]["value"] == 400 * 3600 / 2
    assert ranking["standings"][0]["inferred"] is True
    assert found["where"]["kept"] == 1


def test_the_conclusion_a_table_and_notes(command: Command, kept: Path, table: Path) -> None:
    answer = command.good("compare", kept, table, "--points")
    assert answer.out.startswith("#1 kept:")
    again = command.good("compare", kept, table)
    lines, last = again.out.splitlines(), again.last
    told = (
        r"#1 kept( \(.+?\))? has the lowest SingleStream p90 latency of 2 systems with top-1 of at "
        "least 40 %"
    )
    assert re.match(told, " ".join(" ".join(lines).split()))
    assert max(map(len, lines)) <= 80
    assert "i: inferred from a run of another scenario, as MLPerf's rules allow" in lines
    assert (again.err, last) == (f"{last}\n", f"next: {TO_PICK}")
    assert compared(command, kept, table)["next"] == TO_PICK
    command.good(*shlex.split(TO_PICK)[1:])


@pytest.mark.parametrize(
    ("by", "title"),
    [
        ("throughput", "Offline throughput [samples/s], best first at "),
        ("throughput_per_core", "Offline throughput per physical core [samples/s/core], best "),
    ],
)
def test_systems_are_sorted_by_what_is_asked_for(
    command: Command, table: Path, by: str, title: str
) -> None:
    out = command.good("compare", table, "--by", by, "--accuracy", "60").out
    assert title in " ".join(out.split())
    order = compared(command, table, "--by", by)["sorted_by"]
    assert (order["accuracy_percent"], order["systems"]) == (60, [1])


def test_accelerators_are_ranked_when_they_are_asked_for(command: Command, here: Path) -> None:
    rows = (*THEIRS, {"Platform": "box-gpu", "Result": "1", "Accuracy": "60"})
    both = write_published(here / "both.csv", rows)
    found = compared(command, both)
    assert found["sorted_by"]["systems"] == [1]
    assert found["left_out_systems"] == [{"system": 2, "evidence": "its name has gpu"}]
    assert "--accelerators adds it" in command.good("compare", both).out
    found = compared(command, both, "--accelerators")
    assert (found["sorted_by"]["systems"], found["left_out_systems"]) == ([2, 1], [])
    command.good("compare", both, "--picture", here / "cpus.svg")
    drawn = (here / "cpus.svg").read_text(encoding="utf-8")
    assert "board" in drawn
    assert "box-gpu" not in drawn


def test_all_and_the_agreement(command: Command, table: Path) -> None:
    out = command.good("compare", table, "--all", "--agreement").out
    assert "\nsystems:\n" in out
    assert "not shown" not in out
    assert "accuracies minus the published ones of the same variants, in points:" in out


def test_csv_and_picture(command: Command, kept: Path, table: Path, here: Path) -> None:
    answer = command.good("compare", kept, table, "--csv", "--picture", here / "both.svg")
    rows = list(csv.DictReader(answer.out.splitlines()))
    assert {row["system"] for row in rows} == {"kept", "board"}
    assert answer.err == f"picture: {here / 'both.svg'}\n"
    assert (here / "both.svg").stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "no study at studies/nowhere"),
        (["missing.csv"], "missing.csv: there is no such file"),
        (["empty"], "no study at"),
        (["theirs.csv", "--accuracy", "x"], "'x' is not a list of percentages; write 70 or 65,70"),
        (["theirs.csv", "--accuracy", "101"], "'101' is not a list of percentages"),
        (["theirs.csv", "--json", "--csv"], "exclude each other"),
        (["theirs.csv", "--picture", "p.gif"], "p.gif: --picture: '.gif' is not a picture format"),
        (["theirs.csv", "--picture", "p"], "p: --picture: '' is not a picture format"),
        (["theirs.csv", "--where", "nothing > 1"], "nothing is called 'nothing'"),
        (["theirs.csv", "--by", "latencies"], "--by: no system has a value of 'latencies'"),
        (["theirs.csv", "--by", "energy"], "--by: no system has a value of 'energy' to be"),
        ([], "Missing argument"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(
    command: Command, table: Path, here: Path, arguments: list[str], words: str
) -> None:
    (here / "empty").mkdir()
    before = sorted(here.iterdir())
    answer = command("compare", *arguments)
    assert (answer.code, answer.out, answer.err.count("\n")) == (2, "", 1), answer
    assert words in answer.err
    assert table in before
    assert sorted(here.iterdir()) == before


def test_a_picture_that_can_not_be_written_is_told(command: Command, table: Path) -> None:
    answer = command("compare", table, "--csv", "--picture", table / "p.png")
    assert (answer.code, answer.err.count("\n")) == (1, 1)
    assert "can't be written" in answer.err


def test_results_of_several_tasks_are_compared_by_one_of_them(
    command: Command, kept: Path, here: Path
) -> None:
    encoder = {"MlperfModel": "bert-99", "Model": "encoder", "Accuracy": "90.5"}
    both = write_published(here / "both.csv", [*THEIRS, {**encoder, "Platform": "board"}])
    for sources in ([both], [kept, write_bert(here / "bert.csv", [{}])]):
        answer = command("compare", *sources)
        assert (answer.code, answer.out) == (2, "")
        assert answer.err == (
            "dse: systems of different tasks can't be compared: image-classification, "
            "question-answering; name results of one task, or choose one with --task\n"
        )
    found = compared(command, both, "--task", "question-answering", "--accuracy", 90)
    assert found["rankings"][0]["standings"][0]["configuration"] == {"model": "encoder"}
    assert found["conclusion"][0].startswith("#1 board (CPU X) has the lowest SingleStream p90")
    assert "1 system with F1 of at least 90 %" in found["conclusion"][0]
    found = compared(command, both, kept, "--task", "image-classification")
    assert [each["name"] for each in found["systems"]] == ["board", "kept"]


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ("question-answering", "--task: 'theirs.csv' has no results of question answering"),
        ("folding", "unknown task 'folding'; known are image-classification, "),
    ],
)
def test_a_source_without_the_task_is_refused(
    command: Command, table: Path, task: str, words: str
) -> None:
    answer = command("compare", table.name, "--task", task)
    assert (answer.code, answer.out, answer.err.count("\n")) == (2, "", 1)
    assert words in answer.err


SYSTEMS = {
    "one": {"host_cpu": "CPU A", "cores_per_socket": "64", "sockets": "2"},
    "two": {"host_cpu": "CPU B", "cores_per_socket": "16"},
    "card": {"host_cpu": "CPU C", "accelerator": "Card", "accelerators_per_node": "1"},
    "gpu": {"host_cpu": "CPU D", "platform": "gpu-runtime"},
}
POWER = {"power_value": "200", "power_unit": "Watts"}
RATES = [
    ("one", {"f1": "90.8", "value": "2560"}),
    ("one", {"f1": "87.5", "value": "9999", "model_name": "tiny-bert-99"}),
    ("two", {"f1": "89.97", "value": "480", **POWER}),
    ("two", {"f1": "89.96", "value": "9999", "model_name": "tiny-bert-99", **POWER}),
    ("card", {"f1": "90.9", "value": "99999"}),
    ("gpu", {"f1": "90.9", "value": "99999"}),
]


def test_which_cpu_is_most_efficient_for_bert(command: Command, here: Path) -> None:
    rows = [
        {**BERT_OFFLINE, "platform": f"{name}-cpu-runtime", **SYSTEMS[name], **row}
        for name, row in RATES
    ]
    table = write_bert(here / "bert.csv", rows)
    asked = (table, "--accuracy", "89.97", "--by", "throughput_per_core")
    found = compared(command, *asked)
    assert found["conclusion"] == [
        (
            "#2 two-cpu-runtime (CPU B) has the highest Offline throughput per physical core of 2 "
            "systems with F1 of at least 89.97 % (30 samples/s/core with small-encoder-bert-99, "
            "published) and the highest Offline throughput per watt of the whole system (2.4 "
            "samples/J with small-encoder-bert-99, published)"
        ),
        (
            "#1 one-cpu-runtime (CPU A) has the highest Offline throughput (2560.0 samples/s with "
            "small-encoder-bert-99, published)"
        ),
    ]
    assert [each["system"] for each in found["left_out_systems"]] == [3, 4]
    same = compared(command, table, "--where", "f1_percent >= 89.97", "--by", "throughput_per_core")
    assert same["sorted_by"]["systems"] == [2, 1]
    lines = command.good("compare", *asked).out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "CPU B" in lines[0]
    start = next(index for index, line in enumerate(lines) if line.lstrip().startswith("# "))
    assert [line.split()[:4] for line in lines[start + 1 : start + 3]] == [
        ["2", "two-cpu-runtime", "CPU", "B"],
        ["1", "one-cpu-runtime", "CPU", "A"],
    ]
    assert "left out: 2 systems with an accelerator; --accelerators adds them" in lines
