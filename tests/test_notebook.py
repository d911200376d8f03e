"""`dse.explore` and `dse.load_study`: the same as the commands, as a call and in tables."""

from __future__ import annotations

import inspect
import json
import logging
import math
import os
import re
import shutil
import signal
import threading
import time
from dataclasses import FrozenInstanceError, fields
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
import yaml

import dse
from dse.cli import run
from dse.cli.explore import explore
from dse.core.errors import RequestError
from dse.core.metrics import LATENCY, METRICS, THROUGHPUT
from dse.exploration.request import ExploreRequest
from dse.study._ownership import SIGN_EVERY_S
from dse.study.folder import StudyFolder
from dse.study.record import Purpose
from dse.study.revisions import distributions
from dse.tasks.image_classification._quality import ACCURACY
from tests.commandline import (
    Command,
    command,
    folder_in_memory,
    here,
    none_left,
    tmp_path,
    workers,
)
from tests.objectives import DEFAULT_OBJECTIVES
from tests.replays import write_space, write_table
from tests.study.studies import create, fill, planned, small_space

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["command", "here", "tmp_path"]


@pytest.fixture(scope="module")
def explored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a study of eight configurations, four of which have failed."""
    with folder_in_memory(tmp_path_factory) as folder, pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("DSE_CACHE_DIR", str(folder / "cache"))
        write_table(folder, models=("a", "b"), failing={"b": "does not run"})
        assert run(["explore", str(write_space(folder))]) == 0
        yield folder


@pytest.fixture
def replayed(explored: Path, here: Path) -> dse.LoadedStudy:
    """The study `explored` in the working folder."""
    shutil.copytree(explored / "studies", here / "studies")
    return dse.load_study("space")


def test_it_is_what_the_commands_tell(command: Command, replayed: dse.LoadedStudy) -> None:
    told = command.frontier("space")
    frontier = replayed.frontier
    assert list(frontier["id"]) == [point["id"] for point in told["points"]]
    for point, (_, row) in zip(told["points"], frontier.iterrows(), strict=True):
        assert (row["certain"], row["standing"]) == (point["certain"], point["standing"])
        for name, value in point["values"].items():
            assert row[name] == value
            interval = [row[bound] for bound in (f"{name}_low", f"{name}_high") if bound in row]
            assert interval == point["intervals"].get(name, [])
            assert row[f"{name}_source"] == "replayed"
    assert [m.name for m in replayed.objectives] == [o["name"] for o in told["objectives"]]
    assert replayed.system.fingerprint == told["system"]["fingerprint"]
    status = command.status("space")
    failed = replayed.configurations[replayed.configurations["failure"] != ""]
    assert failed["failure"].value_counts().to_dict() == status["failures"]
    assert set(failed["failure_message"]) == {"does not run"}
    assert len(replayed.measurements) == status["measurements_taken"]
    assert repr(replayed) == (
        f"study space on {replayed.system.cpu}: 4 configurations measured, 4 failed, "
        f"{len(frontier)} on the frontier"
    )


def test_the_answer_is_that_of_the_command(command: Command, replayed: dse.LoadedStudy) -> None:
    told = json.loads(command.good("pick", "space", "--min-accuracy", 41, "--json").out)
    assert replayed.pick(min_accuracy=41) == told
    assert replayed.pick(max_latency=0.001)["answer"] is None
    assert replayed.pick(min_accuracy="best-0.5", minimize="latency")["answer"] is not None
    with pytest.raises(RequestError, match="min_accuracy: 'good' is not a quality"):
        replayed.pick(min_accuracy="good")
    wrongs: dict[str, Any] = {"max_latency": "5ms", "sure": 500, "max_size": {}, "maximize": 3}
    for name, wrong in wrongs.items():
        with pytest.raises(RequestError, match=f"^`?{name}`?: expected "):
            replayed.pick(**{name: wrong})
    with pytest.raises(RequestError, match="`maximize` and `minimize` exclude each other"):
        replayed.pick(maximize="latency", minimize="latency")


def test_the_tables_fit_together(replayed: dse.LoadedStudy) -> None:
    table = replayed.configurations
    assert list(table["id"]) == sorted(table["id"])
    assert table["id"].is_unique
    assert set(replayed.frontier["id"]) <= set(table["id"])
    assert set(replayed.progress["id"]) == set(table["id"])
    taken = replayed.measurements
    assert set(taken["metric"]) == set(DEFAULT_OBJECTIVES)
    values = table.set_index("id")
    for _, row in taken.iterrows():
        assert row["value"] == values.loc[row["id"], row["metric"]]
        assert row["unit"] == METRICS[row["metric"]].unit
    assert set(taken["purpose"]) == {"explore"}
    assert set(taken["fidelity"]) == {"probe"}
    assert taken["time"].dtype.kind == "M"
    assert taken["time"].between("2020-01-01", pd.Timestamp.now()).all()
    assert (taken["host"] != "").all()
    assert replayed.progress["share"].iloc[-1] == 1.0
    assert replayed.progress["explored"].iloc[-1] == len(table)


def test_the_hypervolume_of_rows(replayed: dse.LoadedStudy) -> None:
    table = replayed.configurations
    whole = replayed.hypervolume()
    assert whole == replayed.progress["hypervolume"].iloc[-1] > 0
    assert replayed.hypervolume(table) == replayed.hypervolume(replayed.frontier) == whole
    assert replayed.hypervolume(replayed.measurements) == whole
    assert replayed.hypervolume(table[table["failure"] != ""]) == 0.0
    assert 0 < replayed.hypervolume(table[table["threads"] == 1]) < whole


def test_repetitions_are_rows_of_their_own(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "s")
    space = small_space(backends=["null"])
    study = create(folder, space)
    fill(study, space)
    (first, *_) = study.frontier()
    choices = distributions(planned(space))
    trial = study.begin(first.configuration, choices, Purpose.REPEAT)
    again = first.outcome.measurements[1]
    trial.unstored.since -= SIGN_EVERY_S  # a sign of life is due
    study.keep(trial, again)
    loaded = dse.load_study(folder.path)
    taken = loaded.measurements
    (row,) = taken[taken["purpose"] == "repeat"].to_dict("records")
    assert (row["id"], row["metric"], row["trial"]) == (first.id, LATENCY.name, trial.number)
    assert pd.isna(row["time"])  # its trial has not ended
    assert len(taken) == 3 * len(loaded.configurations) + 1


def test_what_the_space_no_longer_has_is_still_a_measurement(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "s")
    for models in (["a", "b"], ["a"]):
        space = small_space(models=models, backends=["null"])
        fill(create(folder, space), space)
    loaded = dse.load_study(str(folder.path))
    assert set(loaded.configurations["model"]) == {"a"}
    gone = loaded.measurements[loaded.measurements["id"].isna()]
    assert gone["configuration"].str.startswith("b ").all()
    assert len(gone) == len(loaded.measurements) // 2
    assert loaded.hypervolume(loaded.measurements) == loaded.hypervolume()
    assert set(loaded.progress["id"]) == set(loaded.configurations["id"])


def test_a_study_of_nothing_has_its_columns(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "s")
    create(folder, small_space())
    loaded = dse.load_study(folder.path)
    assert (len(loaded.configurations), len(loaded.measurements), len(loaded.progress)) == (0, 0, 0)
    assert {"id", ACCURACY.name, THROUGHPUT.name, "failure"} <= set(loaded.configurations.columns)
    assert {"certain", "standing"} <= set(loaded.frontier.columns)
    assert {"trial", "metric", "seconds", "time"} <= set(loaded.measurements.columns)
    assert {"measuring_s", "wall_s", "hypervolume", "share"} <= set(loaded.progress.columns)
    assert loaded.hypervolume() == 0.0


def test_it_is_frozen(replayed: dse.LoadedStudy) -> None:
    with pytest.raises(FrozenInstanceError):
        replayed.name = "other"  # type: ignore[misc]


def test_reading_changes_nothing(here: Path, replayed: dse.LoadedStudy) -> None:
    before = (here / "studies/space/study.db").read_bytes()
    assert dse.load_study(here / "studies/space").name == replayed.name
    assert (here / "studies/space/study.db").read_bytes() == before


def test_another_storage(here: Path, command: Command) -> None:
    write_table(here)
    url = f"sqlite:///{here}/elsewhere.db"
    command.good("explore", write_space(here), "--storage", url)
    assert len(dse.load_study("space", url).configurations) == 8
    with pytest.raises(RequestError, match="is kept in"):
        dse.load_study("space", f"sqlite:///{here}/other.db")


def test_no_such_study(here: Path) -> None:
    with pytest.raises(RequestError, match="no study at studies/nothing") as caught:
        dse.load_study("nothing")
    assert "\n" not in str(caught.value)
    (here / "studies/broken").mkdir(parents=True)
    (here / "studies/broken/study.db").write_text("not a database")
    with pytest.raises(RequestError, match="file is not a database"):
        dse.load_study("broken")


def test_the_package_offers_it() -> None:
    assert {"load_study", "__version__"} <= set(dir(dse))
    with pytest.raises(AttributeError, match="no attribute 'load_stduy'"):
        _ = dse.load_stduy


def test_values_are_numbers(replayed: dse.LoadedStudy) -> None:
    done = replayed.configurations[replayed.configurations["failure"] == ""]
    assert {str(done[name].dtype) for name in DEFAULT_OBJECTIVES} == {"float64"}
    assert json.loads(done.to_json(orient="records"))[0][ACCURACY.name] > 0


HANGING = {
    "models": ["a"],
    "backends": {"null": {"fault": ["refuse", "hang"]}},
    "threads": 1,
    "batch_sizes": 1,
    "objectives": ["latency_p90_ms"],
}


def test_exploring_is_a_call(
    here: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "dse")
    write_table(here, failing={"b": "does not run"})
    space = write_space(here)
    some = dse.explore(space, sampler="grid", n_trials=3, settle=0)
    assert len(some.configurations) == 3
    assert len([line for line in caplog.messages if line.startswith("explore: a fp32")]) == 3
    every = dse.explore(str(space), sampler="grid", stop_gain=0)
    assert (len(every.configurations), every.name) == (8, "space")
    assert any("unsupported: does not run" in line for line in caplog.messages)
    assert capfd.readouterr() == ("", "")  # nothing is printed
    stored = dse.load_study("space")
    pd.testing.assert_frame_equal(every.frontier, stored.frontier)
    pd.testing.assert_frame_equal(every.measurements, stored.measurements)


def test_a_space_is_a_name_or_what_a_file_holds(here: Path) -> None:
    write_table(here)
    content = yaml.safe_load(write_space(here, threads=1, batch_sizes=1).read_text())
    assert len(dse.explore(content, study="own").configurations) == 2
    (here / "search_spaces").mkdir()
    write_table(here / "search_spaces")
    write_space(here / "search_spaces", "named", threads=1)
    assert dse.explore("named", n_trials=1).name == "named"
    with pytest.raises(RequestError, match="a search space without a file has no name"):
        dse.explore(content)
    with pytest.raises(RequestError, match="no search space is called 'unknown'"):
        dse.explore("unknown")


def test_an_interrupt_ends_the_run_in_hand_and_the_next_call_goes_on(
    here: Path, request: pytest.FixtureRequest
) -> None:
    # A shell starts what runs in the background with SIGINT ignored; then Python leaves it so.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))

    def interrupt() -> None:
        while not workers(here):
            time.sleep(0.01)
        time.sleep(0.3)  # until the process is known here, too
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        dse.explore({**HANGING, "backends": {"null": {"fault": "hang"}}}, study="s")
    assert none_left(here)
    assert dse.load_study("s").configurations.empty
    resumed = dse.explore(HANGING, study="s", run_timeout=1.0)  # does not wait for the first trial
    assert set(resumed.configurations["failure"]) == {"unsupported", "timeout"}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"sampler": "best"}, "sampler: unknown sampler 'best'; known are grid, random"),
        ({"n_trials": 0}, "n_trials: expected at least 1, not 0"),
        ({"timeout": 0.0}, "timeout: expected more than 0, not 0"),
        ({"seed": -1}, "seed: expected at least 0, not -1"),
        ({"run_timeout": -1.0}, "run_timeout: expected more than 0, not -1"),
        ({"memory_limit": -1}, "memory_limit: expected at least 1, not -1"),
        ({"settle": -1.0}, "settle: expected at least 0, not -1"),
        ({"settle": "10m"}, "settle: expected a number, not '10m'"),
        ({"tie": 51}, "tie: expected 0 to 50, not 51"),
        ({"tie": math.nan}, "tie: expected 0 to 50, not nan"),
        ({"stop_gain": 101.0}, "stop_gain: expected 0 to 100, not 101"),
        ({"environment": {"A B": "1"}}, "environment: 'A B' is not the name of a variable"),
        ({"environment": {"A": 1}}, "environment: expected texts by name, not {'A': 1}"),
        ({"environment": ["A=1"]}, "environment: expected texts by name, not ['A=1']"),
        ({"n_trials": "3"}, "n_trials: expected a whole number, not '3'"),
        ({"n_trials": 2.5}, "n_trials: expected a whole number, not 2.5"),
        ({"timeout": "2h"}, "timeout: expected a number, not '2h'"),
        ({"seed": None}, "seed: expected a whole number, not None"),
        ({"memory_limit": "2G"}, "memory_limit: expected a whole number, not '2G'"),
        ({"warm_start": "other"}, "warm_start: expected several names, not 'other'"),
        ({"warm_start": 5}, "warm_start: expected several names, not 5"),
        ({"warm_start": [5]}, "warm_start: expected names, not 5"),
        ({"space": None}, "space: expected a file, a name or what a file holds, not None"),
        ({"space": 5}, "space: expected a file, a name or what a file holds, not 5"),
        ({"study": 5}, "study: expected a name or a folder, not 5"),
        ({"models": 5}, "models: expected a folder, not 5"),
        ({"dataset": b"x"}, "dataset: expected a folder, not b'x'"),
        ({"storage": 5}, "storage: expected a URL, not 5"),
        ({"storage": "foo://x"}, "storage foo://x is of a kind SQLAlchemy does not know"),
        ({"per_cpu": "yes"}, "per_cpu: expected True or False, not 'yes'"),
        ({"dataset": "x"}, "`dataset` measures top-1 accuracy, but the builtin models"),
        (
            {"sampler": "grid", "warm_start": ["x"]},
            (
                "warm_start: the sampler grid learns nothing from other systems; leave it out, or "
                "choose `sampler` frontier"
            ),
        ),
    ],
)
def test_a_wrong_argument_is_one_line(here: Path, arguments: dict[str, Any], problem: str) -> None:
    with pytest.raises(RequestError, match=f"^{re.escape(problem)}"):
        dse.explore(**{"space": HANGING, "study": "s", **arguments})
    assert [path for path in here.rglob("*") if path.name != "studies"] == []


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"study": 5}, "study: expected a name or a folder, not 5"),
        ({"study": "s", "storage": 5}, "storage: expected a URL, not 5"),
        (
            {"study": "s", "storage": "sqlite:///other.db"},
            "study 's' is kept in .*; leave `storage` out, or choose another study",
        ),
    ],
)
def test_a_wrong_argument_for_loading_is_one_line(
    here: Path, arguments: dict[str, Any], problem: str
) -> None:
    create(StudyFolder(here / "studies" / "s"), small_space())
    with pytest.raises(RequestError, match=f"^{problem}"):
        dse.load_study(**arguments)


def test_the_command_and_the_call_take_the_same() -> None:
    call = inspect.signature(dse.explore).parameters
    request = {field.name: field.default for field in fields(ExploreRequest)}
    del request["only"]  # for fleets, which divide the configurations
    assert set(call) == set(request) == {option.name for option in explore.params} - {"dry_run"}
    given = explore.make_context("explore", ["space"]).params
    for name in set(call) - {"space", "warm_start", "environment"}:
        assert call[name].default == request[name] == given[name], name
