"""Errors a user meets: one line, and the exit code that belongs to it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.errors import DseError, RequestError, UnavailableError

TEXT = st.text(min_size=1)


def test_exit_codes() -> None:
    assert DseError("the disk is full").exit_code == 1
    assert RequestError("no such model").exit_code == 2
    assert UnavailableError("not installed").exit_code == 2
    assert issubclass(UnavailableError, RequestError)
    assert issubclass(RequestError, DseError)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (RequestError("no such model"), "no such model"),
        (RequestError("no such model", file="a.yaml"), "a.yaml: no such model"),
        (RequestError("no model", file=Path("a.yaml"), line=3), "a.yaml:3: no model"),
        (RequestError("no model", field="models"), "models: no model"),
        (RequestError("no model", remedy="name one"), "no model; name one"),
        (RequestError("two\nlines\tand  more"), "two lines and more"),
        (
            RequestError("0", file="a.yaml", line=3, field="backends.x.threads", remedy="use 1"),
            "a.yaml:3: backends.x.threads: 0; use 1",
        ),
        (RequestError("no", remedy="go", details=("a is", "b\nis")), "no: a is; b is; go"),
        # A line without a file says nothing.
        (RequestError("no model", line=3), "no model"),
    ],
)
def test_the_line(error: RequestError, line: str) -> None:
    assert str(error) == line


def test_the_headline_leaves_the_details_out() -> None:
    assert RequestError("no", remedy="go", details=("a", "b")).headline == "no; go"


@given(
    problem=TEXT,
    file=st.none() | TEXT,
    line=st.none() | st.integers(1),
    field=st.none() | TEXT,
    remedy=st.none() | TEXT,
)
def test_whatever_is_said_it_is_one_line(
    problem: str, file: str | None, line: int | None, field: str | None, remedy: str | None
) -> None:
    error = RequestError(problem, file=file, line=line, field=field, remedy=remedy)
    assert len(str(error).splitlines()) <= 1
    assert (error.problem, error.line, error.field, error.remedy) == (problem, line, field, remedy)
    for part in (problem, field, remedy):
        assert " ".join((part or "").split()) in str(error)
