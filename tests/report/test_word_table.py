"""A table keeps its words whole where it can, and never leaves any out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from dse.report.word_table import MIN_FOLDED, WordTable

COLUMNS = (("id", True), ("", False), ("model", False), ("p99 of 8 [ms]", True))
WORDS = st.text("abc-", min_size=1, max_size=12)
CELLS = st.lists(WORDS, max_size=3).map(" ".join)


def shown(rows: list[tuple[str, ...]], width: int) -> list[str]:
    table = WordTable(*COLUMNS)
    for row in rows:
        table.add_row(*row)
    plain = Console(width=width, color_system=None)
    with plain.capture() as captured:
        plain.print(table)
    return captured.get().splitlines()


ROW = ("1", "?", "mobilenet-v3 fp32", "123.456 ±>999%")


def test_where_there_is_room_a_row_is_a_line() -> None:
    assert shown([ROW], 60) == [
        f"id   model{'':14}p99 of 8 [ms]",
        " 1 ? mobilenet-v3 fp32 123.456 ±>999%",
    ]


def test_a_value_and_its_reach_stand_one_above_the_other() -> None:
    assert shown([ROW], 26) == [
        f"{'':18}p99 of 8",
        "id   model            [ms]",
        " 1 ? mobilenet-v3  123.456",
        f"     fp32{'':11}±>999%",
    ]


@given(st.lists(st.tuples(CELLS, CELLS), max_size=3), st.integers(40, 90))
def test_no_word_is_broken_or_left_out(cells: list[tuple[str, str]], width: int) -> None:
    lines = shown([("7", "", *each) for each in cells], width)
    assert max(map(len, lines)) <= width
    heading = [word for title, _ in COLUMNS for word in title.split()]
    told = [word for each in cells for text in ("7", *each) for word in text.split()]
    assert sorted(" ".join(lines).split()) == sorted([*heading, *told])


@pytest.mark.parametrize("width", [30, 60])
def test_a_word_that_no_terminal_has_room_for_is_folded(width: int) -> None:
    long = "x" * 99
    lines = shown([("1", "", long, "0.558 ±1%")], width)
    assert max(map(len, lines)) <= width
    assert "".join(lines).count("x") == len(long)
    assert max(map(len, lines)) >= MIN_FOLDED
