"""What an encoder's file tells of its entry in ``models.yaml``, and what it leaves open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.config import yaml_reader
from dse.core.errors import RequestError
from dse.models.describing import Describer, Draft
from dse.tasks.question_answering._form import SEQUENCE_LENGTH
from dse.tasks.question_answering._manifest_entry import SAMPLE_RANK, QuestionAnsweringEntry

if TYPE_CHECKING:
    from dse.formats.interface import Interface

VOCABULARY_HINT = "fill in: its file in this folder, uncased, a token a line"
"""No model file tells its vocabulary."""
ASSUMED = "assumed"


def draft_encoder(name: str, file: str, found: Interface) -> Draft:
    """Drafts the fields of an entry that are an encoder's own.

    Args:
        name: of the model.
        file: path below the folder.
        found: what the file declares.

    Raises:
        RequestError: the reader of manifests would refuse the file, whatever is filled in.
    """
    length = _length(found)
    known = {"name": name, "file": file, "precision": "fp32", "vocabulary": "vocab.txt"}
    own = {"sequence_length": length or SEQUENCE_LENGTH}
    trial = yaml_reader.check(known | own, QuestionAnsweringEntry)
    if trial.format != "onnx":
        raise RequestError("it is not an ONNX file", remedy="export the model to ONNX")
    if (fault := next(trial.contradictions(found), None)) is not None:
        _, problem, remedy = fault
        raise RequestError(problem, remedy=remedy)
    comments = {"vocabulary": VOCABULARY_HINT}
    return Draft(
        {"vocabulary": None, **own},
        comments if length else comments | {"sequence_length": ASSUMED},
    )


def recognise(_stem: str) -> None:
    """No name stands for a published model: an entry gives its own F1."""


def _length(found: Interface) -> int | None:
    """The tokens of a sample; None where the file takes any number."""
    shapes = (one.shape for one in found.inputs if one.shape and len(one.shape) == SAMPLE_RANK)
    return next((shape[1] for shape in shapes if shape[1] is not None), None)


DESCRIBER = Describer(
    task="question-answering",
    tell=draft_encoder,
    recognise=recognise,
    figure="published_f1: {percent: 90.1, source: who measured it}",
    explore="dse explore my-space.yaml --models {folder}",
    dataset="SQUAD",
    note="my-space.yaml: a search space of yours with `task: question-answering`",
)
