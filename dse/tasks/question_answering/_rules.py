"""What submissions, and MLPerf's checkers of them, ask of the answers to questions.

Source: https://github.com/mlcommons/inference (accuracy script, submission checker), 2026-08.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dse.tasks.question_answering._scoring import TRUTH_FILE, Truth, score_part, score_responses
from dse.tasks.task import Score

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_NUMBER = r"([0-9]{1,3}(?:\.[0-9]{1,20})?)"
_SCORE = re.compile(rf'^{{"exact_match": {_NUMBER}, "f1": {_NUMBER}}}', re.MULTILINE)
"""The last line of what MLPerf's accuracy script writes; others may come before it."""


def score(responses: Mapping[int, bytes], folder: Path) -> Score:
    """The F1 of logged answers, computed again by the right ones beside the logs.

    Of a part of the samples, those questions count of which one was answered.

    Raises:
        OSError, ValueError: the right answers can't be read, or do not fit.
    """
    truth = Truth.from_json((folder / TRUTH_FILE).read_bytes())
    if set(responses) != set(range(len(responses))):
        return score_part(truth, responses)
    return score_responses(truth, responses, len(responses))


def accuracy_text(score: Score, sha256: str) -> str:
    """The text of ``accuracy.txt``, as MLPerf's own script and the truncation leave it.

    The details of the score hold ``exact_match``; the hash is of the whole accuracy log.
    """
    exact_match, f1 = float(score.details["exact_match"]), float(score.value)
    return f'{{"exact_match": {exact_match!r}, "f1": {f1!r}}}\n\nhash={sha256}\n'


def read_accuracy(text: str) -> Score:
    """What an ``accuracy.txt`` says; it does not tell the number of questions.

    Raises:
        ValueError: it has another form.
    """
    match = _SCORE.search(text)
    exact_match, f1 = (float(match[1]), float(match[2])) if match else (0.0, 0.0)
    if not 0 < f1 <= 100:
        raise ValueError('has no F1 of the form {"exact_match": …, "f1": …}')
    return Score(f1, details={"exact_match": exact_match})
