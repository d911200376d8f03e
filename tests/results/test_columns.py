"""The names of columns: a table says the same in those of the summary and in small letters."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from dse.results._columns import ACCURACY, COLUMNS, OTHER_NAMES, summary_names
from dse.results.read import read_table
from dse.tasks.question_answering._quality import F1
from tests.results.tables import BERT, write_bert

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

OFFICIAL = {**{name: name for name in BERT}, **OTHER_NAMES, "f1": ACCURACY}
CELLS = st.fixed_dictionaries(
    {
        "platform": st.sampled_from(["one", "two"]),
        "model_name": st.text("abc-", min_size=1, max_size=3),
        "f1": st.floats(0.5, 100).map(str),
        "sockets": st.sampled_from(["1", "2"]),
        "accelerators_per_node": st.sampled_from(["0", "1"]),
        "inferred": st.sampled_from(["0", "1"]),
    }
)


def test_small_letters_have_all_that_a_table_needs() -> None:
    assert set(COLUMNS) <= {*summary_names(BERT, F1).values(), *BERT}
    assert ACCURACY not in summary_names(BERT).values()


def test_a_column_that_is_there_is_not_replaced() -> None:
    assert summary_names(["f1", ACCURACY, "unit"], F1) == {"unit": "Units"}


@given(rows=st.lists(CELLS, min_size=1, max_size=5), order=st.permutations(list(BERT)))
def test_both_forms_of_a_table_say_the_same(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, str]], order: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("tables")
    small, official = folder / "small" / "t.csv", folder / "official" / "t.csv"
    for path in (small, official):
        path.parent.mkdir()
    write_bert(small, rows)
    _write(official, [BERT | row for row in rows], order)
    first, second = read_table(small), read_table(official)
    assert [_plain(each) for each in first] == [_plain(each) for each in second]


def _write(path: Path, rows: list[dict[str, str]], order: list[str]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow([OFFICIAL[name] for name in order])
        writer.writerows([[row[name] for name in order] for row in rows])


def _plain(system: Any) -> dict[str, Any]:
    """All of a system but for the path of its file."""
    return {name: getattr(system, name) for name in system.__slots__ if name != "origin"}
