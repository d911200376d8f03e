from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from dse.core.errors import RequestError
from dse.fleet._ledger import Ledger, Taken

if TYPE_CHECKING:
    from pathlib import Path

FAR = time.time() + 1e6


def taken(id_: str, node: str = "n", deadline: float = FAR) -> Taken:
    return Taken(id_, node, "f" * 12, (f"group of {id_}",), deadline)


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "assignments.jsonl"
    ledger = Ledger(file)
    for name in "abc":
        ledger.take(taken(name, f"node {name}"))
    ledger.give_back("a", "TIMEOUT")
    ledger.give_back("a", "twice")
    ledger.give_back_all("node c", "it is back")
    again = Ledger(file)
    assert again.open == ledger.open == {"b": taken("b", "node b")}
    assert again.groups("f" * 12) == {"group of b"}
    assert again.groups("0" * 12) == set()


@pytest.mark.parametrize("torn", [b'{"taken": {"id"', b"{", b"\xff\xfe", b'{"given_back": "a"}'])
def test_a_writer_may_be_killed_at_any_time(tmp_path: Path, torn: bytes) -> None:
    file = tmp_path / "assignments.jsonl"
    Ledger(file).take(taken("a"))
    with file.open("ab") as stream:
        stream.write(torn)
    ledger = Ledger(file)
    assert set(ledger.open) == {"a"}
    ledger.take(taken("b"))
    assert set(Ledger(file).open) == {"a", "b"}


@pytest.mark.parametrize(
    "line",
    [
        b'{"taken": {}}',
        b"[" * 50_000,
        b'{"taken": {"id": 5, "node": [], "fingerprint": {}, "groups": [], "deadline": "q"}}',
    ],
)
def test_damage_is_named(tmp_path: Path, line: bytes) -> None:
    file = tmp_path / "assignments.jsonl"
    Ledger(file).take(taken("a"))
    file.write_bytes(file.read_bytes() + line + b"\n")
    with pytest.raises(RequestError, match=r"assignments\.jsonl:2: is no assignment"):
        Ledger(file)


def test_what_is_overdue(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "assignments.jsonl")
    ledger.take(taken("late", deadline=0.0))
    ledger.take(taken("busy", deadline=0.0))
    ledger.take(taken("early"))
    assert [each.id for each in ledger.overdue({"busy"})] == ["late"]
