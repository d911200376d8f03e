"""From the outputs of a model to answers, and how good these are. Imports only numpy.

Everything is computed as MLPerf's scripts do it, to the last digit: the answer from the logits,
F1 and exact match. A response is the logits of one sample: float32, (sequence length, 2), those of
the start and of the end in turns.

Source: https://github.com/mlcommons/inference (language/bert), 2026-08; P. Rajpurkar et al., SQuAD:
100,000+ Questions for Machine Comprehension of Text, EMNLP 2016, for F1 and exact match.
"""

from __future__ import annotations

import json
import re
import string
from bisect import bisect_right
from collections import Counter
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from dse.core.wording import format_count
from dse.tasks.question_answering._texts import join_pieces, restore
from dse.tasks.question_answering._windows import count_windows, cut, has_most_context
from dse.tasks.task import Score

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from dse.tasks.question_answering._windows import Window

TRUTH_FILE = "questions.json"
"""What answers are scored by, beside the logs of an official accuracy run."""
CANDIDATES = 20
"""The number of likeliest starts, and of likeliest ends, that answers are made of."""
MAX_ANSWER_TOKENS = 30
NO_ANSWER = "empty"
"""What the scripts answer where no span of tokens can be an answer."""
RESAMPLED = 1000
"""How often questions are drawn with replacement for the interval."""
BYTES_PER_TOKEN = 8
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_NO_MARKS = str.maketrans("", "", string.punctuation)


@dataclass(frozen=True, slots=True)
class TokenisedParagraph:
    """A paragraph as written, and as tokens.

    Attributes:
        words: as written.
        tokens: pieces of the words.
        places: for each token the index of its word.
    """

    words: Sequence[str]
    tokens: Sequence[str]
    places: Sequence[int]


@dataclass(frozen=True, slots=True)
class TokenisedQuestion:
    """A question, as far as scoring needs it.

    Attributes:
        paragraph: index of its paragraph.
        tokens: how many the question has, without what was cut off.
        answers: the right ones, at least one.
    """

    paragraph: int
    tokens: int
    answers: Sequence[str]


@dataclass(frozen=True)
class Truth:
    """What answers are scored by: the questions of a data set, in the order of the samples.

    Attributes:
        sequence_length: tokens of a sample.
        paragraphs: that the questions are about.
        questions: each with a sample for each window of its paragraph.
    """

    sequence_length: int
    paragraphs: Sequence[TokenisedParagraph]
    questions: Sequence[TokenisedQuestion]

    def to_json(self) -> str:
        """The inverse of `from_json`."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Reads what `to_json` wrote.

        Raises:
            ValueError: it is something else.
        """
        try:
            data = json.loads(text)
            paragraphs = [TokenisedParagraph(**each) for each in data["paragraphs"]]
            questions = [TokenisedQuestion(**each) for each in data["questions"]]
            return cls(data["sequence_length"], paragraphs, questions)
        except (KeyError, TypeError, RecursionError) as error:
            raise ValueError(f"not the questions of an accuracy run: {error}") from error

    def windows(self, question: TokenisedQuestion) -> list[Window]:
        """The windows of a question's paragraph, each of which is a sample."""
        return cut(*self._sizes(question))

    @cached_property
    def ends(self) -> list[int]:
        """For each question the number of samples of it and of those before it."""
        return list(accumulate(count_windows(*self._sizes(each)) for each in self.questions))

    def _sizes(self, question: TokenisedQuestion) -> tuple[int, int, int]:
        tokens = len(self.paragraphs[question.paragraph].tokens)
        return tokens, question.tokens, self.sequence_length


def score_responses(truth: Truth, responses: Mapping[int, bytes], count: int) -> Score:
    """The mean F1 of the answers to all questions whose samples are among the first ones.

    Where not even the first question is complete, it is scored by the samples that are there.

    Args:
        truth: what the answers are scored by.
        responses: by the index of the sample.
        count: the number of samples.

    Returns:
        F1 in percent. The details hold ``exact_match`` in percent and ``total``, the number of
        questions; ``right`` tells which answers match exactly. The interval is that of the
        percentile bootstrap over questions; None where they all score the same.

    Raises:
        ValueError: a response can't be read, or they do not cover these samples.
    """
    if set(responses) != set(range(count)) or not 0 < count <= truth.ends[-1]:
        raise ValueError(
            f"the accuracy log covers {format_count(len(responses), 'sample')}, not the first "
            f"{count} of {truth.ends[-1]}"
        )
    complete = max(1, sum(end <= count for end in truth.ends))
    return _score(truth, responses, range(complete))


def score_part(truth: Truth, responses: Mapping[int, bytes]) -> Score:
    """The same of all questions of which a sample was answered.

    Raises:
        ValueError: there is no response, one can't be read or is of no sample.
    """
    if not responses or not 0 <= min(responses) <= max(responses) < truth.ends[-1]:
        raise ValueError(f"the accuracy log is not of {truth.ends[-1]} samples")
    asked = sorted({bisect_right(truth.ends, index) for index in responses})
    return _score(truth, responses, asked)


def _score(truth: Truth, responses: Mapping[int, bytes], asked: Sequence[int]) -> Score:
    """The mean F1 of the answers to the questions with these numbers, at least one."""
    f1, right, added = [], [], 0.0
    for number in asked:
        question = truth.questions[number]
        found = find_answer(truth, question, truth.ends[number], responses)
        f1.append(max(_compute_f1(found, each) for each in question.answers))
        right.append(any(_normalise(found) == _normalise(each) for each in question.answers))
        # One by one, as the scripts do it: `sum` rounds otherwise in newer versions of Python.
        added += f1[-1]
    total = len(asked)
    value, exact_match = 100.0 * added / total, 100.0 * sum(right) / total
    details = {"exact_match": exact_match, "total": total}
    return Score(value, _resample(np.array(f1), value), details, right)


def find_answer(
    truth: Truth, question: TokenisedQuestion, end: int, responses: Mapping[int, bytes]
) -> str:
    """The likeliest answer to a question in all its windows; the first of equally likely ones.

    Args:
        truth: has the paragraph.
        question: what is asked.
        end: the sample after the question's last one.
        responses: by the index of the sample; a sample without any counts for nothing.

    Raises:
        ValueError: a response can't be read.
    """
    windows, paragraph = truth.windows(question), truth.paragraphs[question.paragraph]
    best, span = -np.inf, None
    for index, window in enumerate(windows):
        response = responses.get(end - len(windows) + index)
        if response is None:
            continue
        logits = _decode(response, truth.sequence_length)
        most = has_most_context(windows, index)
        score, first, last = _best_span(logits, question.tokens + 2, most)
        if score > best:
            best, span = score, (window.start + first, window.start + last + 1)
    if span is None:
        return NO_ANSWER
    start, stop = span
    original = paragraph.words[paragraph.places[start] : paragraph.places[stop - 1] + 1]
    return restore(join_pieces(paragraph.tokens[start:stop]), " ".join(original))


def _best_span(
    logits: NDArray[np.float64], offset: int, most: NDArray[np.bool_]
) -> tuple[float, int, int]:
    """The likeliest span of tokens in a window.

    Args:
        logits: (sequence length, 2).
        offset: where the window's tokens begin in the sample.
        most: for which of them the window has the most context.

    Returns:
        The sum of the logits, minus infinity where no span can be an answer; the first and the last
        token, in the window.
    """
    starts, ends = (np.argsort(-logits[:, column], kind="stable")[:CANDIDATES] for column in (0, 1))
    scores = logits[starts, 0][:, None] + logits[ends, 1][None, :]
    first, last = starts[:, None] - offset, ends[None, :] - offset
    inside = (first >= 0) & (last < len(most)) & (first <= last)
    allowed = inside & (last - first < MAX_ANSWER_TOKENS)
    allowed &= most[np.clip(first, 0, len(most) - 1)]
    scores = np.where(allowed, scores, -np.inf)
    row, column = np.unravel_index(int(scores.argmax()), scores.shape)
    return float(scores[row, column]), int(first[row, 0]), int(last[0, column])


def _decode(response: bytes, sequence_length: int) -> NDArray[np.float64]:
    """The logits of a response, (sequence length, 2).

    Raises:
        ValueError: it has another length, or holds something else than finite numbers.
    """
    if len(response) != BYTES_PER_TOKEN * sequence_length:
        found = format_count(len(response), "byte")
        raise ValueError(f"a response has {found}, not {BYTES_PER_TOKEN * sequence_length:,}")
    logits = np.frombuffer(response, "<f4").reshape(-1, 2).astype(np.float64)
    if not np.isfinite(logits).all():
        raise ValueError("a response holds numbers that are not finite")
    return logits


def find_faults(responses: Mapping[int, bytes]) -> Iterator[str]:
    """What is wrong with responses, a line for each kind of fault.

    Raises:
        ValueError: a response is not logits at all.
    """
    lengths = Counter(len(response) for response in responses.values())
    if any(length == 0 or length % BYTES_PER_TOKEN for length in lengths):
        raise ValueError("a response in the accuracy log holds no logits of start and end")
    if len(lengths) > 1:
        yield f"responses of {len(lengths)} different lengths in the accuracy log"
    wrong = sum(not np.isfinite(np.frombuffer(r, "<f4")).all() for r in responses.values())
    if wrong:
        yield f"not finite in the accuracy log: {format_count(wrong, 'response')}"


def _normalise(text: str) -> str:
    """A text in small letters without punctuation, articles and further white space."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_NO_MARKS)).split())


def _compute_f1(found: str, right: str) -> float:
    """How many words two texts share, as the harmonic mean of precision and recall."""
    words, others = _normalise(found).split(), _normalise(right).split()
    shared = sum((Counter(words) & Counter(others)).values())
    if not shared:
        return 0.0
    precision, recall = shared / len(words), shared / len(others)
    return 2 * precision * recall / (precision + recall)


def _resample(f1: NDArray[Any], value: float) -> tuple[float, float] | None:
    """The interval (95 %) of the percentile bootstrap; the same for the same scores.

    Source: B. Efron and R. J. Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.
    """
    if (f1 == f1[0]).all():
        return None
    generator, count = np.random.PCG64(0), np.uint64(len(f1))
    # The generator's raw bits, whose stream numpy guarantees, unlike that of its distributions.
    means = [f1[generator.random_raw(len(f1)) % count].mean() for _ in range(RESAMPLED)]
    low, high = np.percentile(means, (2.5, 97.5)).tolist()
    return min(value, 100 * low), max(value, 100 * high)
