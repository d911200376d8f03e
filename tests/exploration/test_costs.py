"""Costs through the command line: asked for, recorded beside, and refused where they can't be."""

from __future__ import annotations

import io
import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.errors import RequestError
from dse.core.metrics import (
    COSTS,
    CPU_TIME,
    ENERGY,
    LATENCY,
    LOAD_TIME,
    METRICS,
    MODEL_SIZE,
    PEAK_MEMORY,
    SINGLE_STREAM_METRICS,
    THROUGHPUT,
)
from dse.exploration._costs import piggybacked_metrics, refuse_unmeasurable
from dse.machine import rapl
from tests.machine.test_rapl import write_zone
from tests.replays import attributes, outcomes, write_space, write_table
from tests.space.spaces import space as make_space

if TYPE_CHECKING:
    from pathlib import Path

    from dse.space.space import SearchSpace
    from tests.commandline import Command

NULL = {
    "models": "a",
    "backends": {"null": {"delay_ms": 0.5}},
    "threads": 1,
    "batch_sizes": 1,
}
TAKEN_BY_WORKERS = sorted(set(METRICS) - {MODEL_SIZE.name})


@given(st.sets(st.sampled_from(TAKEN_BY_WORKERS), min_size=1), st.booleans())
def test_what_is_recorded_beside_is_a_cost_that_the_runs_give(
    metrics: set[str], again: bool
) -> None:
    beside = piggybacked_metrics(metrics, again=again)
    assert not metrics & set(beside)
    assert {*beside} <= {metric.name for metric in COSTS}
    single = bool(metrics & set(SINGLE_STREAM_METRICS))
    assert ({*metrics, *beside} >= {CPU_TIME.name, ENERGY.name}) or not single
    if again:
        assert (LOAD_TIME.name in beside) <= single
        assert (PEAK_MEMORY.name in beside) <= any(METRICS[name].batched for name in metrics)
    else:
        assert {PEAK_MEMORY.name, LOAD_TIME.name} <= {*metrics, *beside}


def asking(objective: str, backend: str = "null", **fields: Any) -> SearchSpace:
    backends = {"replay": {"table": "t.csv"}} if backend == "replay" else [backend]
    return make_space(objectives=[objective], backends=backends, **fields)


def test_energy_is_refused_where_nothing_tells_it(tmp_path: Path) -> None:
    for wanted in (
        asking(ENERGY.name),
        asking(LATENCY.name, constraints={ENERGY.name: {"max": 5}}),
    ):
        with pytest.raises(RequestError, match="needs the RAPL counters") as caught:
            refuse_unmeasurable(wanted, tmp_path)
        assert CPU_TIME.name in str(caught.value.remedy)
    refuse_unmeasurable(asking(ENERGY.name, "replay"), tmp_path)
    refuse_unmeasurable(asking(LATENCY.name), tmp_path)
    zone = write_zone(tmp_path, "intel-rapl:0", "package-0")
    refuse_unmeasurable(asking(ENERGY.name), tmp_path)
    (zone / "energy_uj").write_text("")  # as for those who may not read it
    with pytest.raises(RequestError, match="may not read") as caught:
        refuse_unmeasurable(asking(ENERGY.name), tmp_path)
    assert "chmod a+r" in str(caught.value.remedy)


def test_what_can_not_be_had_is_refused_in_one_line(command: Command, here: Path) -> None:
    wanted = [(MODEL_SIZE.name, "null has no model files")]
    if not rapl.find_packages():
        wanted.append((ENERGY.name, ENERGY.name))
    for name, problem in wanted:
        answer = command("explore", write_space(here, **{**NULL, "objectives": [name]}))
        assert answer.code == 2
        assert answer.out == ""
        (line,) = answer.err.splitlines()
        assert line.startswith(f"dse: {here / 'space.yaml'}:")
        assert problem in line
        assert "take" in line
        assert not (here / "studies").exists()


def test_batch_sizes_count_for_memory_and_not_for_the_other_costs(
    command: Command, here: Path
) -> None:
    for metric in (PEAK_MEMORY, LOAD_TIME, CPU_TIME):
        fields = {**NULL, "batch_sizes": [1, 2], "objectives": [metric.name]}
        space = write_space(here, metric.name, **fields)
        answer = command("explore", "--settle", 0, "--n-trials", 1, space)
        assert (answer.code == 0) == metric.batched
        assert ("has no effect" in answer.err) == (not metric.batched)


def test_a_real_model_with_costs_as_objective_and_constraint(command: Command, here: Path) -> None:
    models = ["mobilenet-v1-0.25-128", "mobilenet-v1-0.5-128"]
    real = {"models": models, "backends": ["onnxruntime"], "threads": 1, "batch_sizes": [1]}
    space = write_space(
        here,
        **real,
        objectives=[CPU_TIME.name, MODEL_SIZE.name, "accuracy_percent"],
        constraints={PEAK_MEMORY.name: {"max": 4096}},
    )
    explored = command.good("explore", "--settle", 0, space)
    # Accuracies are published, and each of the others is taken once of each model.
    assert command.counts("space") == (2, 0, 0, 6)
    points = command.frontier("space")["points"]
    assert {point["configuration"]["model"] for point in points} == set(models)
    for point in points:
        assert set(point["values"]) == {CPU_TIME.name, MODEL_SIZE.name, "accuracy_percent"}
    sizes = {p["configuration"]["model"]: p["values"][MODEL_SIZE.name] for p in points}
    for model, size_mib in sizes.items():
        (file,) = (here.parent / "cache").rglob(f"{model}*.onnx")
        assert size_mib * (1 << 20) == file.stat().st_size
    head = explored.out.splitlines()[0]
    assert all(words in head for words in ("CPU [ms]", "model [MiB]", "memory [MiB]"))
    table = pd.read_csv(io.StringIO(command.good("frontier", "space", "--csv").out))
    assert (table[PEAK_MEMORY.name] > 10).all()
    assert (table[LOAD_TIME.name] > 0).all()  # nobody asked for it
    assert LATENCY.name not in table.columns
    tight = {"constraints": {PEAK_MEMORY.name: {"max": 1}}, "objectives": [CPU_TIME.name]}
    write_space(here, **real, **tight)
    command.good("explore", "--settle", 0, space)
    assert command.frontier("space")["points"] == []
    assert len(list((here / "studies/space/runs").glob("*/"))) == 2  # all of it was known


def stored(here: Path, name: str) -> list[set[str]]:
    return [
        {measurement["metric"] for measurement in outcome["measurements"]}
        for outcome in attributes(here / f"studies/{name}/study.db", "outcome").values()
    ]


def test_costs_are_recorded_beside_and_ask_for_no_run(command: Command, here: Path) -> None:
    objectives = [LATENCY.name, THROUGHPUT.name]
    fields = {**NULL, "batch_sizes": [1, 2], "objectives": objectives}
    space = write_space(here, **fields)
    command.good("explore", "--settle", 0, space)
    beside = {PEAK_MEMORY.name, LOAD_TIME.name, CPU_TIME.name}
    beside |= {ENERGY.name} if rapl.find_packages() else set()
    assert stored(here, "space") == [{LATENCY.name, THROUGHPUT.name, *beside}] * 2
    assert command.counts("space") == (2, 0, 0, 3)
    runs = here / "studies/space/runs"
    assert len(list(runs.glob("*/"))) == 2
    forget(here / "studies/space/study.db", beside)
    before = outcomes(here / "studies/space/study.db")
    command.good("explore", "--settle", 0, space)
    assert outcomes(here / "studies/space/study.db") == before
    assert len(list(runs.glob("*/"))) == 2


def forget(database: Path, metrics: set[str]) -> None:
    """As in a study of a version that recorded none of them."""
    with closing(sqlite3.connect(database)) as connection, connection:
        for name in metrics:
            connection.execute(
                "DELETE FROM trial_user_attributes WHERE key = ?", (f"measurement:{name}",)
            )
        for trial, outcome in attributes(database, "outcome").items():
            kept = [m for m in outcome["measurements"] if m["metric"] not in metrics]
            connection.execute(
                "UPDATE trial_user_attributes SET value_json = ? WHERE trial_id = ? AND key = ?",
                (json.dumps({**outcome, "measurements": kept}), trial, "outcome"),
            )


def test_costs_from_a_table(command: Command, here: Path) -> None:
    """Only those asked for; energy is no estimate of this machine there."""
    table = write_table(here, models=["a"], threads=[1], batch_sizes=[1])
    text = table.read_text().replace("throughput_samples_per_s", ENERGY.name)
    table.write_text(text)
    fields = {"models": "a", "threads": 1, "batch_sizes": 1}
    command.good("explore", write_space(here, objectives=[ENERGY.name, LATENCY.name], **fields))
    assert stored(here, "space") == [{ENERGY.name, LATENCY.name}]
    found = command.frontier("space")
    assert found["objectives"][0]["estimate"] is True
    assert found["points"][0]["values"][ENERGY.name] == 100.0
    shown = command.good("frontier", "space").out
    assert "energy, estimate [mJ]" in shown
    assert "energy is an estimate" in shown
