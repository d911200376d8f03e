"""Small questions with known answers, and a model that finds them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dse.core.checksums import sha256_of
from dse.tasks.question_answering._form import QuestionForm
from dse.tasks.question_answering._windows import cut

if TYPE_CHECKING:
    from numpy.typing import NDArray

VOCABULARY = Path(__file__).parent / "answering_vocabulary.txt"
"""Letters, some words, and the words w0 to w299, each of which is one token."""
TOKENS = VOCABULARY.read_text(encoding="utf-8").splitlines()
LENGTH = 128
FORM = QuestionForm(
    sequence_length=LENGTH,
    tokens=len(TOKENS),
    vocabulary=VOCABULARY,
    vocabulary_sha256=sha256_of(VOCABULARY),
)
PARAGRAPHS = (range(30), range(40, 290))
"""The words of each paragraph, by their numbers; the second one takes three windows."""
ASKED = ((0, 5), (0, 20), (1, 50), (1, 200))
"""For each question its paragraph and the word that answers it."""
SAMPLES = 8


def squad(*paragraphs: tuple[str, list[tuple[str, list[str]]]]) -> dict[str, Any]:
    """Paragraphs with questions and their answers in the form of SQuAD v1.1."""
    entries = [
        {
            "context": context,
            "qas": [
                {"id": f"{p}.{q}", "question": text, "answers": [{"text": one} for one in answers]}
                for q, (text, answers) in enumerate(asked)
            ],
        }
        for p, (context, asked) in enumerate(paragraphs)
    ]
    return {"version": "1.1", "data": [{"title": "made up", "paragraphs": entries}]}


def write_questions(folder: Path) -> Path:
    """Writes a data set of four questions and eight samples into a folder."""
    folder.mkdir(parents=True)
    found = squad(
        *(
            (
                " ".join(f"w{word}" for word in words),
                [(f"w290 w{answer}?", [f"W{answer}."]) for p, answer in ASKED if p == number],
            )
            for number, words in enumerate(PARAGRAPHS)
        )
    )
    (folder / "questions.json").write_text(json.dumps(found), encoding="utf-8")
    return folder


def right_logits(_: Path) -> tuple[NDArray[np.float32], ...]:
    """The logits of start and end of a model that finds all answers of `write_questions`."""
    rows = []
    for paragraph, answer in ASKED:
        place = PARAGRAPHS[paragraph].index(answer)
        for window in cut(len(PARAGRAPHS[paragraph]), 3, LENGTH):
            row = np.zeros(LENGTH, np.float32)
            if window.start <= place < window.end:
                row[5 + place - window.start] = 1
            rows.append(row)
    logits = np.array(rows)
    return logits, logits
