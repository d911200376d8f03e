"""Databases where they are asked for, none of ours, or damaged."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import optuna
import pytest
import sqlalchemy

from dse.core.errors import DseError, RequestError
from dse.study.database_url import sqlite_url
from dse.study.folder import StudyFolder
from dse.study.revisions import distributions
from dse.study.storage import is_transient, open_storage, storage_errors
from dse.study.study import Study
from tests.replays import write_space, write_table
from tests.study.studies import about, create, fill, outcome, planned, small_space

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commandline import Command


LATER = """
import sys
from pathlib import Path
from dse.study.folder import StudyFolder
from dse.study.storage import load_storages
load_storages()
before = set(sys.modules)
from dse.study.study import Study
Study.load(StudyFolder(Path(sys.argv[1]))).close()
print({each.partition(".")[0] for each in set(sys.modules) - before})
"""


def test_what_reads_a_study_can_be_loaded_before(tmp_path: Path) -> None:
    create(StudyFolder(tmp_path / "s"), small_space()).close()
    command = [sys.executable, "-c", LATER, str(tmp_path / "s")]
    loaded = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "dse" in loaded
    assert not any(each in loaded for each in ("optuna", "sqlalchemy", "alembic"))


@pytest.mark.parametrize("name", ["a b", "50%", "a%41", "why?", "a#b", "a@b:c", "\xe4", "a+b", "'"])
def test_any_folder_can_hold_a_study(tmp_path: Path, name: str) -> None:
    folder = StudyFolder(tmp_path / name / "s")
    space = small_space()
    fill(create(folder, space), space, most=1)
    assert folder.database.exists()
    assert len(Study.load(folder).records) == 1
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_a_storage_elsewhere_is_remembered_and_found_from_anywhere(
    command: Command, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_table(here)
    space = write_space(here, models=["a"], threads=1)
    command.good("explore", space, "--study", "s", "--storage", "sqlite:///all.db", "--n-trials", 1)
    study = here / "studies" / "s"
    assert (study / "storage.url").read_text() == f"{sqlite_url(here / 'all.db')}\n"
    assert not (study / "study.db").exists()
    (here / "below").mkdir()
    monkeypatch.chdir(here / "below")
    assert command.counts(study) == (1, 0, 1, 3)
    command.good("explore", space, "--study", study)
    command.good("explore", space, "--study", study, "--storage", "sqlite:///../all.db")
    assert command.counts(study) == (2, 0, 0, 6)
    assert list((here / "below").iterdir()) == []


def test_a_folder_without_a_database_gets_none_by_reading(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "s")
    folder.create()
    folder.database.touch()
    with pytest.raises(RequestError, match="holds no study; begin one with `dse explore`"):
        Study.load(folder)
    assert folder.database.read_bytes() == b""


def test_two_studies_share_a_storage(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "all.db")
    space = small_space()
    for name, most in (("one", 2), ("two", 3)):
        fill(create(StudyFolder(tmp_path / name), space, url), space, most)
    for name, most in (("one", 2), ("two", 3)):
        assert len(Study.load(StudyFolder(tmp_path / name)).records) == most
    with pytest.raises(RequestError, match="holds no study 'three'; begin it with"):
        Study.load(StudyFolder(tmp_path / "three"), url)


@pytest.mark.parametrize("statement", ["CREATE TABLE mine (a)", "CREATE TABLE version_info (a)"])
def test_a_database_of_something_else_is_left_as_it_is(tmp_path: Path, statement: str) -> None:
    file = tmp_path / "study.db"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(statement)
    before = file.read_bytes()
    with pytest.raises(RequestError, match="is a database of something else"):
        open_storage(sqlite_url(file))
    assert file.read_bytes() == before


def test_an_optuna_study_of_another_hand_is_refused(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "theirs")
    folder.create()
    storage = open_storage(sqlite_url(folder.database))
    theirs = optuna.create_study(study_name="theirs", storage=storage)
    theirs.tell(theirs.ask(), 1.0)
    words = "'theirs' was not written by this program"
    with pytest.raises(RequestError, match=words):
        Study.load(folder)
    with pytest.raises(RequestError, match=words):
        create(folder, small_space())
    assert optuna.get_all_study_names(storage) == ["theirs"]


@pytest.mark.parametrize(
    ("table", "column", "text"),
    [
        ("trial_user_attributes", "value_json", "{"),
        ("trial_user_attributes", "value_json", "7"),
        ("trial_user_attributes", "value_json", "{}"),
        ("study_user_attributes", "value_json", "[1"),
        ("study_user_attributes", "value_json", "{}"),
        ("trial_params", "distribution_json", "nonsense"),
        ("trials", "state", "GONE"),
    ],
)
def test_damaged_text_is_told_in_one_line(
    tmp_path: Path, table: str, column: str, text: str
) -> None:
    folder = StudyFolder(tmp_path / "s")
    space = small_space()
    fill(create(folder, space), space, most=2)
    with closing(sqlite3.connect(folder.database)) as connection, connection:
        connection.execute(f"UPDATE {table} SET {column} = ?", (text,))  # noqa: S608
    before = folder.database.read_bytes()
    with pytest.raises(RequestError, match="'s'"):
        Study.load(folder)
    with pytest.raises(RequestError, match="'s'"):
        create(folder, space)
    assert folder.database.read_bytes() == before


def test_a_storage_that_fails_at_work_is_no_wrong_request(tmp_path: Path) -> None:
    space = small_space()
    study = create(StudyFolder(tmp_path / "s"), space)
    configuration = planned(space).configurations[0]
    trial = study.begin(configuration, distributions(planned(space)))
    with closing(sqlite3.connect(study.folder.database)) as connection, connection:
        connection.execute("DROP TABLE trial_user_attributes")
    words = "can't be used: no such table: trial_user_attributes"
    with pytest.raises(DseError, match=words) as caught:
        study.finish(trial, outcome(configuration))
    assert caught.value.exit_code == 1


def test_the_plan_is_of_the_space(tmp_path: Path) -> None:
    space = small_space()
    study = create(StudyFolder(tmp_path / "s"), space)
    assert study.about == about(space)
    assert study.about.planned == len(planned(space).configurations)
    assert study.space == space


def failure(path: Path, statement: str = "SELECT 1 FROM t") -> DseError:
    """What becomes of the error that SQLite itself raises for a statement."""
    engine = sqlalchemy.create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=0),
        poolclass=sqlalchemy.pool.NullPool,
    )
    with (
        pytest.raises(DseError) as caught,
        storage_errors(sqlite_url(path), at_work=True),
        engine.begin() as connection,
    ):
        connection.execute(sqlalchemy.text(statement))
    return caught.value


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE t (a)")
    return path


def test_what_is_gone_or_locked_may_pass(database: Path) -> None:
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert is_transient(failure(database))
    database.unlink()
    assert is_transient(failure(database))


def test_damage_does_not_pass(database: Path) -> None:
    assert not is_transient(failure(database, "SELECT 1 FROM u"))
    database.write_bytes(b"no database at all" * 100)
    assert not is_transient(failure(database))
    assert not is_transient(DseError("something else"))
