"""What a model that answers questions is fed with. Standard library only: the worker needs it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from dse.core.errors import ModelError
from dse.core.signature import DTYPE_BYTES, Input, Signature

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dse.core.signature import Fill, Form

Role = Literal["ids", "mask", "segments"]
"""What an input tells of each token: its number in the vocabulary, whether it counts or fills up
the sequence, and whether it is of the paragraph or of the question."""
ROLES: tuple[Role, ...] = ("ids", "mask", "segments")
"""In the order that most models have them in."""
SEQUENCE_LENGTH = 384
"""Tokens of a sample by MLPerf's rules."""
VOCABULARY_SIZE = 30_522
"""Tokens that BERT's uncased models know."""
_MEANINGS: dict[Role, str] = {
    "ids": "the number of each token in the vocabulary",
    "mask": "1 where a token counts, 0 for padding",
    "segments": "1 for tokens of the paragraph, 0 for all others",
}
_FILLS: dict[Role, Fill] = {"ids": "ids", "mask": "ones", "segments": "zeros"}


@dataclass(frozen=True, slots=True)
class ModelInput:
    """One input of a model.

    Attributes:
        name: as the file has it.
        role: what it tells of the tokens.
        dtype: by numpy's name.
    """

    name: str
    role: Role
    dtype: str = "int64"


@dataclass(frozen=True, slots=True)
class QuestionForm:
    """How a question and its paragraph become the inputs of a model.

    Attributes:
        sequence_length: tokens of a sample.
        tokens: the number of tokens in the vocabulary.
        inputs: in the order of the file.
        vocabulary: the file with the tokens, one in each line; None where no text is read.
        vocabulary_sha256: of that file; empty where there is none.
        any_length: whether the model takes samples of fewer tokens as well.
        buckets: lengths that the model is loaded for beside that of its samples, ascending and
            shorter; short samples are cut to them.
    """

    sequence_length: int = SEQUENCE_LENGTH
    tokens: int = VOCABULARY_SIZE
    inputs: tuple[ModelInput, ...] = (
        ModelInput("input_ids", "ids"),
        ModelInput("attention_mask", "mask"),
        ModelInput("token_type_ids", "segments"),
    )
    vocabulary: Path | None = None
    vocabulary_sha256: str = ""
    any_length: bool = False
    buckets: tuple[int, ...] = ()

    def to_form(self) -> dict[str, Any]:
        """What the worker is told; the inverse of `from_form`."""
        form = asdict(self) | {"inputs": [asdict(one) for one in self.inputs]}
        return form | {"vocabulary": str(self.vocabulary) if self.vocabulary else None}

    @classmethod
    def from_form(cls, form: Form) -> Self:
        """Reads what `to_form` wrote."""
        inputs = tuple(ModelInput(**one) for one in form["inputs"])
        vocabulary = Path(form["vocabulary"]) if form["vocabulary"] else None
        buckets = tuple(form.get("buckets", ()))  # earlier versions had none
        return cls(**{**form, "inputs": inputs, "vocabulary": vocabulary, "buckets": buckets})

    @property
    def identity(self) -> dict[str, Any]:
        """What answers depend on: how the model is loaded is told by its knobs."""
        left_out = ("vocabulary", "any_length", "buckets")
        return {name: value for name, value in self.to_form().items() if name not in left_out}

    @property
    def input_lines(self) -> tuple[str, ...]:
        """What the inputs are, for who deploys the model."""
        return (
            f"Input: {self.sequence_length} tokens of a vocabulary of {self.tokens:,}:",
            "[CLS] question [SEP] paragraph [SEP], then padding.",
            *(f"{one.name}, {one.dtype}: {_MEANINGS[one.role]}." for one in self.inputs),
        )

    @property
    def lengths(self) -> tuple[int, ...]:
        """What the model is loaded for, in tokens, ascending."""
        return (*self.buckets, self.sequence_length)

    def with_buckets(self, lengths: Iterable[int]) -> Self:
        """The form of the model when it is loaded for further lengths.

        Args:
            lengths: in tokens; those that are not shorter than its samples don't count.

        Raises:
            ModelError: its file takes samples of one length.
        """
        shorter = tuple(sorted({length for length in lengths if length < self.sequence_length}))
        if shorter and not self.any_length:
            length = self.sequence_length
            raise ModelError(f"no buckets: its file takes samples of {length} tokens only")
        return replace(self, buckets=shorter)

    @property
    def signatures(self) -> tuple[Signature, ...]:
        """The inputs for each length."""
        return tuple(replace(self, sequence_length=length).signature for length in self.lengths)

    @property
    def signature(self) -> Signature:
        """The inputs with their shapes."""
        shape = (1, self.sequence_length)
        return Signature(
            tuple(
                Input(
                    one.name,
                    one.dtype,
                    shape,
                    _FILLS[one.role],
                    bound=self.tokens if one.role == "ids" else 0,
                )
                for one in self.inputs
            ),
            batched=True,
        )

    @property
    def sample_bytes(self) -> int:
        """The memory of a loaded sample, and of the tokens that it is made from."""
        return self.signature.sample_bytes + DTYPE_BYTES["int32"] * self.sequence_length
