"""A benchmark that was stopped goes on with what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.deciding.stored import append, lines, made, stored
from dse.core.errors import RequestError

if TYPE_CHECKING:
    from pathlib import Path


def test_only_what_is_missing_is_made(tmp_path: Path) -> None:
    def stopped(number: int, _: Path) -> dict[str, int]:
        if number == 3:
            raise KeyboardInterrupt
        return {"number": number}

    with pytest.raises(KeyboardInterrupt):
        made(tmp_path, 4, stopped)
    assert stored(tmp_path) == [{"number": 1}, {"number": 2}]
    numbers = []

    def going_on(number: int, _: Path) -> dict[str, int]:
        numbers.append(number)
        return {"number": 10 * number}

    found = made(tmp_path, 4, going_on)
    assert numbers == [3, 4]
    assert found == stored(tmp_path) == [{"number": n} for n in (1, 2, 30, 40)]


def test_a_line_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "rounds.jsonl"
    assert lines(file) == []
    append(file, {"n": 1})
    append(file, {"n": 2})
    file.write_bytes(file.read_bytes()[:-3])
    assert lines(file) == [{"n": 1}]
    append(file, {"n": 3})
    assert lines(file) == [{"n": 1}, {"n": 3}]


def test_a_file_that_is_not_json_is_named(tmp_path: Path) -> None:
    (tmp_path / "001.json").write_text("{")
    with pytest.raises(RequestError, match=r"001\.json: can't be read"):
        stored(tmp_path)
