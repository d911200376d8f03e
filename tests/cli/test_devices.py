"""Points on another device than the CPU: named in every output, and only where they are asked for.

Their values are recorded ones; no GPU is needed.
"""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import pytest

from tests.replays import COLUMNS, RUNTIME, write_space, write_table

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commandline import Command

POINTS = {"models": ["a"], "threads": [1], "batch_sizes": [1]}


def write_devices(folder: Path) -> None:
    """The GPU is ten times as fast as the CPU in every row."""
    rows = [
        ["a", "fp32", RUNTIME, 1, 1, 41.0, 4.0, 100.0, "", ""],
        ["a", "fp32", RUNTIME, 1, 1, 41.0, 0.4, 1000.0, "", "cuda"],
    ]
    with (folder / "table.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([[*COLUMNS, "device"], *rows])


@pytest.fixture
def both(command: Command, here: Path) -> Path:
    """A study of a space that asks for both."""
    write_devices(here)
    space = write_space(here, "both", **POINTS, devices=["cpu", "cuda"])
    assert "2 measured" in command.good("explore", space, "--settle", 0).err
    return here


def test_a_space_tries_the_cpu_alone_unless_it_says_otherwise(command: Command, here: Path) -> None:
    write_devices(here)
    command.good("explore", write_space(here, "plain", **POINTS), "--settle", 0)
    [point] = command.frontier("plain")["points"]
    assert "device" not in point["configuration"]
    assert point["values"]["latency_p90_ms"] == 4.0
    header = command.good("frontier", "plain", "--csv").out.splitlines()[0]
    assert "device" not in header.split(",")
    assert "cuda" not in command.good("pick", "plain", "--maximize", "throughput").out


def test_tables_json_and_csv_name_it(command: Command, both: Path) -> None:
    assert both.is_dir()
    [point] = command.frontier("both")["points"]  # it dominates the CPU, which was asked for
    assert point["configuration"]["device"] == "cuda"
    assert "t1 b1 cuda" in command.good("frontier", "both", "--all").out
    lines = command.good("frontier", "both", "--csv", "--all").out.splitlines()
    rows = [*csv.DictReader(lines)]
    assert [row["device"] for row in rows] == ["cuda"]
    on_cpu = command.good("frontier", "both", "--csv", "--where", "device == 'cpu'").out
    [row] = csv.DictReader(on_cpu.splitlines())
    assert "device" not in row
    assert float(row["latency_p90_ms"]) == 4.0


def test_the_answer_names_it(command: Command, both: Path) -> None:
    assert both.is_dir()
    answer = command.good("pick", "both", "--maximize", "throughput").out
    assert "1 thread, batch 1, on cuda" in answer
    on_cpu = command.good(
        "pick", "both", "--maximize", "throughput", "--where", "device == 'cpu'"
    ).out
    assert "cuda" not in on_cpu.splitlines()[0]
    shown = [command.good("show", "both", number).out for number in (0, 1)]
    assert sorted("on cuda" in each for each in shown) == [False, True]


def test_the_report_names_it(command: Command, both: Path) -> None:
    command.good("report", "both")
    page = (both / "studies" / "both" / "report" / "report.html").read_text(encoding="utf-8")
    assert '"device"' in page
    assert '"cuda"' in page
    with (both / "studies" / "both" / "report" / "study.csv").open(encoding="utf-8") as stream:
        assert sorted(row["device"] for row in csv.DictReader(stream)) == ["cpu", "cuda"]


def test_a_bundle_keeps_it(command: Command, both: Path) -> None:
    command.good("bundle", "both", "-o", "both.bundle")
    merged = command.good("merge", "both.bundle", "--study", "merged")
    assert "2" in merged.err + merged.out
    own, other = (command.frontier(name)["points"] for name in ("both", "merged"))
    assert [each["configuration"] for each in own] == [each["configuration"] for each in other]
    assert (both / "both.bundle").is_file()


def test_a_comparison_leaves_it_out_unless_it_is_asked_for(command: Command, both: Path) -> None:
    command.good("explore", write_space(both, "plain", **POINTS), "--settle", 0)
    found = json.loads(command.good("compare", "both", "plain", "--json").out)
    assert "cuda" not in json.dumps(found["systems"])
    assert any("1 configuration on another device than the CPU" in note for note in found["notes"])
    words = ("compare", "both", "plain", "--where", "device == 'cuda' or device == 'cpu'")
    asked = json.loads(command.good(*words, "--json").out)
    assert "cuda" in json.dumps(asked["systems"])


def test_the_plan_says_why_it_is_left_out(command: Command, here: Path) -> None:
    write_table(here)
    backends = {"null": None, "replay": {"table": "table.csv", "runtime": [RUNTIME]}}
    fields = {**POINTS, "objectives": ["latency_p90_ms"]}
    space = write_space(here, "mixed", **fields, backends=backends, devices=["cuda", "cpu"])
    told = command.good("explore", space, "--dry-run")
    assert "null does not run on cuda (1 configuration)" in told.out + told.err


def test_what_is_no_device_is_refused(command: Command, here: Path) -> None:
    write_devices(here)
    answer = command("explore", write_space(here, "wrong", **POINTS, devices=["cpu", "gpu"]))
    assert answer.code == 2
    assert "devices[1]: unknown device 'gpu'" in answer.last
    table = here / "table.csv"
    table.write_text(table.read_text().replace("cuda", "gpu"))
    answer = command("explore", write_space(here, "wrong", **POINTS))
    assert answer.code == 2
    assert "device: 'gpu' is none of cpu, cuda" in answer.last
