"""Makes a file of 10,570 questions with 10,833 samples of 384 tokens, as SQuAD's has, of a few.

    python -m tests.many_questions FEW.json VOCABULARY OUTPUT.json

The few questions are repeated under other ids. The first 263 of them are asked about several
paragraphs in one, which makes two samples each; all others make one. So a whole cycle of MLPerf's
rules can be run, whose F1 says nothing about SQuAD.
"""

from __future__ import annotations

import json
import sys
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dse.tasks.question_answering._features import Tokeniser, read_vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

QUESTIONS, SAMPLES = 10_570, 10_833
LEAST, MOST = 384, 490
"""Tokens of paragraphs joined: no sample holds them with a question, and two do."""
STEP = 7


def repeated(paragraphs: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The paragraphs again and again, each question with another id."""
    for number in count():
        for each in paragraphs:
            asked = [{**question, "id": f"{question['id']}-{number}"} for question in each["qas"]]
            yield {"context": each["context"], "qas": asked}


def joined(paragraphs: Sequence[dict[str, Any]], lengths: Sequence[int], first: int) -> str:
    """A long paragraph that begins with one of these."""
    text, total, index = paragraphs[first]["context"], lengths[first], first
    while total < LEAST:
        index = (index + STEP) % len(paragraphs)
        text, total = f"{text} {paragraphs[index]['context']}", total + lengths[index]
    assert total < MOST, "the paragraphs are too long"
    return str(text)


def make(few: Path, vocabulary: Path) -> dict[str, Any]:
    """The file's content.

    Args:
        few: a file in the format of SQuAD v1.1, with short paragraphs.
        vocabulary: of the model.
    """
    tokeniser = Tokeniser(read_vocabulary(vocabulary))
    articles = json.loads(few.read_text())["data"]
    paragraphs = [paragraph for article in articles for paragraph in article["paragraphs"]]
    lengths = [len(tokeniser.split(each["context"])) for each in paragraphs]
    asked = [(at, each) for at, one in enumerate(paragraphs) for each in one["qas"]]
    made = [
        {
            "context": joined(paragraphs, lengths, at),
            "qas": [{**question, "id": f"{question['id']}-joined"}],
        }
        for at, question in asked[: SAMPLES - QUESTIONS]
    ]
    left = QUESTIONS - len(made)
    for paragraph in repeated(paragraphs):
        made.append({**paragraph, "qas": paragraph["qas"][:left]})
        left -= len(made[-1]["qas"])
        if not left:
            return {"version": "1.1", "data": [{"title": "made", "paragraphs": made}]}
    raise AssertionError


if __name__ == "__main__":
    Path(sys.argv[3]).write_text(json.dumps(make(Path(sys.argv[1]), Path(sys.argv[2]))))
