"""A study that an earlier version wrote: read as it was, and gone on with.

``golden/schema-1.sql`` is its database as text: 20 configurations of two models, of which ONNX
Runtime ran four and the null backend failed the others as it was told to.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from dse.core.registry import backend
from dse.machine.detect import detect
from dse.study.revisions import SCHEMA
from tests.replays import outcomes, taken

if TYPE_CHECKING:
    from tests.commandline import Command

GOLDEN = Path(__file__).parent / "golden"
COUNTS = (4, 16, 0, 6)
FRONTIER = {
    5: {
        "accuracy_percent": 44.116,
        "latency_p90_ms": 0.448048,
        "throughput_samples_per_s": 2191.24,
    },
    11: {
        "accuracy_percent": 42.346,
        "latency_p90_ms": 0.424453,
        "throughput_samples_per_s": 2665.6,
    },
}


@pytest.fixture
def old(here: Path) -> Path:
    """The study ``old``, as if this machine with its runtimes had been measured."""
    folder = here / "studies" / "old"
    (folder / "runs").mkdir(parents=True)
    with closing(sqlite3.connect(folder / "study.db")) as connection, connection:
        connection.executescript((GOLDEN / "schema-1.sql").read_text(encoding="utf-8"))
        about = stored(connection, "dse:about")
        about["system"] = detect().as_dict()
        about["runtimes"] = {name: backend(name).version() for name in about["runtimes"]}
        store(connection, "dse:about", about)
    (here / "old.yaml").write_text(yaml.safe_dump(about["space"]))
    return folder


def stored(connection: sqlite3.Connection, name: str) -> Any:
    query = "SELECT value_json FROM study_user_attributes WHERE key = ?"
    return json.loads(connection.execute(query, (name,)).fetchone()[0])


def store(connection: sqlite3.Connection, name: str, value: object) -> None:
    update = "UPDATE study_user_attributes SET value_json = ? WHERE key = ?"
    connection.execute(update, (json.dumps(value), name))


def points(command: Command) -> dict[int, dict[str, float]]:
    return {point["id"]: point["values"] for point in command.frontier("old")["points"]}


def test_it_is_read_as_it_was(command: Command, old: Path) -> None:
    before = (old / "study.db").read_bytes()
    assert command.counts("old") == COUNTS
    assert command.status("old")["failures"] == {"crash": 4, "unsupported": 12}
    assert command.status("old")["notes"] == []
    assert points(command) == FRONTIER
    assert {p["fidelity"] for p in command.frontier("old")["points"]} == {"probe"}
    assert (old / "study.db").read_bytes() == before


def test_it_goes_on_and_measures_nothing_again(command: Command, old: Path) -> None:
    before = outcomes(old / "study.db")
    for _ in range(2):
        answer = command.good("explore", "old.yaml", "--settle", 0)
        assert "resuming 'old': 20 of 20 configurations done" in answer.err
        assert "every configuration has its outcome: 0 done now" in answer.err
        assert command.counts("old") == COUNTS
        assert points(command) == FRONTIER
    assert before.items() <= outcomes(old / "study.db").items()
    assert list((old / "runs").iterdir()) == []
    with closing(sqlite3.connect(old / "study.db")) as connection:
        query = "SELECT value_json FROM study_user_attributes WHERE key = 'dse:schema'"
        assert [int(text) for (text,) in connection.execute(query)] == [1, SCHEMA]


def test_it_can_be_extended(command: Command, here: Path, old: Path) -> None:
    wider = yaml.safe_load((here / "old.yaml").read_text())
    wider["backends"]["null"]["fault"].append("none")
    wider |= {"objectives": ["latency_p90_ms", "accuracy_percent"], "batch_sizes": [8]}
    (here / "old.yaml").write_text(yaml.safe_dump(wider))
    command.good("explore", "old.yaml", "--settle", 0, "--n-trials", 1)
    measured, failed, remaining, _ = command.counts("old")
    # Failures do not go along with other objectives: they may have been of those.
    assert (measured, failed, remaining) in {(2, 1, 11), (3, 0, 11)}
    assert set(taken(old / "study.db").values()) == {1}


def test_one_of_a_later_version_is_refused_in_one_line(command: Command, old: Path) -> None:
    with closing(sqlite3.connect(old / "study.db")) as connection, connection:
        store(connection, "dse:schema", SCHEMA + 1)
    before = (old / "study.db").read_bytes()
    for words in (["status", "old"], ["frontier", "old"], ["explore", "old.yaml"]):
        answer = command(*words)
        assert answer.code == 2
        assert answer.out == ""
        (line,) = answer.err.splitlines()
        assert line == (
            "dse: the Optuna study 'old' was written by a later version; install that version"
        )
    assert (old / "study.db").read_bytes() == before
