"""What a ``models.yaml`` says of a model that answers questions, beside what it says of any model.

For example::

    models:
      - name: bert-large
        file: bert_large_fp32.onnx
        precision: fp32
        vocabulary: vocab.txt

The fields beside those of `dse.models.manifest`:

vocabulary
    The file with the tokens of an uncased model, one in each line, below the folder of
    ``models.yaml``.
sequence_length
    Tokens of a sample, 128 to 4096; 384 if not given, as MLPerf's rules have it. Paragraphs that do
    not fit are cut into windows.
published_f1
    ``percent`` and ``source`` of an F1 that others measured with this file; optional.

What each input is for is told by its name, as `ROLES_BY_NAME` lists them. Where a name is none of
these, inputs are for tokens, mask and segments in the order of the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from pydantic import Field

from dse.core.checksums import sha256_of
from dse.core.errors import RequestError
from dse.core.measurement import PublishedQuality
from dse.models.manifest import ManifestEntry, PublishedEntry, Text
from dse.tasks.question_answering._features import read_vocabulary
from dse.tasks.question_answering._form import ROLES, SEQUENCE_LENGTH, ModelInput, QuestionForm

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dse.core.signature import Form
    from dse.formats.interface import Interface
    from dse.models.manifest import Fault
    from dse.tasks.question_answering._form import Role

ROLES_BY_NAME: dict[str, Role] = {
    "input_ids": "ids",
    "attention_mask": "mask",
    "input_mask": "mask",
    "token_type_ids": "segments",
    "segment_ids": "segments",
}
INPUT_DTYPES = ("int64", "int32")
SAMPLE_RANK = 2
OUTPUTS = 2


class QuestionAnsweringEntry(ManifestEntry):
    """One model that answers questions, as the manifest describes it."""

    further_files: ClassVar[tuple[str, ...]] = ("vocabulary",)
    vocabulary: Text
    sequence_length: int = Field(default=SEQUENCE_LENGTH, ge=128, le=4096)
    published_f1: PublishedEntry | None = None

    @property
    def published(self) -> PublishedQuality | None:
        """The entry's own figure."""
        own = self.published_f1
        return PublishedQuality(own.percent, own.source) if own else None

    def form(self, found: Interface | None, folder: Path) -> Form:
        """The inputs by their roles, and the vocabulary."""
        assert found is not None  # noqa: S101  # else there is a fault
        vocabulary = folder / self.vocabulary
        return QuestionForm(
            sequence_length=self.sequence_length,
            tokens=len(read_vocabulary(vocabulary)),
            inputs=_match_inputs(found),
            vocabulary=vocabulary,
            vocabulary_sha256=sha256_of(vocabulary),
            any_length=all(not one.shape or one.shape[1] is None for one in found.inputs),
        ).to_form()

    def faults(self, found: Interface | None, folder: Path) -> Iterator[Fault]:
        """A vocabulary that is none, and what the file contradicts."""
        if self.format != "onnx":
            yield "file", f"'{self.file}' is not an ONNX file", "export the model to ONNX"
        try:
            read_vocabulary(folder / self.vocabulary)
        except RequestError as error:
            where = f"line {error.line}: " if error.line else ""
            problem = f"'{self.vocabulary}': {where}{error.problem}"
            yield "vocabulary", problem, error.remedy or "put the file back"
        if found is None:
            yield "file", f"'{self.file}' is damaged", "get it again"
        else:
            yield from self.contradictions(found)

    def contradictions(self, found: Interface) -> Iterator[Fault]:
        """What the file declares that no entry can have, or that this one says otherwise."""
        remedy = "export it with ids, mask and segments of tokens as inputs"
        names = ", ".join(f"'{one.name}'" for one in found.inputs)
        if not 0 < len(found.inputs) <= len(ROLES) or "ids" not in _match_roles(found):
            problem = f"it has the inputs {names}, not one to three for the tokens"
            yield "file", problem, remedy
        if len(found.outputs) < OUTPUTS:
            problem = "it has one output, not the logits of the start and of the end"
            yield "file", problem, "export it with both"
        for one in found.inputs:
            shape = one.shape
            if one.dtype not in INPUT_DTYPES or (shape and len(shape) != SAMPLE_RANK):
                problem = f"the input '{one.name}' is {one.words}, not int64 of (batch, sequence)"
                yield "file", problem, remedy
            elif shape and shape[1] not in (None, self.sequence_length):
                problem = f"the file takes {shape[1]} tokens, not {self.sequence_length}"
                yield "sequence_length", problem, f"write {shape[1]}"


def _match_inputs(found: Interface) -> tuple[ModelInput, ...]:
    pairs = zip(found.inputs, _match_roles(found), strict=True)
    return tuple(ModelInput(one.name, role, one.dtype) for one, role in pairs)


def _match_roles(found: Interface) -> tuple[Role, ...]:
    """What each input is for: by the names, if all are known and different, else by the order."""
    named = [ROLES_BY_NAME.get(one.name) for one in found.inputs]
    if None not in named and len(set(named)) == len(named):
        return tuple(cast("list[Role]", named))
    return ROLES[: len(found.inputs)]
