"""From questions and paragraphs to the samples of a model, in a file that the worker reads.

They are those of MLPerf's reference, https://github.com/mlcommons/inference (language/bert),
2026-08: words by white space, tokens by WordPiece, windows for what a sample does not hold.
"""

from __future__ import annotations

import io
import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from dse.core.errors import RequestError
from dse.core.paths import cache_dir
from dse.core.requirements import Requirement
from dse.models import cache as file_cache
from dse.tasks.question_answering._files import read_text
from dse.tasks.question_answering._scoring import TokenisedParagraph, TokenisedQuestion, Truth
from dse.tasks.question_answering._texts import SPECIAL_TOKENS, split_tokens, split_words
from dse.tasks.question_answering._windows import MAX_QUESTION_TOKENS

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from dse.tasks.question_answering._form import QuestionForm
    from dse.tasks.question_answering._squad import Questions
    from dse.tasks.task import Progress

FEATURES_VERSION = 1
"""Raised with every change of what is in a file: files of older versions stay unused."""
MAX_TOKENS = 384 * 300_000
"""Bound of the tokens of all samples of a data set: they take 460 MB."""
MAX_VOCABULARY_BYTES = 8 << 20
NEEDED_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
MAX_WORD = 100
"""A word of more characters is an unknown one."""
_LIBRARY = Requirement("questions as a data set", ("tokenizers",), "question-answering")
_SPECIAL = re.compile("({})".format("|".join(map(re.escape, SPECIAL_TOKENS))))


def read_vocabulary(file: Path) -> list[str]:
    """The tokens of a vocabulary, one in each line; the number of a token is that of its line.

    Raises:
        RequestError: it can't be read, or is not one.
    """
    remedy = "give the vocab.txt of the model"
    text, _ = read_text(file, MAX_VOCABULARY_BYTES, remedy)
    tokens = [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")]
    seen: dict[str, int] = {}
    for number, token in enumerate(tokens, start=1):
        if token in seen:
            problem = f"'{token}' is in line {seen[token]} as well"
            raise RequestError(problem, file=file, line=number, remedy=remedy)
        seen[token] = number
    if missing := [token for token in NEEDED_TOKENS if token not in seen]:
        raise RequestError(f"has no token {missing[0]}", file=file, remedy=remedy)
    return tokens


class Tokeniser:
    """Makes tokens of texts.

    Args:
        vocabulary: the tokens, by their numbers.

    Raises:
        UnavailableError: the library that does it is not installed.
    """

    def __init__(self, vocabulary: list[str]) -> None:
        try:
            from tokenizers import Tokenizer
            from tokenizers.models import WordPiece
        except ImportError as error:
            raise _LIBRARY.error(error) from error
        self.numbers = {token: number for number, token in enumerate(vocabulary)}
        model = WordPiece(self.numbers, unk_token="[UNK]", max_input_chars_per_word=MAX_WORD)  # noqa: S106  # the token of words that are not known
        self._tokenizer = Tokenizer(model)

    def split(self, text: str) -> list[str]:
        """The tokens of a text."""
        return self._pieces(_split_special(text))[0]

    def split_paragraph(self, text: str) -> TokenisedParagraph:
        """The words of a paragraph, and the tokens of each of them."""
        words = split_words(text)
        parts, places = [], []
        for place, word in enumerate(words):
            own = _split_special(word)
            parts += own
            places += [place] * len(own)
        tokens, origins = self._pieces(parts)
        return TokenisedParagraph(words, tokens, [places[origin] for origin in origins])

    def _pieces(self, parts: list[str]) -> tuple[list[str], list[int]]:
        """The pieces of words and marks, and for each of them which of these it is of."""
        found = self._tokenizer.encode(parts, is_pretokenized=True, add_special_tokens=False)
        # None stands for a token that the library adds, and none is.
        return found.tokens, [origin for origin in found.word_ids if origin is not None]


def _split_special(text: str) -> list[str]:
    """Words and marks; tokens with a meaning of their own are such wherever they stand."""
    parts = _SPECIAL.split(text)
    return [
        token
        for number, part in enumerate(parts)
        for token in ([part] if number % 2 else split_tokens(_lower_each(part)))
    ]


def _lower_each(text: str) -> str:
    """A text in small letters, each by itself: a sigma at the end of a word is one like others."""
    return text.lower() if text.isascii() else "".join(char.lower() for char in text)


@dataclass(frozen=True, slots=True)
class Features:
    """The samples of a data set, in the order of its questions and of their windows.

    Attributes:
        ids: (samples, sequence length), the tokens of the question and of a window of its
            paragraph, filled up with zeros.
        ends: (samples, 2), where each of the two ends.
        truth: what answers are scored by.
    """

    ids: NDArray[np.int32]
    ends: NDArray[np.int32]
    truth: Truth

    def to_bytes(self) -> bytes:
        """A ``.npz`` file with these arrays; that of the truth holds the bytes of its text."""
        buffer, text = io.BytesIO(), self.truth.to_json().encode()
        np.savez(buffer, ids=self.ids, ends=self.ends, truth=np.frombuffer(text, np.uint8))
        return buffer.getvalue()


def feature_file(
    questions: Questions, form: QuestionForm, progress: Progress | None = None
) -> Path:
    """The file of a data set's samples in a form; it is made where it is not in the cache.

    Args:
        questions: the data set.
        form: has a vocabulary.
        progress: called with (done, total) while questions become tokens.

    Returns:
        See `Features.to_bytes`.

    Raises:
        RequestError: there is no vocabulary, or there are too many samples or none.
        DseError: the cache can't be written.
    """
    vocabulary = form.vocabulary
    if vocabulary is None:
        raise RequestError(
            "this backend reads no model, and so knows no vocabulary to read questions with",
            field="--dataset",
            remedy="leave it out, or take another backend",
        )

    def make() -> bytes:
        tokeniser = Tokeniser(read_vocabulary(vocabulary))
        return make_features(questions, tokeniser, form.sequence_length, progress).to_bytes()

    # Another version of Unicode may have other letters and marks.
    versions = f"{FEATURES_VERSION}-{unicodedata.unidata_version}"
    stem = f"{form.sequence_length}-{form.vocabulary_sha256[:32]}-{versions}"
    folder = cache_dir() / "datasets" / questions.fingerprint[:32]
    return file_cache.build(folder, stem, ".npz", make)[0]


def make_features(
    questions: Questions,
    tokeniser: Tokeniser,
    sequence_length: int,
    progress: Progress | None = None,
) -> Features:
    """The samples of a data set.

    Raises:
        RequestError: there are too many samples or none.
    """
    paragraphs = [tokeniser.split_paragraph(text) for text in questions.paragraphs]
    asked = []
    for question in questions.questions:
        asked.append(tokeniser.split(question.text)[:MAX_QUESTION_TOKENS])
        if progress is not None:
            progress(len(asked), len(questions))
    truth = Truth(
        sequence_length,
        paragraphs,
        [
            TokenisedQuestion(each.paragraph, len(tokens), each.answers)
            for each, tokens in zip(questions.questions, asked, strict=True)
        ],
    )
    _check_count(truth, questions.file)
    return Features(*_fill(truth, asked, tokeniser.numbers), truth)


def _check_count(truth: Truth, file: Path) -> None:
    if not truth.ends[-1]:
        raise RequestError("has no paragraph with words", file=file, remedy="give another file")
    if truth.ends[-1] > (most := MAX_TOKENS // truth.sequence_length):
        problem = f"its questions and paragraphs make {truth.ends[-1]:,} samples"
        remedy = f"use a part of it, of {most:,} samples at most"
        raise RequestError(problem, file=file, remedy=remedy)


def _fill(
    truth: Truth, asked: list[list[str]], numbers: dict[str, int]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The tokens of all samples, and where question and paragraph end in each."""
    ids = np.zeros((truth.ends[-1], truth.sequence_length), np.int32)
    ends = np.zeros((truth.ends[-1], 2), np.int32)
    first, separator = numbers["[CLS]"], numbers["[SEP]"]

    @cache
    def of_paragraph(index: int) -> NDArray[np.int32]:
        return np.array([numbers[token] for token in truth.paragraphs[index].tokens], np.int32)

    row = 0
    for question, tokens in zip(truth.questions, asked, strict=True):
        start = [first, *(numbers[token] for token in tokens), separator]
        for window in truth.windows(question):
            part = of_paragraph(question.paragraph)[window.start : window.end]
            used = [*start, *part.tolist(), separator]
            ids[row, : len(used)] = used
            ends[row] = len(start), len(used)
            row += 1
    return ids, ends
