"""A storage that goes away, is full, locked or read-only: waited for, and nothing is lost."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dse.study.folder import StudyFolder
from dse.study.study import Study
from tests.commandline import PATIENCE_S, read_until, start
from tests.replays import outcomes, taken, write_space, write_table
from tests.study.studies import create, small_space

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.commandline import Command

ROOT = Path(__file__).parents[2]
SIZES = list(range(1, 13))
SECOND = f"/{len(SIZES)} a fp32"
"""Words of a line of progress: the process goes on for a while after two of them."""
EXPLORE = ("explore", "--sampler", "grid")
DATABASE = "studies/space/study.db"
WAITS = "waiting for it, at most 300 s"


def write_study(here: Path) -> Path:
    write_table(here, ["a"], [1], SIZES)
    return write_space(here, models="a", threads=1, batch_sizes=SIZES)


def check_whole(command: Command, database: Path) -> None:
    assert command.counts(database.parent) == (len(SIZES), 0, 0, 3 * len(SIZES))
    assert set(taken(database).values()) == {1}
    assert len(outcomes(database)) == len(SIZES)


@contextmanager
def moved(path: Path) -> Iterator[None]:
    away = path.with_name(f"{path.name}-away")
    path.rename(away)
    try:
        yield
        assert not path.exists()  # nobody has made another one meanwhile
    finally:
        away.rename(path)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield
        connection.execute("ROLLBACK")


def test_a_database_that_is_moved_away_and_returns(command: Command, here: Path) -> None:
    space = write_study(here)
    with start(*EXPLORE, space) as process:
        assert read_until(process, SECOND, 2)
        with moved(here / DATABASE):
            assert read_until(process, WAITS)
        _, errors = process.communicate(timeout=3 * PATIENCE_S)
    assert process.returncode == 0, errors
    check_whole(command, here / DATABASE)


def test_an_interrupt_ends_the_waiting_and_the_next_start_has_everything(
    command: Command, here: Path
) -> None:
    space = write_study(here)
    with start(*EXPLORE, space) as process:
        assert read_until(process, SECOND, 2)
        with moved(here / DATABASE):
            assert read_until(process, WAITS)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert errors.splitlines()[-1] == "dse: interrupted; what was done is stored"
    assert "Traceback" not in errors
    command.good(*EXPLORE, space)
    check_whole(command, here / DATABASE)


def test_a_missing_database_is_not_begun_anew(command: Command, here: Path) -> None:
    space = write_study(here)
    command.good(*EXPLORE, space, "--n-trials", 1)
    with moved(here / DATABASE):
        answer = command(*EXPLORE, space)
        assert answer.code == 2
        assert "unable to open database file" in answer.last
    assert command.counts("space")[0] == 1


LEAVE = """
import logging, os, sys
from dataclasses import replace
from pathlib import Path
from dse.core.errors import DseError
from dse.study.folder import StudyFolder
from dse.study.revisions import distributions
from dse.core.retry import RetryPolicy
from tests.study.studies import create, outcome, planned, small_space

logging.basicConfig(stream=sys.stdout, format="%(message)s")
study, space = create(StudyFolder(Path("s")), small_space()), small_space()
study.retry_policy = RetryPolicy(max_seconds=0.2)
(configuration,) = planned(space).configurations[:1]
trial = study.begin(configuration, distributions(planned(space)))
run = f"{study.run_name(trial)}-1"
first, second, _ = (replace(m, run=run) for m in outcome(configuration).measurements)
study.keep(trial, first)
os.rename("s/study.db", "away")
study.keep(trial, second)
try:
    study.finish(trial, outcome(configuration))
except DseError as error:
    print("failed:", error, error.exit_code)
print(second.as_dict(), end="")
"""


def test_what_the_storage_never_got_is_taken_from_the_journal(here: Path) -> None:
    left = subprocess.run(
        [sys.executable, "-c", LEAVE],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    waits, failed, measurement = left.stdout.splitlines()
    assert "unable to open database file" in waits
    assert waits.endswith("; waiting for it, at most 0.2 s")
    assert failed.startswith("failed: storage sqlite:")
    assert failed.endswith(" 1")
    (here / "away").rename(here / "s" / "study.db")
    folder = StudyFolder(here / "s")
    assert len(list(Study.load(folder).results.measured)) == 0
    with (here / "s/runs/1-000000-1/measurements.jsonl").open("a") as journal:
        journal.write('{"session": "0", "measurem')  # and a line that a full disk cut short
    for _ in range(2):
        found = [each.measurement for each in create(folder, small_space()).results.measured]
        assert len(found) == 2
        assert str(found[1].as_dict()) == measurement


def test_a_database_that_another_program_locks(command: Command, here: Path) -> None:
    """For longer than SQLite itself waits: only that is set to less here."""
    space = write_study(here)
    code = (
        "from dse.study import storage; storage.LOCK_TIMEOUT_S = 0.1;"
        f"from dse.cli import main; main(['explore', '--sampler', 'grid', '{space.name}'])"
    )
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code], text=True, stderr=pipe) as process:
        assert read_until(process, SECOND, 2)
        with locked(here / DATABASE):
            assert read_until(process, WAITS)
        _, errors = process.communicate(timeout=3 * PATIENCE_S)
    assert process.returncode == 0, errors
    check_whole(command, here / DATABASE)


@pytest.fixture
def disk(here: Path) -> Iterator[Path]:
    """A small disk of its own, where this user may mount one."""
    folder = here / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this user may not mount a disk; the quota below is as good as a full one")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_disk_that_is_full_until_there_is_room_again(
    command: Command, here: Path, disk: Path
) -> None:
    space = write_study(here)
    study = disk / "space"
    with start(*EXPLORE, space, "--study", study) as process:
        assert read_until(process, SECOND, 2)
        filler = fill_up(disk)
        told = read_until(process, WAITS)
        filler.unlink()
        _, errors = process.communicate(timeout=3 * PATIENCE_S)
    if told:
        assert process.returncode == 0, errors
    else:  # it struck as the folder of a run was made: nothing waits for that
        assert process.returncode == 1
        command.good(*EXPLORE, space, "--study", study)
    check_whole(command, study / "study.db")


def fill_up(disk: Path) -> Path:
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue
    return filler


def test_a_disk_that_becomes_read_only_and_writable_again(
    command: Command, here: Path, disk: Path
) -> None:
    space = write_study(here)
    study = disk / "space"
    with start(*EXPLORE, space, "--study", study) as process:
        assert read_until(process, SECOND, 2)
        while subprocess.run(["mount", "-o", "remount,ro", disk], capture_output=True).returncode:
            assert process.poll() is None  # a file is being written: try again
        told = read_until(process, WAITS)
        subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
        _, errors = process.communicate(timeout=3 * PATIENCE_S)
    if told:
        assert process.returncode == 0, errors
    else:
        assert process.returncode == 1
        command.good(*EXPLORE, space, "--study", study)
    check_whole(command, study / "study.db")


def test_a_quota_that_is_reached(command: Command, here: Path) -> None:
    """As good as a full disk, and any user can set one."""
    space = write_study(here)
    command.good(*EXPLORE, space, "--n-trials", 3)
    before = outcomes(here / DATABASE)
    bound = (here / DATABASE).stat().st_size + 8192
    code = (
        f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({bound}, {bound}));"
        f"from dse.cli import main; main(['explore', '--sampler', 'grid', '{space.name}'])"
    )
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code], text=True, stderr=pipe) as process:
        assert read_until(process, WAITS)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130, errors
    assert before.items() <= outcomes(here / DATABASE).items()
    command.good(*EXPLORE, space)
    check_whole(command, here / DATABASE)
