"""Databases, storage URLs and disks that can't be used: one line, and nothing is lost."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.malformed import ACCURACY, IMAGE, WITH_MODELS
from tests.replays import outcomes

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commandline import Answer, Command

READERS = [["status", "kept"], ["frontier", "kept", "--json"]]
EXPLORE = ["explore", "kept.yaml", "--study", "kept"]
PASSWORD = "hunter2-!"  # noqa: S105


def check_one_line(answer: Answer, *words: str, code: int = 2) -> None:
    assert answer.code == code
    assert answer.out == ""
    assert len(answer.err.splitlines()) == 1
    assert answer.err.startswith("dse: ")
    for each in words:
        assert each in answer.err


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.mark.parametrize("share", [0.0004, 0.001, 0.1, 0.35, 0.5, 0.8, 0.999])
def test_a_truncated_database(command: Command, kept: Path, share: float) -> None:
    database = kept / "study.db"
    whole = database.read_bytes()
    database.write_bytes(whole[: int(len(whole) * share)])
    cut = sha256(database)
    for arguments in [*READERS, EXPLORE]:
        check_one_line(command(*arguments), "storage", "kept")
        assert sha256(database) == cut
    database.write_bytes(whole)
    assert command.counts("kept") == (4, 0, 0, 12)


def test_an_empty_database_is_one_that_was_just_made(command: Command, kept: Path) -> None:
    """SQLite makes the file before it writes into it: a kill in between leaves it empty."""
    (kept / "study.db").write_bytes(b"")
    check_one_line(command("status", "kept"), "holds no study")
    command.good(*EXPLORE, "--n-trials", 1)
    assert command.counts("kept") == (1, 0, 3, 3)


@pytest.mark.parametrize("content", ["another database", "text"])
def test_a_database_of_something_else(command: Command, kept: Path, content: str) -> None:
    database = kept / "study.db"
    database.unlink()
    if content == "text":
        database.write_text("my notes\n" * 100)
    else:
        with closing(sqlite3.connect(database)) as connection, connection:
            connection.execute("CREATE TABLE invoices (number INTEGER)")
            connection.execute("INSERT INTO invoices VALUES (42)")
    before = sha256(database)
    for arguments in [*READERS, EXPLORE]:
        check_one_line(command(*arguments), "study.db", "database")
        assert sha256(database) == before


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("my.db", ["'my.db' is not a storage URL"]),
        ("", ["'' is not a storage URL", "sqlite:///path"]),
        (f"mysql//me:{PASSWORD}@h/x", ["is not a storage URL"]),
        (f"mysql://me:{PASSWORD}@h:port/x", ["is not a storage URL"]),
        (f"oracel://me:{PASSWORD}@h/x", ["oracel://me:***@h/x", "SQLAlchemy does not know"]),
        (f"redis://me:{PASSWORD}@h/x", ["SQLAlchemy does not know"]),
        (f"mssql+pymssql://me:{PASSWORD}@h/x", ["driver", "me:***@h", "'pymssql'", "pip"]),
        (
            f"mysql+pymysql://me:{PASSWORD}@127.0.0.1:1/x",
            ["mysql+pymysql://me:***@127.0.0.1:1/x can't be used", "refused"],
        ),
        ("sqlite://", ["in memory"]),
        ("sqlite:////no/such/folder/x.db", ["unable to open database file"]),
        ("sqlite:///kept.yaml", ["kept.yaml can't be used", "not a database"]),
    ],
)
def test_a_storage_url_that_leads_nowhere(
    command: Command, kept: Path, here: Path, url: str, words: list[str]
) -> None:
    before = outcomes(kept / "study.db")
    space = sha256(here / "kept.yaml")
    answer = command("explore", "kept.yaml", "--study", "new", "--storage", url)
    check_one_line(answer, *words)
    assert PASSWORD not in answer.err
    check_one_line(command("status", "new"), "no study at studies/new")
    given = command(*EXPLORE, "--storage", url)
    check_one_line(given)
    assert PASSWORD not in given.err
    assert outcomes(kept / "study.db") == before
    assert sha256(here / "kept.yaml") == space


@pytest.mark.usefixtures("kept")
def test_another_storage_than_before(command: Command, here: Path) -> None:
    other = command(*EXPLORE, "--storage", "sqlite:///other.db")
    check_one_line(other, "study 'kept' is kept in ", "leave --storage out")
    assert not (here / "other.db").exists()
    elsewhere = ["explore", "kept.yaml", "--study", "e", "--n-trials", 1, "--storage"]
    command.good(*elsewhere, "sqlite:///one.db")
    check_one_line(command(*elsewhere, "sqlite:///two.db"), "is kept in sqlite:", "one.db; give")
    check_one_line(command("status", "e", "--storage", "sqlite:///two.db"), "one.db; give")
    assert not (here / "two.db").exists()
    (here / "studies/e/storage.url").write_text("")
    check_one_line(command("status", "e"), "'' is not a storage URL")
    assert command.counts("kept") == (4, 0, 0, 12)


def test_another_dataset_than_before(command: Command, here: Path) -> None:
    for name, content in {**WITH_MODELS, "s.yaml": ACCURACY}.items():
        (here / name).parent.mkdir(exist_ok=True)
        (here / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    for folder, label in (("one", "1"), ("two", "2")):
        (here / folder / label).mkdir(parents=True)
        (here / folder / label / "a.png").write_bytes(IMAGE)
    explore = ["explore", "s.yaml", "--models", "models"]
    command.good(*explore, "--dataset", "one")
    before = outcomes(here / "studies/s/study.db")
    refused = command(*explore, "--dataset", "two")
    check_one_line(refused, "has its qualities from data set", "give the same --dataset again")
    assert f"samples: {here / 'one'}, as before" in command.good(*explore).err
    (here / "studies/s/inputs.json").unlink()
    check_one_line(command(*explore), "not from published figures")
    assert outcomes(here / "studies/s/study.db") == before


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"system": {"cpu": "Another CPU"}}, ["belongs to another system: CPU: ", "--per-cpu"]),
        ({"system": {"memory_bytes": 2**60}}, ["memory in GiB: ", "1073741824 in the study"]),
        ({"runtimes": {"replay": "0"}}, ["was measured with replay 0; 1 is installed"]),
    ],
)
def test_a_study_of_another_machine(
    command: Command, kept: Path, changed: dict[str, Any], words: list[str]
) -> None:
    database = kept / "study.db"
    with closing(sqlite3.connect(database)) as connection, connection:
        query = "SELECT value_json FROM study_user_attributes WHERE key = 'dse:about'"
        about = json.loads(connection.execute(query).fetchone()[0])
        for name, values in changed.items():
            about[name] |= values
        update = "UPDATE study_user_attributes SET value_json = ? WHERE key = 'dse:about'"
        connection.execute(update, (json.dumps(about),))
    before = sha256(database)
    check_one_line(command(*EXPLORE), "study 'kept'", *words)
    assert sha256(database) == before
    assert command.counts("kept") == (4, 0, 0, 12)  # reading is good anywhere


def test_a_cache_that_is_a_file(
    command: Command, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "cache").write_text("a file")
    monkeypatch.setenv("DSE_CACHE_DIR", str(here / "cache"))
    answer = command("explore", "quickstart", "--n-trials", 1)
    assert answer.code == 1
    assert answer.last.startswith(f"dse: {here / 'cache'}")
    assert "DSE_CACHE_DIR" in answer.last
    assert "Traceback" not in answer.err
    assert (here / "cache").read_text() == "a file"
    monkeypatch.setenv("DSE_CACHE_DIR", str(here / "good"))
    assert command.counts("quickstart")[:2] == (0, 0)


def test_a_file_in_the_place_of_the_study(command: Command, kept: Path, here: Path) -> None:
    (here / "studies" / "taken").write_text("a file")
    taken = ["explore", "kept.yaml", "--study", "taken"]
    check_one_line(command(*taken), "studies/taken: the study folder can't be written")
    check_one_line(command("status", "taken"), "no study at studies/taken; there are kept")
    assert (here / "studies" / "taken").read_text() == "a file"
    assert kept.is_dir()
