"""Tables for the replay backend, spaces over them, and what a study's database holds."""

from __future__ import annotations

import csv
import json
import sqlite3
from collections import Counter
from contextlib import closing
from statistics import median
from typing import TYPE_CHECKING, Any

import yaml

from dse.core.configuration import Configuration
from tests.objectives import DEFAULT_OBJECTIVES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from tests.commandline import Command

COLUMNS = ("model", "precision", "backend", "threads", "batch_size", *DEFAULT_OBJECTIVES, "failure")
RUNTIME = "x"
DATABASE = "studies/space/study.db"
"""Of the study of a space that `write_space` has written, in the working folder."""


def write_table(
    folder: Path,
    models: Iterable[str] = ("a", "b"),
    threads: Iterable[int] = (1, 2),
    batch_sizes: Iterable[int] = (1, 2),
    failing: Mapping[str, str] | None = None,
    name: str = "table.csv",
) -> Path:
    """Records every combination; the later a model, the more accurate and the slower.

    Args:
        folder: where the table goes.
        models: names.
        threads: thread counts.
        batch_sizes: batch sizes.
        failing: reason by name of the models that did not run.
        name: of the file.
    """
    path = folder / name
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        for place, model in enumerate(models, start=1):
            for count in threads:
                for size in batch_sizes:
                    reason = (failing or {}).get(model, "")
                    values = [40.0 + place, 4.0 * place / count, 100.0 * count * size / place]
                    shown = ["", "", ""] if reason else values
                    writer.writerow([model, "fp32", RUNTIME, count, size, *shown, reason])
    return path


def write_space(folder: Path, name: str = "space", /, **fields: Any) -> Path:
    """A space over the whole of the default table, with some fields in the place of its own."""
    space = {
        "models": ["a", "b"],
        "backends": {"replay": {"table": "table.csv", "runtime": [RUNTIME]}},
        "threads": [1, 2],
        "batch_sizes": [1, 2],
        **fields,
    }
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(space, sort_keys=False), encoding="utf-8")
    return path


def attributes(database: Path, name: str) -> dict[int, Any]:
    """An attribute of every trial that has it, by the trial's number in the database."""
    if not database.exists():
        return {}
    with closing(sqlite3.connect(database)) as connection:
        try:
            rows = connection.execute(
                "SELECT trial_id, value_json FROM trial_user_attributes WHERE key = ?", (name,)
            ).fetchall()
        except sqlite3.OperationalError:  # the tables are not there yet
            return {}
    return {trial: json.loads(text) for trial, text in rows}


def outcomes(database: Path) -> dict[int, tuple[str, str]]:
    """Key and outcome, as text, of every trial that has an outcome."""
    configurations = attributes(database, "configuration")
    return {
        trial: (
            Configuration.from_dict(configurations[trial]).key,
            json.dumps(outcome, sort_keys=True),
        )
        for trial, outcome in attributes(database, "outcome").items()
    }


def taken(database: Path) -> Counter[tuple[str, str, str]]:
    """How often each thing was measured: metric, key and fidelity, which once was always probe."""
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute(
            "SELECT value_json FROM trial_user_attributes WHERE key LIKE 'measurement:%'"
        ).fetchall()
    found = (json.loads(text) for (text,) in rows)
    return Counter((m["metric"], m["key"], m.get("fidelity", "probe")) for m in found)


def failures(database: Path) -> list[dict[str, Any]]:
    """The failure of every trial that has one, together with its configuration."""
    configurations = attributes(database, "configuration")
    return [
        {**outcome["failure"], "configuration": configurations[trial]}
        for trial, outcome in attributes(database, "outcome").items()
        if outcome["failure"] is not None
    ]


def level(database: Path, metric: str) -> None:
    """Makes rivals that nothing tells apart: stored values of a metric are alike, with much noise.

    Each configuration has their median first, then some more, some less, and so on. None of them
    was disturbed or took long, so what comes next depends neither on the machine nor on luck.
    """
    names = ("outcome", f"measurement:{metric}")
    with closing(sqlite3.connect(database)) as connection, connection:
        query = "SELECT trial_user_attribute_id, value_json FROM trial_user_attributes WHERE key"
        order = "ORDER BY trial_id, key DESC"
        rows = connection.execute(f"{query} IN (?, ?) {order}", names).fetchall()
        stored = {id_: json.loads(text) for id_, text in rows}
        found = [m for each in stored.values() for m in each.get("measurements", [each])]
        found = [m for m in found if m["metric"] == metric]
        middle = median(m["value"] for m in found)
        taken: dict[str, dict[float, int]] = {}
        for m in found:  # an outcome repeats what was measured
            numbers = taken.setdefault(m["key"] + m["fidelity"], {})
            number = numbers.setdefault(m["value"], len(numbers))
            m["value"] = middle * (1, 1.2, 0.8)[number % 3]
            m["seconds"] = 0.1
            m["details"].pop("disturbed", None)
        change = "UPDATE trial_user_attributes SET value_json = ? WHERE trial_user_attribute_id = ?"
        connection.executemany(change, ((json.dumps(each), id_) for id_, each in stored.items()))


def write_rivals(command: Command, here: Path) -> Path:
    """The space of a study of rivals, whose noise is known."""
    fields = {"models": "a", "threads": 1, "batch_sizes": 1, "objectives": ["latency_p90_ms"]}
    delays = {"delay_ms": [1.0, 1.00001, 1.00002]}
    space = write_space(here, backends={"null": delays}, **fields)
    command.good("explore", space, "--settle", 0)
    assert {*attributes(here / DATABASE, "purpose").values()} == {"explore"}
    command.good("explore", space, "--settle", "0.1s", "--tie", 0)
    level(here / DATABASE, "latency_p90_ms")
    return space
