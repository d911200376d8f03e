"""Files of questions: what is read, and what is refused in one line."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from dse.core.errors import RequestError
from dse.tasks.question_answering import _squad
from dse.tasks.question_answering._squad import open_dataset
from tests.answering import squad, write_questions

if TYPE_CHECKING:
    from pathlib import Path

FILE = "dev.json"
FINE = squad(("One two.", [("Which?", ["One", "two"]), ("What?", ["two"])]), ("", [("No?", ["x"])]))


def write(folder: Path, content: object) -> Path:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    (folder / FILE).write_bytes(data)
    return folder


def refusal(path: Path) -> str:
    with pytest.raises(RequestError) as caught:
        open_dataset(path)
    text = str(caught.value)
    assert "\n" not in text
    return text


def changed(way: list[str | int], value: Any) -> dict[str, Any]:
    """The fine file with another value somewhere; `None` takes it out."""
    found: Any = json.loads(json.dumps(FINE))
    here = found
    for key in way[:-1]:
        here = here[key]
    if value is None:
        del here[way[-1]]
    else:
        here[way[-1]] = value
    return dict(found)


def test_questions_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    found = open_dataset(write(tmp_path, FINE))
    assert found.paragraphs == ("One two.", "")
    assert [(one.text, one.paragraph, one.answers) for one in found.questions] == [
        ("Which?", 0, ("One", "two")),
        ("What?", 0, ("two",)),
        ("No?", 1, ("x",)),
    ]
    assert found.description == "3 questions on 2 paragraphs"
    assert (found.origin, len(found), found.notes) == (FILE, 3, ())


def test_the_file_itself_may_be_named(tmp_path: Path) -> None:
    write(tmp_path, FINE)
    (tmp_path / "other.json").write_text("{}")
    assert open_dataset(tmp_path / FILE).file == tmp_path / FILE
    assert "has 2 JSON files; name one of them" in refusal(tmp_path)


def test_a_folder_may_hold_further_files(tmp_path: Path) -> None:
    folder = write_questions(tmp_path / "data")
    (folder / "README.md").write_text("x")
    assert len(open_dataset(folder)) == 4


def test_further_fields_do_no_harm(tmp_path: Path) -> None:
    way: list[str | int] = ["data", 0, "paragraphs", 0, "qas", 0, "is_impossible"]
    assert len(open_dataset(write(tmp_path, changed(way, value=False)))) == 3


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", f"{FILE}:1: not valid JSON: Expecting value"),
        (b'{"data":\n[}', f"{FILE}:2: not valid JSON"),
        (b'\n\n"\xff"', f"{FILE}:3: not UTF-8"),
        (b"[" * 100_000, f"{FILE}: not valid JSON"),
        (b'{"data": NaN}', f"{FILE}: not valid JSON: NaN is not a number"),
        (b'{"data": ' + b"1" * 5000 + b"}", f"{FILE}: not valid JSON"),
        (b"[]", f"{FILE}: "),
        (b"{}", f"{FILE}: data: is missing"),
        (b'{"data": []}', f"{FILE}: data: expected at least 1 value"),
        (b'{"data": {"paragraphs": []}}', f"{FILE}: data: expected a list, not fields"),
        (squad(("text", [])), "has no questions"),
        (squad(("text", [("Which?", [])])), "data[0].paragraphs[0].qas[0].answers: expected"),
        (changed(["data", 0, "paragraphs", 1, "context"], None), "paragraphs[1].context: is miss"),
        (changed(["data", 0, "paragraphs", 1, "context"], 7), "[1].context: expected text, not 7"),
        (changed(["data", 0, "paragraphs", 0, "qas", 1, "id"], ""), "paragraphs[0].qas[1].id"),
        (
            changed(["data", 0, "paragraphs", 1, "qas", 0, "id"], "0.1"),
            "data[0].paragraphs[1].qas[0].id: '0.1' is the id of data[0].paragraphs[0].qas[1] as",
        ),
        (
            changed(["data", 0, "paragraphs", 0, "qas", 0, "answers", 1], {"text": ["x"]}),
            "qas[0].answers[1].text: expected text, not a list",
        ),
        (b'{"data": [{"paragraphs": [{"context": "\\ud800", "qas": []}]}]}', f"{FILE}: "),
    ],
)
def test_a_file_of_another_form_is_a_line(tmp_path: Path, content: object, told: str) -> None:
    text = refusal(write(tmp_path, content))
    assert told in text
    assert str(tmp_path / FILE) in text


def test_a_file_has_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, FINE)
    monkeypatch.setattr(_squad, "MAX_QUESTIONS", 2)
    assert "has over 2 questions" in refusal(tmp_path)
    monkeypatch.setattr(_squad, "MAX_BYTES", 1 << 20)
    write(tmp_path, b" " * ((1 << 20) + 1))
    assert "is larger than 1 MiB" in refusal(tmp_path)


def test_what_is_not_there_is_a_line(tmp_path: Path) -> None:
    assert "no such file or folder" in refusal(tmp_path / "nothing")
    assert "has no JSON file" in refusal(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_a_line(tmp_path: Path) -> None:
    write(tmp_path, FINE)
    (tmp_path / FILE).chmod(0)
    assert "can't be read" in refusal(tmp_path)
