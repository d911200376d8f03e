"""Where a study lies: names, paths, and which storage is its own."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.errors import RequestError
from dse.study.database_url import sqlite_url
from dse.study.folder import STUDIES, StudyFolder, existing_folder, study_folder
from tests.other_users import give_away, run_unprivileged
from tests.replays import write_space, write_table

if TYPE_CHECKING:
    from tests.commandline import Command

HOLD = """
import sys
from pathlib import Path
from dse.study.folder import StudyFolder
with StudyFolder(Path(sys.argv[1])).opening() as presence:
    print(presence.alone, flush=True)
    sys.stdin.readline()
print("opened", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("name", ["a", "Quick-start_1", "s@0123456789ab", "1.5", "a" * 100])
def test_a_name_is_a_folder_below_studies(here: Path, name: str) -> None:
    folder = study_folder(name)
    assert folder.path == STUDIES / name
    assert folder.name == name
    assert not (here / STUDIES).exists()


@pytest.mark.parametrize("path", ["./s", "x/s", "x/y/../s", "x/s/"])
def test_a_path_is_itself(path: str) -> None:
    assert study_folder(path).path == Path(path)
    assert study_folder(path).name == "s"


def test_here_and_above_are_called_by_their_names(here: Path) -> None:
    assert study_folder(".").path == here
    assert study_folder("..").name == here.parent.name


@pytest.mark.parametrize(
    "name",
    ["", "a b", "-a", ".hidden", "a" * 101, "\xe4", "a#2", "a/b c", "a\nb", "a/'; DROP", "a\0"],
)
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(RequestError, match="is not a study name; use letters, digits"):
        study_folder(name)


@given(st.text(max_size=8))
def test_a_folder_or_an_error_whatever_is_asked_for(name: str) -> None:
    with suppress(RequestError):
        assert study_folder(name).name


def test_a_study_is_found_by_name_by_folder_and_from_within(
    command: Command, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_table(here)
    write_space(here, models=["a"], threads=1, batch_sizes=1)
    command.good("explore", "space.yaml", "--study", "mine")
    names = ["mine", "studies/mine", here / "studies" / "mine", f"{here}/studies/../studies/mine/"]
    assert [command.status(name)["study"] for name in names] == ["mine"] * 4
    monkeypatch.chdir(here / "studies")
    assert command.status("mine")["study"] == "mine"
    monkeypatch.chdir(here / "studies" / "mine")
    assert command.status(".")["study"] == "mine"


def test_a_study_survives_a_new_name_of_its_folder(command: Command, here: Path) -> None:
    write_table(here)
    space = write_space(here, models=["a"], threads=1)
    command.good("explore", space, "--study", "before", "--n-trials", 1)
    (here / "studies" / "before").rename(here / "studies" / "after")
    assert command.status("after")["study"] == "after"
    assert command.counts("after") == (1, 0, 1, 3)
    command.good("explore", space, "--study", "after")
    assert command.counts("after") == (2, 0, 0, 6)


def test_the_studies_there_are_are_named(command: Command, here: Path) -> None:
    assert "begin one with `dse explore`" in command("status", "x").last
    for name in ("b", "a"):
        (here / "studies" / name).mkdir(parents=True)
    (here / "studies" / "a" / "study.db").touch()
    (here / "studies" / "b" / "storage.url").touch()
    (here / "studies" / "empty").mkdir()
    with pytest.raises(RequestError, match=r"no study at studies/x; there are a, b$"):
        existing_folder("x")
    with pytest.raises(RequestError, match="no study at studies/empty"):
        existing_folder("empty")


def test_the_folder_is_made_and_what_lies_in_it_stays(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "deep" / "s")
    folder.create()
    (folder.path / "notes.txt").write_text("mine")
    folder.create()
    assert sorted(p.name for p in folder.path.iterdir()) == ["notes.txt", "runs"]


@pytest.mark.parametrize("obstacle", ["s", "s/runs"])
def test_a_file_in_its_place_is_refused(tmp_path: Path, obstacle: str) -> None:
    folder = StudyFolder(tmp_path / "s")
    (tmp_path / obstacle).parent.mkdir(exist_ok=True)
    (tmp_path / obstacle).touch()
    with pytest.raises(RequestError, match="the study folder can't be written: ") as caught:
        folder.create()
    assert caught.value.file == folder.path


CREATE = """
import sys
from pathlib import Path
from dse.core.errors import RequestError
from dse.study.folder import StudyFolder
try:
    StudyFolder(Path(sys.argv[1])).create()
except RequestError as error:
    print(error)
"""


@pytest.mark.parametrize("left", ["study.db", ".lock", "runs"])
def test_what_another_user_has_left_is_told_at_once(tmp_path: Path, left: str) -> None:
    folder = StudyFolder(tmp_path / "s")
    folder.create()
    if left != "runs":
        (folder.path / left).touch()
    give_away(folder.path / left, 0o755)
    told = run_unprivileged("-c", CREATE, str(folder.path))
    assert told.stdout == (
        f"{folder.path}: the study folder can't be written: Permission denied, as "
        f"{folder.path / left} belongs to user 12345; choose another place, or make it yours: "
        f"sudo chown -R {os.geteuid()} {folder.path}\n"
    ), told.stderr


def test_studies_are_opened_one_by_one_and_know_whether_they_are_alone(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "s")
    folder.create()
    folder.database.touch()
    holder = [sys.executable, "-c", HOLD, str(folder.path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(holder, text=True, stdin=pipe, stdout=pipe) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == "True\n"
        with folder.lock.open() as lock, pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        print(file=other.stdin, flush=True)
        assert other.stdout.readline() == "opened\n"
        with folder.opening() as second, StudyFolder(tmp_path / "other").opening() as elsewhere:
            assert not second.alone
            assert elsewhere.alone
        other.kill()  # whatever becomes of it, the folder is free again
        other.wait()
    del second, elsewhere
    open_files = _open_files()
    for _ in range(2):
        with folder.opening() as presence:
            assert presence.alone
        del presence
    assert _open_files() == open_files


def _open_files() -> int:
    return len(list(Path("/dev/fd").iterdir()))


def test_the_storage_is_the_database_unless_another_was_given(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "s")
    folder.create()
    assert folder.storage_url(None) == sqlite_url(folder.database)
    folder.remember_storage(folder.storage_url(None))
    assert not folder.storage_file.exists()
    url = "mysql://me:secret@example.org/db"
    assert folder.storage_url(url) == url
    folder.remember_storage(url)
    assert folder.storage_file.read_text() == "mysql://me:***@example.org/db\n"
    assert folder.storage_url(url) == url
    assert folder.storage_url("mysql://me:changed@example.org/db").count("changed") == 1
    with pytest.raises(RequestError, match="needs its password; give the whole URL"):
        folder.storage_url(None)
    with pytest.raises(RequestError, match=r"is kept in mysql://me:\*\*\*@example.org/db"):
        folder.storage_url("mysql://me:secret@elsewhere.org/db")


def test_a_study_in_its_own_database_takes_no_other(here: Path) -> None:
    folder = StudyFolder(here / "s")
    folder.create()
    folder.database.touch()
    for same in (f"sqlite:///{folder.database}", "sqlite:///s/study.db"):
        assert folder.storage_url(same) == sqlite_url(folder.database)
    with pytest.raises(RequestError, match=r"study 's' is kept in .*/s/study.db; leave --storage"):
        folder.storage_url("sqlite:///other.db")


def test_several_may_make_the_same_folder_at_once(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "s")
    with ThreadPoolExecutor(4) as pool:
        for made in [pool.submit(folder.create) for _ in range(400)]:
            made.result()
    assert [path.name for path in folder.path.iterdir()] == ["runs"]
