"""A data set of questions in the form of SQuAD v1.1, identified by its content.

Its file is not trusted: it has bounds, and what is wrong in it is named by the way to it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from pydantic import BaseModel, ConfigDict, Field

from dse.config import yaml_reader
from dse.core.errors import RequestError
from dse.core.wording import format_count
from dse.tasks.question_answering._files import read_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_BYTES = 64 << 20
"""Bound of a file; the training set of SQuAD v1.1 takes 30 MB."""
MAX_QUESTIONS = 300_000
_FORM = "give a file in the form of SQuAD v1.1, such as dev-v1.1.json"


class _Part(BaseModel):
    """A mapping that has these fields; others are not looked at."""

    model_config = ConfigDict(frozen=True, strict=True)


class _AnswerPart(_Part):
    text: str


class _QuestionPart(_Part):
    id: str = Field(min_length=1)
    question: str
    answers: tuple[_AnswerPart, ...] = Field(min_length=1)


class _ParagraphPart(_Part):
    context: str
    qas: tuple[_QuestionPart, ...]


class _ArticlePart(_Part):
    paragraphs: tuple[_ParagraphPart, ...]


class _SquadFile(_Part):
    data: tuple[_ArticlePart, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a paragraph.

    Attributes:
        text: the question.
        paragraph: index of the paragraph.
        answers: the right ones, at least one.
    """

    text: str
    paragraph: int
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Questions:
    """Questions with their right answers; see `dse.tasks.task.Dataset`.

    Attributes:
        file: they come from, absolute.
        paragraphs: the texts that they are about.
        questions: in the order of the file.
        fingerprint: the SHA-256 of the file.
        notes: nothing is left out or taken for granted.
    """

    file: Path
    paragraphs: tuple[str, ...]
    questions: tuple[Question, ...]
    fingerprint: str
    notes: tuple[str, ...] = ()

    @property
    def description(self) -> str:
        """How many questions there are, and on how many paragraphs."""
        paragraphs = format_count(len(self.paragraphs), "paragraph")
        return f"{format_count(len(self), 'question')} on {paragraphs}"

    @property
    def origin(self) -> str:
        """The name of the file."""
        return self.file.name

    def __len__(self) -> int:
        return len(self.questions)


def open_dataset(path: Path) -> Questions:
    """Opens a file of questions, or a folder that holds one.

    Args:
        path: a JSON file in the form of SQuAD v1.1, or a folder with one JSON file.

    Raises:
        RequestError: it is not such a file; names the file, and the line or the field.
    """
    file = _find_file(path.absolute())
    text, fingerprint = read_text(file, MAX_BYTES, _FORM)
    parsed = _parse(text, file)
    try:
        # Repeated keys and further fields do no harm: what counts is read once, and checked.
        found = yaml_reader.check(parsed, _SquadFile)
    except RequestError as error:
        remedy = error.remedy or _FORM
        raise RequestError(error.problem, file=file, field=error.field, remedy=remedy) from error
    paragraphs = [paragraph for article in found.data for paragraph in article.paragraphs]
    questions = tuple(
        Question(each.question, index, tuple(answer.text for answer in each.answers))
        for index, paragraph in enumerate(paragraphs)
        for each in paragraph.qas
    )
    _check_ids(found, file)
    if not 0 < len(questions) <= MAX_QUESTIONS:
        problem = "has no questions" if not questions else f"has over {MAX_QUESTIONS:,} questions"
        raise RequestError(problem, file=file, remedy=_FORM)
    contexts = tuple(paragraph.context for paragraph in paragraphs)
    return Questions(file, contexts, questions, fingerprint)


def _find_file(path: Path) -> Path:
    if path.is_file():
        return path
    found = sorted(each for each in path.glob("*.json") if each.is_file())
    if len(found) == 1:
        return found[0]
    if not path.is_dir():
        raise RequestError("no such file or folder", file=path, remedy=_FORM)
    if not found:
        raise RequestError("has no JSON file", file=path, remedy=_FORM)
    raise RequestError(
        f"has {len(found)} JSON files", file=path, remedy=f"name one of them, such as {found[0]}"
    )


def _parse(text: str, file: Path) -> object:
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        problem = f"not valid JSON: {error.msg}"
        raise RequestError(problem, file=file, line=error.lineno, remedy=_FORM) from error
    except (ValueError, RecursionError) as error:
        raise RequestError(f"not valid JSON: {error}", file=file, remedy=_FORM) from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number of JSON")


def _check_ids(found: _SquadFile, file: Path) -> None:
    """Refuses an id that two questions have: MLPerf's scripts know questions by their ids."""
    seen: dict[str, str] = {}
    for field, question in _iter_questions(found):
        if question.id in seen:
            problem = f"'{question.id}' is the id of {seen[question.id]} as well"
            raise RequestError(
                problem, file=file, field=f"{field}.id", remedy="give each question an id"
            )
        seen[question.id] = field


def _iter_questions(found: _SquadFile) -> Iterator[tuple[str, _QuestionPart]]:
    """Each question, with the way to it."""
    for a, article in enumerate(found.data):
        for p, paragraph in enumerate(article.paragraphs):
            for q, question in enumerate(paragraph.qas):
                yield yaml_reader.field_name(("data", a, "paragraphs", p, "qas", q)), question
