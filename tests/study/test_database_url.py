"""Storage URLs: their forms, their drivers, and the secrets in them."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.errors import RequestError
from dse.study.database_url import (
    normalised,
    same_database,
    sqlite_url,
    with_driver,
    without_hidden,
    without_password,
)

if TYPE_CHECKING:
    from pathlib import Path

PASSWORDS = st.text("abcXYZ019!$*=-_.", min_size=12)


@given(PASSWORDS)
def test_a_password_is_hidden(password: str) -> None:
    shown = without_password(f"mysql+pymysql://me:{password}@example.org:3306/db")
    assert shown == "mysql+pymysql://me:***@example.org:3306/db"


@given(
    PASSWORDS,
    st.sampled_from(
        [
            "mysql//me:{}@h/x",
            "me:{}@h",
            "mysql://me:{}@h:port/x",
            "mysql:/me:{}@h/x",
            "://me:{}@",
            "mysql://me:{}@@h:1:2/x",
        ]
    ),
)
def test_a_password_is_hidden_in_what_is_no_url(password: str, form: str) -> None:
    with pytest.raises(RequestError) as caught:
        without_password(form.format(password))
    assert "is not a storage URL" in str(caught.value)
    assert password not in str(caught.value)


def test_paths_of_databases_become_absolute(here: Path) -> None:
    assert normalised("sqlite:///a.db") == sqlite_url(here / "a.db")
    assert normalised("sqlite:///x/../a.db") == sqlite_url(here / "a.db")
    assert normalised(f"sqlite:///{here}/a.db") == sqlite_url(here / "a.db")
    assert normalised("mysql://me:secret@h/a.db") == "mysql://me:secret@h/a.db"
    assert normalised("sqlite:///file:a.db?uri=true") == "sqlite:///file:a.db?uri=true"


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:///:memory:"])
def test_a_database_in_memory_would_keep_nothing(url: str) -> None:
    with pytest.raises(RequestError, match="in memory, which is lost at the end"):
        normalised(url)


@pytest.mark.parametrize("name", ["password", "passwd", "sslpassword", "PASSWORD", "token"])
def test_a_secret_parameter_is_hidden(name: str) -> None:
    shown = without_password(f"postgresql://me@h/d?connect_timeout=5&{name}=hunter2&passfile=a")
    assert "hunter2" not in shown
    assert f"{name}=***" in shown
    assert without_hidden(shown) == "postgresql://me@h/d?connect_timeout=5&passfile=a"


@pytest.mark.parametrize("password", ["p@ss", "p@s/s", "p@:x", "@", "a:b@c@d"])
def test_a_raw_at_in_a_password_is_told_with_its_remedy(password: str) -> None:
    url = f"postgresql://me:{password}@h/d"
    with pytest.raises(RequestError, match="more than one @; write %40 for each @") as caught:
        normalised(url)
    assert "'***@h/d'" in str(caught.value)


@pytest.mark.parametrize(
    ("given_url", "usual"),
    [
        ("postgres://me@h/d", "postgresql://me@h/d"),
        ("postgres+psycopg://me:x@h/d", "postgresql+psycopg://me:x@h/d"),
        ("mariadb://me@h/d", "mysql://me@h/d"),
        ("postgresql://me:p%40ss@h/d", "postgresql://me:p%40ss@h/d"),
    ],
)
def test_a_database_has_its_usual_name(given_url: str, usual: str) -> None:
    assert normalised(given_url) == usual


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("postgresql://me:***@h/d", "postgresql://me@h/d", True),
        ("postgresql://me:***@h/d", "postgres+psycopg2://me:new@h/d?sslmode=require", True),
        ("postgresql://me@h/d?password=***", "postgresql://me:x@h/d", True),
        ("postgresql://me@h/d", "postgresql://me@h/e", False),
        ("postgresql://me@h/d", "postgresql://me@h:5433/d", False),
        ("postgresql://me@h/d", "mysql://me@h/d", False),
        ("postgresql://me@h/d", "postgresql://me@h/d?options=-csearch_path%3Dx", False),
    ],
)
def test_what_leads_to_the_same_database(one: str, other: str, same: bool) -> None:
    assert same_database(one, other) == same


def test_the_driver_that_is_installed_is_found() -> None:
    assert with_driver("mysql://me@h/d") == "mysql+pymysql://me@h/d"
    assert with_driver("sqlite:////a.db") == "sqlite:////a.db"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql+mysqldb://me:x@h/d", "No module named 'MySQLdb'; .*leave .mysqldb out: pip"),
        ("postgresql+pg8000://me:x@h/d", r"me:\*\*\*@h/d is missing: .*mlperf-dse\[postgresql\]"),
        ("sqlite+aiosqlite:///a.db", "aiosqlite.*(missing|asynchronous)"),
        ("nothing://me:x@h/d", r"nothing://me:\*\*\*@h/d is of a kind SQLAlchemy does not know"),
    ],
)
def test_a_driver_that_is_missing_is_told_with_its_remedy(url: str, words: str) -> None:
    with pytest.raises(RequestError, match=words):
        with_driver(url)


def test_without_any_driver_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(RequestError, match=r"needs a driver; pip install 'mlperf-dse\[postgresql"):
        with_driver("postgresql://me@h/d")
