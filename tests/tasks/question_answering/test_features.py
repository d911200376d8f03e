"""From questions to the tokens of samples."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from dse.core.errors import RequestError, UnavailableError
from dse.tasks.question_answering import _features
from dse.tasks.question_answering._features import (
    Tokeniser,
    feature_file,
    make_features,
    read_vocabulary,
)
from dse.tasks.question_answering._squad import open_dataset
from tests.answering import FORM, SAMPLES, TOKENS, VOCABULARY, squad, write_questions

if TYPE_CHECKING:
    from pathlib import Path

    from dse.tasks.question_answering._squad import Questions


@pytest.fixture(scope="module")
def tokeniser() -> Tokeniser:
    return Tokeniser(TOKENS)


@pytest.fixture
def questions(tmp_path: Path) -> Questions:
    return open_dataset(write_questions(tmp_path / "data"))


def asked(folder: Path, text: str, question: str = "What?") -> Questions:
    (folder / "one.json").write_text(json.dumps(squad((text, [(question, ["x"])]))))
    return open_dataset(folder / "one.json")


def test_words_become_pieces(tokeniser: Tokeniser) -> None:
    assert tokeniser.split("W17 born?") == ["w17", "born", "?"]
    assert tokeniser.split("ab w1x") == ["a", "##b", "w1", "##x"]
    assert tokeniser.split("\u2603 b\u2603") == ["[UNK]", "[UNK]"]
    assert tokeniser.split("a" * 100) == ["a"] + ["##a"] * 99
    assert tokeniser.split("a" * 101) == ["[UNK]"]
    assert tokeniser.split("x[SEP]y [sep]") == [
        "x",
        "[SEP]",
        "y",
        "[UNK]",
        "s",
        "##e",
        "##p",
        "[UNK]",
    ]
    assert tokeniser.split(" ") == []


def test_letters_become_small_each_by_itself() -> None:
    assert _features._split_special("\u03a3\u03a3 \u0130A") == ["\u03c3\u03c3", "ia"]


def test_each_token_knows_its_word(tokeniser: Tokeniser) -> None:
    found = tokeniser.split_paragraph("In  (w3), \u200b ab\u00a0c w4")
    assert found.words == ["In", "(w3),", "\u200b", "ab\u00a0c", "w4"]
    assert found.tokens == ["in", "(", "w3", ")", ",", "a", "##b", "c", "w4"]
    assert found.places == [0, 1, 1, 1, 1, 3, 3, 3, 4]


def test_a_sample_is_a_question_and_a_window(questions: Questions, tokeniser: Tokeniser) -> None:
    found = make_features(questions, tokeniser, FORM.sequence_length)
    ids, ends = found.ids, found.ends
    assert ids.shape == (SAMPLES, FORM.sequence_length)
    texts = [
        [TOKENS[number] for number in row[: end[1]]] for row, end in zip(ids, ends, strict=True)
    ]
    start = ["[CLS]", "w290", "w5", "?", "[SEP]"]
    assert texts[0] == [*start, *(f"w{n}" for n in range(30)), "[SEP]"]
    assert [text[2] for text in texts] == ["w5", "w20", *["w50"] * 3, *["w200"] * 3]
    assert [text[5] for text in texts[2:5]] == ["w40", "w162", "w284"]
    assert ends.tolist()[:2] == [[5, 36], [5, 36]]
    assert not ids[0, 36:].any()
    assert found.truth.ends == [1, 2, 5, 8]
    assert found.truth.questions[3].answers == ("W200.",)


def test_a_long_question_is_cut(tmp_path: Path, tokeniser: Tokeniser) -> None:
    words = " ".join(f"w{number}" for number in range(100))
    found = make_features(asked(tmp_path, words, words), tokeniser, 128)
    assert found.ends.tolist() == [[66, 128], [66, 106]]
    assert [TOKENS[number] for number in found.ids[1, 64:67]] == ["w63", "[SEP]", "w61"]


def test_progress_is_told_by_the_question(questions: Questions, tokeniser: Tokeniser) -> None:
    told: list[tuple[int, int]] = []
    make_features(questions, tokeniser, 128, lambda done, total: told.append((done, total)))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


@pytest.mark.parametrize("text", ["", " \u202f\n", "\u200b \0"])
def test_without_words_there_are_no_samples(
    text: str, tmp_path: Path, tokeniser: Tokeniser
) -> None:
    with pytest.raises(RequestError, match="has no paragraph with words"):
        make_features(asked(tmp_path, text), tokeniser, 128)


def test_samples_have_a_bound(
    questions: Questions, tokeniser: Tokeniser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_features, "MAX_TOKENS", 128 * SAMPLES - 1)
    with pytest.raises(RequestError, match=f"make {SAMPLES} samples; use a part of it, of 7"):
        make_features(questions, tokeniser, 128)


def test_a_file_is_made_once(questions: Questions, monkeypatch: pytest.MonkeyPatch) -> None:
    file = feature_file(questions, FORM)
    with np.load(file) as arrays:
        assert arrays["ids"].shape == (SAMPLES, FORM.sequence_length)
    other = feature_file(questions, replace(FORM, sequence_length=200))
    assert other != file
    monkeypatch.setattr(_features, "make_features", None)
    assert feature_file(questions, FORM) == file
    file.write_bytes(b"damaged")
    with pytest.raises(TypeError):  # it is made again
        feature_file(questions, FORM)


def test_a_vocabulary_is_needed(questions: Questions) -> None:
    with pytest.raises(RequestError, match="knows no vocabulary"):
        feature_file(questions, replace(FORM, vocabulary=None))


def test_the_library_is_named_where_it_is_missing(
    questions: Questions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(UnavailableError) as caught:
        feature_file(questions, FORM)
    assert "need tokenizers" in str(caught.value)
    assert "pip install 'mlperf-dse[question-answering]'" in str(caught.value)


def test_a_vocabulary_is_a_token_a_line(tmp_path: Path) -> None:
    assert read_vocabulary(VOCABULARY) == TOKENS
    (tmp_path / "v").write_bytes("\r\n".join([*TOKENS, ""]).encode())
    assert read_vocabulary(tmp_path / "v") == TOKENS


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"[PAD]\n[UNK]\n[CLS]\n", "has no token [SEP]"),
        (b"[PAD]\na\n[UNK]\na\n", "v:4: 'a' is in line 2 as well"),
        (b"[PAD]\n\xff\n", "v:2: not UTF-8"),
        (b"x" * ((8 << 20) + 1), "is larger than 8 MiB"),
    ],
)
def test_another_file_is_no_vocabulary(tmp_path: Path, data: bytes, told: str) -> None:
    (tmp_path / "v").write_bytes(data)
    with pytest.raises(RequestError) as caught:
        read_vocabulary(tmp_path / "v")
    assert told in str(caught.value)
    with pytest.raises(RequestError, match="can't be read"):
        read_vocabulary(tmp_path / "nothing")
