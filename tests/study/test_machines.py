"""Several machines of one host name on one study, and machines that are gone or slower."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import uuid
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from dse.core.measurement import Measurement, Outcome, Source
from dse.core.metrics import LATENCY
from dse.exploration import _remeasuring
from dse.machine.process_identity import process_identity
from dse.report import running
from dse.report.health import health, machines
from dse.report.summary import status
from dse.study import _journal, _ownership
from dse.study.database_url import sqlite_url
from dse.study.folder import StudyFolder
from dse.study.record import Purpose
from dse.study.revisions import distributions
from dse.study.study import Study
from tests.commandline import PATIENCE_S
from tests.replays import write_space, write_table
from tests.study.studies import create, outcome, planned, small_space
from tests.study.test_recovery import leave

if TYPE_CHECKING:
    from pathlib import Path

    from tests.study.server import Server

SIZES = list(range(1, 201))
MACHINE = """
mount -t proc proc /proc && mount --bind boot /proc/sys/kernel/random/boot_id && exec "$@"
"""
APART = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", MACHINE, "sh")
"""Runs a command as on a machine of its own: with its own processes and its own boot."""


class Machine:
    """A folder with all that a machine has of its own, but for the host name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "temporary").mkdir(parents=True)
        (folder / "boot").write_text(f"{uuid.uuid4()}\n")
        write_table(folder, ["a"], [1], SIZES)
        write_space(folder, models="a", threads=1, batch_sizes=SIZES)

    def explore(self, url: str) -> subprocess.Popen[str]:
        words = ("explore", "space.yaml", "--sampler", "random", "--settle", "0")
        command = [*APART, sys.executable, "-m", "dse", *words, "--run-timeout", "1s"]
        own = {
            "TMPDIR": str(self.folder / "temporary"),
            "DSE_CACHE_DIR": str(self.folder / "cache"),
        }
        pipe = subprocess.PIPE
        return subprocess.Popen(
            [*command, "--storage", url],
            cwd=self.folder,
            env={**os.environ, **own},
            stdout=pipe,
            stderr=pipe,
            text=True,
        )


@pytest.fixture
def three(tmp_path: Path) -> list[Machine]:
    found = [Machine(tmp_path / name) for name in "abc"]
    if shutil.which("unshare") is None:
        pytest.skip("no unshare")
    if subprocess.run([*APART, "true"], cwd=found[0].folder, capture_output=True).returncode:
        pytest.skip("this user may not have processes apart from others")
    return found


def ended(process: subprocess.Popen[str]) -> None:
    _, errors = process.communicate(timeout=4 * PATIENCE_S)
    assert process.returncode == 0, errors


def stored(server: Server, database: str, key: str) -> list[Any]:
    tables = "SELECT to_regclass('trial_user_attributes') IS NOT NULL"
    if not server.execute(tables, database)[0][0]:
        return []
    query = f"SELECT value_json FROM trial_user_attributes WHERE key LIKE '{key}'"  # noqa: S608
    return [json.loads(text) for (text,) in server.execute(query, database)]


def check(server: Server, database: str) -> None:
    """Every configuration was measured by one machine, once, though all have one host name."""
    assert len(stored(server, database, "outcome")) == len(SIZES)
    taken = [(m["metric"], m["key"]) for m in stored(server, database, "measurement:%")]
    assert len(taken) == len(set(taken)) == 3 * len(SIZES)
    owners = stored(server, database, "owner")
    assert len({owner["host"] for owner in owners}) == 1
    assert len({owner["machine"] for owner in owners}) == 3


@pytest.mark.long
def test_three_machines_of_one_name_share_a_study(three: list[Machine], server: Server) -> None:
    database = server.new_database()
    with ExitStack() as stack:
        for process in [stack.enter_context(m.explore(server.url(database))) for m in three]:
            ended(process)
    check(server, database)
    states = server.execute("SELECT state FROM trials", database)
    assert {state for (state,) in states} == {"COMPLETE"}


@pytest.mark.long
def test_one_of_them_is_killed_and_comes_back(three: list[Machine], server: Server) -> None:
    database = server.new_database()
    url = server.url(database)
    with ExitStack() as stack:
        first, *others = [stack.enter_context(machine.explore(url)) for machine in three]
        owners: list[Any] = []
        while len({owner["machine"] for owner in owners}) < 3 or len(owners) < len(SIZES) // 2:
            assert first.poll() is None
            owners = stored(server, database, "owner")
        first.kill()
        first.communicate()
        for process in (stack.enter_context(three[0].explore(url)), *others):
            ended(process)
    check(server, database)


SPACE = small_space(objectives=[LATENCY.name], batch_sizes=1, backends={"null": {}})
PLAN = planned(SPACE)


def elsewhere(**changes: Any) -> dict[str, Any]:
    """The owner of a trial on a machine of the same name, which is another one."""
    other = {"boot": str(uuid.uuid4()), "machine": "0123456789abcdef"}
    return {**_ownership.owner("another", 3600.0), **other, **changes}


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    return StudyFolder(tmp_path / "s")


@pytest.fixture
def url(tmp_path: Path) -> str:
    return sqlite_url(tmp_path / "shared.db")


def test_the_other_of_two_machines_of_one_name_keeps_its_trial(
    folder: StudyFolder, url: str
) -> None:
    leave(folder, elsewhere(), url=url)
    study = create(folder, small_space(constraints={"latency_p90_ms": {"max": 30}}), url)
    assert len(study.claims()) == 1
    assert not study.optuna_study.trials[0].state.is_finished()


def test_a_machine_that_gives_no_sign_of_life_loses_its_claim(
    folder: StudyFolder, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its clock may be wrong, so what counts is how long it has been watched."""
    late = (datetime.now(UTC) - timedelta(minutes=30)).isoformat()
    leave(folder, elsewhere(lease_s=60.0, seen=late), url=url)
    study = create(folder, small_space(constraints={"latency_p90_ms": {"max": 30}}), url)
    assert len(study.claims()) == 1
    later = time.monotonic() + 61
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert study.claims() == []


@pytest.mark.parametrize("hours", [-3, 3])
def test_a_machine_with_a_wrong_clock_keeps_its_claim(
    folder: StudyFolder, url: str, hours: int
) -> None:
    """What is begun while others watch is new, whatever its time says."""
    watching = create(folder, small_space(constraints={"latency_p90_ms": {"max": 30}}), url)
    wrong = (datetime.now(UTC) + timedelta(hours=hours)).isoformat()
    leave(folder, elsewhere(lease_s=60.0, seen=wrong), url=url)
    watching.sync()
    assert len(watching.claims()) == 1


def test_a_boot_before_counts_as_ended_once_its_signs_stop(folder: StudyFolder, url: str) -> None:
    """Copies of a machine may be told apart by nothing but the boot."""
    rebooted = {**_ownership.owner("another", 60.0), "boot": str(uuid.uuid4())}
    leave(folder, rebooted, url=url)
    study = create(folder, small_space(constraints={"latency_p90_ms": {"max": 30}}), url)
    assert not study.optuna_study.trials[0].state.is_finished()
    late = (datetime.now(UTC) - timedelta(minutes=2)).isoformat()
    trial = study.optuna_study.get_trials()[0]
    trial.user_attrs["owner"] = {**rebooted, "seen": late}
    assert _ownership.is_orphaned(trial)


def test_what_a_machine_left_in_its_folder_is_not_lost(folder: StudyFolder, url: str) -> None:
    """A container that was removed comes again as another machine, with the same folder."""
    space = small_space(constraints={"latency_p90_ms": {"max": 30}})
    owner = elsewhere(lease_s=60.0)
    configuration = leave(folder, owner, url=url)
    measurement = replace(outcome(configuration).measurements[0], run="1-000000-1")
    _journal.append(folder.runs, owner["session"], measurement)
    study = create(folder, space, url)
    assert not study.optuna_study.trials[0].state.is_finished()
    late = (datetime.now(UTC) - timedelta(minutes=2)).isoformat()
    storage = study.optuna_study._storage
    storage.set_trial_user_attr(1, "owner", {**owner, "seen": late})
    study.sync()
    assert study.optuna_study.trials[0].state.is_finished()
    assert study.results.measured.all(measurement.key, "probe") == [measurement]


def test_status_says_whose_a_claim_is(folder: StudyFolder, url: str) -> None:
    seen = datetime.now(UTC) - timedelta(minutes=5)
    leave(folder, elsewhere(seen=seen.isoformat(), pid=4711), url=url)
    study = Study.load(folder, url)
    first, second = running.lines(study)
    assert first == f"claimed: {planned(small_space()).configurations[0]} (explore)"
    host = process_identity()["host"]
    assert second.startswith(f"  by {host} (012345), process 4711, since 20")
    assert second.endswith(", last sign of life 5 min ago")
    (told,) = status(study)["claims"]
    assert (told["machine"], told["pid"], told["claimed"]) == (f"{host} (012345)", 4711, True)
    gone = seen - timedelta(days=3)
    leave(folder, elsewhere(seen=gone.isoformat()), url=url)
    assert running.lines(Study.load(folder, url))[2].startswith("not ended, and free")


def note(study: Study, number: int, latency_ms: float, purpose: Purpose) -> None:
    configuration = PLAN.configurations[number]
    trial = study.begin(configuration, distributions(PLAN), purpose)
    measurement = Measurement(LATENCY.name, latency_ms, configuration.key, Source.MEASURED)
    study.keep(trial, measurement)
    study.finish(trial, Outcome((measurement,)))
    study.sync()


@pytest.fixture
def two(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Study, Study]:
    """One study on two machines that look the same; this process is the second one."""
    opened = []
    for name in "ab":
        monkeypatch.setenv("DSE_CACHE_DIR", str(tmp_path / name / "cache"))
        opened.append(create(StudyFolder(tmp_path / name / "s"), SPACE, url))
    return opened[0], opened[1]


def on(machine: Study, patch: pytest.MonkeyPatch) -> Study:
    patch.setenv("DSE_CACHE_DIR", str(machine.folder.path.parent / "cache"))
    machine.sync()
    return machine


def test_a_slower_machine_is_told_and_does_not_mix(
    two: tuple[Study, Study], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = two
    note(on(first, monkeypatch), 0, 2.0, Purpose.EXPLORE)
    note(on(first, monkeypatch), 0, 2.02, Purpose.ANCHOR)
    assert list(machines(first)) == []
    note(on(second, monkeypatch), 0, 14.1, Purpose.ANCHOR)
    assert list(machines(second)) == []  # it may have been an odd process
    assert _remeasuring.anchor_in_doubt(second.results)
    note(second, 0, 14.1, Purpose.ANCHOR)
    assert not _remeasuring.anchor_in_doubt(second.results)
    note(second, 1, 30.0, Purpose.EXPLORE)
    (line,) = machines(second)
    assert " is 7 times that of the study's first machine; " in line
    assert line in health(second)
    anchor, other = (second.records[PLAN.configurations[n].key] for n in (0, 1))
    assert anchor.outcome.values[LATENCY.name] == pytest.approx(2.01, rel=1e-3)  # without 14
    assert other.outcome.values[LATENCY.name] == 30.0  # nothing else is known
    assert [record.id for record in second.results.stale()] == [other.id]
    # The slower machine can't make it better, the first one can.
    assert _remeasuring.next_drifted(second.results) is None
    found = _remeasuring.next_drifted(on(first, monkeypatch).results)
    assert found is not None
    assert found[0].configuration == other.configuration
    note(first, 1, 4.0, Purpose.REPEAT)
    for study in (first, on(second, monkeypatch)):
        assert study.records[other.configuration.key].outcome.values[LATENCY.name] == 4.0
        assert study.results.stale() == []


def test_machines_of_one_speed_are_one(
    two: tuple[Study, Study], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = two
    note(on(first, monkeypatch), 0, 2.0, Purpose.EXPLORE)
    note(on(second, monkeypatch), 0, 2.2, Purpose.ANCHOR)
    assert not second.results.measured.deviations()
    found = second.records[PLAN.configurations[0].key].outcome.values
    assert found[LATENCY.name] == pytest.approx(2.1, rel=1e-2)
