"""The journal of a run: whole lines count, once each, and only those of its own session."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.errors import DseError
from dse.core.measurement import Measurement, Source
from dse.core.metrics import LATENCY, THROUGHPUT
from dse.study import _journal

if TYPE_CHECKING:
    from pathlib import Path

FIRST = Measurement(LATENCY.name, 1.5, "k1", Source.MEASURED, run="1-000000-1")
SECOND = Measurement(THROUGHPUT.name, 7.0, "k2", Source.MEASURED, run="1-000000-1")
LATER = replace(SECOND, value=8.0, run="1-000000-2")


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    folder = tmp_path / "runs"
    folder.mkdir()
    return folder


def test_all_tries_of_a_run_in_their_order(runs: Path) -> None:
    for each in (FIRST, SECOND, replace(LATER, run="1-000001-1"), LATER):
        _journal.append(runs, "me", each)
    assert _journal.read(runs, "1-000000", "me") == [FIRST, SECOND, LATER]
    assert _journal.read(runs, "1-000002", "me") == []


def test_another_session_that_had_the_same_names_counts_for_nothing(runs: Path) -> None:
    _journal.append(runs, "before", FIRST)
    _journal.append(runs, "me", SECOND)
    assert _journal.read(runs, "1-000000", "me") == [SECOND]


def test_what_was_written_twice_counts_once(runs: Path) -> None:
    for _ in range(2):
        _journal.append(runs, "me", FIRST)
    assert _journal.read(runs, "1-000000", "me") == [FIRST]


@given(cut=st.integers(0, 400))
def test_a_line_that_was_cut_short_takes_no_other_along(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    runs = tmp_path_factory.mktemp("runs")
    _journal.append(runs, "me", FIRST)
    path = runs / FIRST.run / _journal.FILE
    whole = path.read_bytes()
    path.write_bytes(whole + whole[: min(cut, len(whole) - 2)])
    _journal.append(runs, "me", SECOND)
    assert _journal.read(runs, "1-000000", "me") == [FIRST, SECOND]


def test_folders_that_are_gone_are_not_made_again(runs: Path) -> None:
    runs.rename(runs.with_name("away"))
    with pytest.raises(DseError, match=r"measurements\.jsonl: can't be written: No such file"):
        _journal.append(runs, "me", FIRST)
    assert not runs.exists()
