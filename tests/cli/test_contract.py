"""The JSON that others rely on: exactly these keys, of exactly these types."""

from __future__ import annotations

import io
import json
import shutil
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from dse.cli import run
from dse.core.metrics import METRICS
from tests.commandline import unwrapped
from tests.objectives import DEFAULT_OBJECTIVES
from tests.replays import write_space, write_table

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commandline import Command

Number = (int, float)
STATUS = {
    "study": str,
    "configurations": {"measured": int, "failed": int, "remaining": (int, type(None))},
    "measurements_taken": int,
    "failures": {str: int},
    "frontier": {
        "points": int,
        "decided": int,
        "undecided": int,
        "beyond_rounds": int,
        "left_out": int,
        "left_out_wrongly": Number,
        "seconds_needed": (*Number, type(None)),
    },
    "reasons": [
        {
            "kind": str,
            "reason": str,
            "remedy": (str, type(None)),
            "count": int,
            "example": int,
            "message": str,
            "stderr_tail": str,
            "run": (str, type(None)),
        }
    ],
    "notes": [str],
    "health": [str],
    "excluded": [str],
}
CONFIGURATION = {
    "model": str,
    "precision": str,
    "backend": str,
    "threads": int,
    "batch_size": int,
    "instances": int,
    "pinned": bool,
}
FRONTIER = {
    "study": str,
    "system": {"fingerprint": str, "cpu": str},
    "objectives": [{"name": str, "unit": str, "direction": str}],
    "points": [
        {
            "id": int,
            "configuration": {**CONFIGURATION, "runtime": str},
            "values": {str: Number},
            "intervals": {str: [Number]},
            "accuracy_source": str,
            "validity": str,
            "fidelity": str,
            "standing": str,
            "certain": bool,
            "notes": [str],
        }
    ],
    "left_out": int,
}


def check(value: Any, shape: Any, where: str = "") -> None:
    """Holds a value against a shape: dictionaries have these keys, or keys of one type."""
    if isinstance(shape, dict) and set(shape) == {str}:
        assert isinstance(value, dict), where
        for key, each in value.items():
            assert isinstance(key, str), where
            check(each, shape[str], f"{where}.{key}")
    elif isinstance(shape, dict):
        assert list(value) == list(shape), where
        for key in shape:
            check(value[key], shape[key], f"{where}.{key}")
    elif isinstance(shape, list):
        assert isinstance(value, list), where
        for number, each in enumerate(value):
            check(each, shape[0], f"{where}[{number}]")
    else:
        assert isinstance(value, shape), where
        assert shape is bool or not isinstance(value, bool), where


@pytest.fixture(scope="module")
def explored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the study ``mine``, in which two configurations are left."""
    folder = tmp_path_factory.mktemp("explored")
    write_table(folder, failing={"c": "no such kernel"}, models=["a", "b", "c"])
    space = write_space(folder, "mine", models=["a", "b", "c"])
    options = ["--sampler", "grid", "--n-trials", "10", "--study", str(folder / "studies" / "mine")]
    assert run(["explore", str(space), *options]) == 0
    return folder


@pytest.fixture
def study(explored: Path, here: Path) -> str:
    shutil.copytree(explored, here, dirs_exist_ok=True)
    return "mine"


def test_status(command: Command, study: str) -> None:
    status = command.status(study)
    points = len(command.frontier(study)["points"])
    check(status, STATUS)
    assert status == {
        "study": "mine",
        "configurations": {"measured": 8, "failed": 2, "remaining": 2},
        "measurements_taken": 24,
        "failures": {"unsupported": 2},
        "frontier": {
            "points": points,
            "decided": points,
            "undecided": 0,
            "beyond_rounds": 0,
            "left_out": 0,
            "left_out_wrongly": 0.0,
            "seconds_needed": 0.0,
        },
        "reasons": [
            {
                "kind": "unsupported",
                "reason": "no such kernel",
                "remedy": None,
                "count": 2,
                "example": 8,
                "message": "no such kernel",
                "stderr_tail": "",
                "run": None,
            }
        ],
        "notes": [],
        "health": [f"frontier: {points} points, {points} decided"],
        "excluded": [],
    }
    shown = command.good("status", study).out.splitlines()
    assert shown == [
        "study mine",
        "configurations: 8 measured, 2 failed, 2 remaining",
        "measurements taken: 24",
        f"frontier: {points} points, {points} decided",
        "failures, unsupported: 2",
        "  2 x no such kernel (such as #8 c fp32, replay, 1 thread, batch 1, runtime=x)",
        "      no worker was started for it",
    ]


def test_frontier(command: Command, study: str) -> None:
    found = command.frontier(study)
    check(found, FRONTIER)
    assert found["objectives"] == [
        {"name": m.name, "unit": m.unit, "direction": m.direction}
        for m in (METRICS[name] for name in DEFAULT_OBJECTIVES)
    ]
    assert found["system"]["fingerprint"] == command.good("system").out.split()[1]
    # Two threads and two samples per batch are best for both models, and neither beats the other.
    assert [p["configuration"] for p in found["points"]] == [
        {
            "model": model,
            "precision": "fp32",
            "backend": "replay",
            "threads": 2,
            "batch_size": 2,
            "instances": 1,
            "pinned": False,
            "runtime": "x",
        }
        for model in ("b", "a")
    ]
    assert [list(p["values"].values()) for p in found["points"]] == [
        [42.0, 4.0, 200.0],
        [41.0, 2.0, 400.0],
    ]
    assert {p["accuracy_source"] for p in found["points"]} == {"measured"}
    assert {p["validity"] for p in found["points"]} == {"probe"}


def test_frontier_without_points(command: Command, here: Path) -> None:
    write_table(here)
    space = write_space(here, constraints={"latency_p90_ms": {"max": 0.1}}, threads=1)
    command.good("explore", space)
    assert command.frontier("space")["points"] == []
    assert "within the constraints yet" in command.good("frontier", "space").out
    table = pd.read_csv(io.StringIO(command.good("frontier", "space", "--csv").out))
    assert len(table) == 0
    assert {"id", "model", *DEFAULT_OBJECTIVES} <= set(table.columns)


def test_csv_says_the_same(command: Command, study: str) -> None:
    table = pd.read_csv(io.StringIO(command.good("frontier", study, "--csv").out))
    points = command.frontier(study)["points"]
    assert list(table["id"]) == [p["id"] for p in points]
    for name in DEFAULT_OBJECTIVES:
        assert list(table[name]) == [p["values"][name] for p in points]
        assert set(table[f"{name}_source"]) == {"replayed"}
    for field in ("model", "threads", "batch_size", "runtime"):
        assert list(table[field]) == [p["configuration"][field] for p in points]
    assert table["failure"].isna().all()


def test_the_table_says_the_same(command: Command, study: str) -> None:
    answer = command.good("frontier", study)
    head, *rows, legend, note = answer.out.splitlines()
    assert head.split()[:3] == ["id", "model", "runtime"]
    assert [row.split()[0] for row in rows] == [
        str(p["id"]) for p in command.frontier(study)["points"]
    ]
    assert rows[0].split()[-3:] == ["42.00", "4.000", "200.0"]
    assert legend == "t threads, b batch size"
    assert note.startswith("values of the replay backend were recorded elsewhere")
    assert answer.err == "next: dse pick mine --maximize accuracy\n"
    explored = command.good("explore", "mine.yaml", "--n-trials", 1)
    assert explored.out == answer.out  # results, and nothing else, on stdout


def test_backends(command: Command) -> None:
    found = json.loads(command.good("backends", "--json").out)
    shape = {
        "backend": str,
        "usable": (bool,),
        "version": (str, type(None)),
        "environment": (str, type(None)),
        "formats": [str],
        "precisions": [str],
        "knobs": [str],
        "devices": [str],
        "lacks": [str],
        "problem": (str, type(None)),
        "remedy": (str, type(None)),
    }
    for row in found["backends"]:
        check({**row, "usable": 1}, {**shape, "usable": int})
        assert row["usable"] is (row["version"] is not None) is (row["remedy"] is None)
    by_name = {row["backend"]: row for row in found["backends"]}
    assert {"onnxruntime", "litert", "null", "replay"} <= set(by_name)
    assert by_name["null"]["version"] == "1"
    assert by_name["null"]["devices"] == ["cpu"]
    assert by_name["onnxruntime"]["devices"] == ["cpu", "cuda"]
    assert {"provider=dnnl", "device=cuda"} <= set(by_name["onnxruntime"]["lacks"])
    assert by_name["null"]["knobs"] == ["delay_ms", "fault"]
    lines = unwrapped(command.good("backends").out)
    assert [line.partition(":")[0] for line in lines] == list(by_name)
    assert "null: 1 (reads no model file; knobs: delay_ms, fault)" in lines


def test_system(command: Command) -> None:
    found = json.loads(command.good("system", "--json").out)
    assert json.loads(command.good("system", "--json").out)["fingerprint"] == found["fingerprint"]
    assert len(found["fingerprint"]) == 12
    assert int(found["fingerprint"], 16) >= 0
    lines = command.good("system").out.splitlines()
    assert lines[0] == f"fingerprint: {found['fingerprint']}"
    assert f"CPU: {found['cpu']}" in lines
    assert len({line.partition(":")[0] for line in lines}) == len(lines)
