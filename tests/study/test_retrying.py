"""Waiting for a storage: for what may pass, so long and no longer, and told once."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
import sqlalchemy

from dse.core.errors import DseError
from dse.study.retrying import Patience, passes
from dse.study.storage import sqlite_url, storage_errors

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


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
        assert passes(failure(database))
    database.unlink()
    assert passes(failure(database))


def test_damage_does_not_pass(database: Path) -> None:
    assert not passes(failure(database, "SELECT 1 FROM u"))
    database.write_bytes(b"no database at all" * 100)
    assert not passes(failure(database))
    assert not passes(DseError("something else"))


def failing(times: int) -> Callable[[], int]:
    tries = 0

    def work() -> int:
        nonlocal tries
        tries += 1
        if tries <= times:
            raise DseError("the disk is full") from OSError("full")
        return tries

    return work


def test_it_goes_on_as_soon_as_it_can_and_tells_once() -> None:
    said: list[str] = []
    assert Patience(say=said.append).attempt(failing(3)) == 4
    assert said == ["the disk is full; waiting for it, at most 300 s"]
    assert Patience(say=pytest.fail).attempt(failing(0)) == 1


def test_it_ends() -> None:
    with pytest.raises(DseError, match="the disk is full"):
        Patience(seconds=0.2).attempt(failing(10**9))


def test_an_interrupt_ends_it_at_once() -> None:
    said: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        Patience(say=said.append, stopped=lambda: bool(said)).attempt(failing(10**9))
