"""What a loaded model answers to several different inputs: whether there is sense in timing it.

The answers are looked at once per loaded setup, in its warm-up and outside every measured loop.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dse.core.backend import UnsupportedError, arrays_of
from dse.core.measurement import FailureKind
from dse.core.signature import shape_text
from dse.measure.failures import RunFailedError
from dse.tasks.image_classification.labels import TOP_LABEL, offset_problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dse.core.backend import Batch, Outputs
    from dse.core.configuration import KnobValue

LOOKS = 3
"""Answers that are looked at, where they leave no doubt."""
SCORES_RANK = 2


@dataclass(frozen=True, slots=True)
class Output:
    """One output of a call; its values are not kept, for there may be very many.

    Attributes:
        name: as the runtime calls it.
        shape: of the array.
        digest: of type, shape and bytes.
        not_finite: how many values are NaN or infinite.
        telling: whether it should differ where inputs do: scores and other floating-point values,
            and quantised ones; not labels, counts or masks.
        plain: whether it holds nothing but zeros and ones, as of a detector that finds nothing, or
            what stands for them in integers; some write -1 where there is no detection.
        sure: whether each row is a one among zeros, as of a classifier that has no doubt.
    """

    name: str
    shape: tuple[int, ...]
    digest: bytes
    not_finite: int
    telling: bool
    plain: bool
    sure: bool

    @classmethod
    def of(cls, name: str, array: NDArray[Any]) -> Output:
        """What there is to say of an array."""
        digest = hashlib.blake2b(f"{array.dtype} {array.shape}".encode(), digest_size=16)
        if array.dtype.hasobject:  # texts
            digest.update(repr(array.tolist()).encode())
            return cls(
                name, array.shape, digest.digest(), 0, telling=False, plain=False, sure=False
            )
        digest.update(_bytes(array))
        floating = array.dtype.kind == "f"
        low, high = _ends(array.dtype)
        return cls(
            name,
            array.shape,
            digest.digest(),
            int(array.size - np.isfinite(array).sum()) if floating else 0,
            telling=array.size > 0 and (floating or array.dtype in (np.int8, np.uint8)),
            plain=bool(np.isin(array, (-1, 0, 1, low, high)).all()),
            sure=array.ndim == SCORES_RANK
            and array.shape[1] > 1
            and bool(np.isin(array, (low, high)).all())
            and bool(((array == high).sum(axis=1) == 1).all()),
        )

    def __str__(self) -> str:
        return f"{self.name} {shape_text(self.shape)}"


@dataclass(frozen=True, slots=True)
class Look:
    """One call: a digest of its inputs, and the outputs that count, of a classifier its scores."""

    inputs: bytes
    outputs: tuple[Output, ...]

    @classmethod
    def at(cls, batch: Batch, outputs: Outputs) -> Look:
        """What a call was made with, and what came out."""
        digest = hashlib.blake2b(digest_size=16)
        for array in arrays_of(batch):
            digest.update(_bytes(array))
        computed = ((name, array) for name, array in outputs if array is not None)
        return cls(digest.digest(), tuple(Output.of(name, array) for name, array in computed))

    @property
    def answer(self) -> tuple[bytes, ...]:
        """What should differ where inputs do."""
        return tuple(output.digest for output in self.outputs if output.telling)

    @property
    def plain(self) -> bool:
        """Whether all that should differ holds nothing but zeros and ones."""
        return all(output.plain for output in self.outputs if output.telling)

    @property
    def sure(self) -> bool:
        """Whether all that should differ are scores without a doubt."""
        return all(output.sure for output in self.outputs if output.telling)


def _ends(dtype: np.dtype[Any]) -> tuple[int, int]:
    """What stands for a score of 0 and of 1: of quantised ones, the ends of their range."""
    if dtype not in (np.int8, np.uint8):
        return 0, 1
    return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)


def _bytes(array: NDArray[Any]) -> memoryview:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def check_scores(look: Look, batch_size: int) -> None:
    """Holds a classifier's scores against the batch that was asked for.

    Raises:
        UnsupportedError: they have not a row for each sample, or are not all finite.
    """
    scores = look.outputs[0]
    if len(scores.shape) != SCORES_RANK or scores.shape[0] != batch_size:
        raise UnsupportedError(
            f"the model answers a batch of {batch_size} with scores of shape {scores.shape}"
        )
    if scores.not_finite:
        raise UnsupportedError(not_finite(scores.name, scores.not_finite, scores.shape))


def check_rows(look: Look, batch_size: int) -> None:
    """Looks for an output of any model that has a row for each sample.

    Raises:
        UnsupportedError: there is none.
    """
    if batch_size > 1 and not any(one.shape[:1] == (batch_size,) for one in look.outputs):
        listed = ", ".join(map(str, look.outputs))
        raise UnsupportedError(
            f"the model takes a batch of {batch_size} and has no answer for each sample "
            f"({listed}): one call counts as one sample, at batch size 1"
        )


def not_finite(name: str, count: int, shape: Sequence[int]) -> str:
    """The complaint about an output that holds NaN or infinity."""
    total = int(np.prod(shape))
    return f"{count} of {total} values of the output '{name}' are not finite numbers"


def in_doubt(looks: Sequence[Look], batch_size: int) -> bool:
    """Whether the first three looks ask for more: answers are the same where inputs differ.

    Args:
        looks: the second and the third with the same first sample, and others after it.
        batch_size: samples of each.
    """
    return _same(looks) or (batch_size > 1 and _same(looks[1:3]))


def check_differences(looks: Sequence[Look], batch_size: int, *, strict: bool) -> None:
    """Holds answers to different inputs against each other, bit for bit.

    Scores without a doubt are no evidence: images of one label may all have the same ones.

    Args:
        looks: the second to the fourth with the same first sample, and others after it.
        batch_size: samples of each.
        strict: whether the scores of a classifier are looked at; of any other model, nothing but
            zeros and ones may well be the answer to every input.

    Raises:
        RunFailedError: the answer is always the same.
        UnsupportedError: the answer depends on nothing but the first sample of the batch.
    """
    count = len({look.inputs for look in looks})
    if _same(looks):
        if not (looks[0].sure or (looks[0].plain and not strict)):
            raise RunFailedError(
                FailureKind.INVALID_RUN,
                f"the model gives one and the same answer to {count} different inputs: "
                "it is not computed here, or its weights are empty",
            )
    elif batch_size > 1 and _same(looks[1:4]):
        if looks[1].sure or (looks[1].plain and not strict):
            return
        raise UnsupportedError(
            f"the model takes a batch of {batch_size} and answers for its first sample alone"
        )


def _same(looks: Sequence[Look]) -> bool:
    """Whether different inputs all had the same answer."""
    return (
        bool(looks[0].answer)
        and len({look.inputs for look in looks}) > 1
        and len({look.answer for look in looks}) == 1
    )


def check_classes(width: int, classes: int | None, offset: int, top: int | None) -> None:
    """Holds the number of scores against what is known of the classes.

    Args:
        width: the number of scores.
        classes: how many there should be; None where nobody said.
        offset: 1 where score 0 is for a background class, else 0.
        top: the greatest label of the data set; None where there is none.

    Raises:
        UnsupportedError: they contradict each other.
    """
    if classes not in (None, width):
        raise UnsupportedError(
            f"the model gives {width} scores, not {classes}: correct `classes` in models.yaml"
        )
    if top is not None and top + offset >= width:
        remedy = "set `label_offset: 0`" if top < width else "use a data set of its classes"
        raise UnsupportedError(
            f"label {top} of the data set at label_offset {offset} would be score {top + offset}, "
            f"and the model has scores 0 to {width - 1}: {remedy}"
        )
    if problem := offset_problem(width, offset) if classes is None or top == TOP_LABEL else None:
        raise UnsupportedError(": ".join(problem))


class Inspection:
    """Looks at one answer after the other, as long as it takes.

    Args:
        size: samples of each batch.
        classifier: whether the first output has the scores of images.
        computes: whether answers should depend on inputs.
    """

    def __init__(self, size: int, *, classifier: bool, computes: bool) -> None:
        self._size, self._classifier, self._computes = size, classifier, computes
        self._looks: list[Look] = []
        self._outputs: Outputs = ()

    @property
    def done(self) -> bool:
        """Whether there are enough answers: more than `LOOKS` are for a doubt."""
        enough = len(self._looks) >= LOOKS
        return enough and not (self._computes and in_doubt(self._looks[:LOOKS], self._size))

    @property
    def width(self) -> int:
        """The number of a classifier's scores."""
        return self._looks[0].outputs[0].shape[1]

    def add(self, batch: Batch, outputs: Outputs) -> None:
        """Looks at an answer.

        Raises:
            UnsupportedError: see `check_scores` and `check_rows`.
        """
        look = Look.at(batch, outputs[:1] if self._classifier else outputs)
        self._looks.append(look)
        self._outputs = outputs
        if self._classifier:
            check_scores(look, self._size)
        elif len(look.outputs) == len(outputs):
            check_rows(look, self._size)

    def judge(self) -> dict[str, KnobValue]:
        """What is stored with every measurement of the model.

        That is the name of the output with the scores, where there are several, and values that
        are not finite where they are no failure: a model of any kind may be fed outside its domain.

        Raises:
            RunFailedError, UnsupportedError: see `check_differences`.
        """
        if len(self._looks) > LOOKS:
            check_differences(self._looks, self._size, strict=self._classifier)
        if self._classifier:
            several = len(self._outputs) > 1
            return {"output": self._outputs[0][0]} if several else {}
        found = (
            not_finite(one.name, one.not_finite, one.shape)
            for one in self._looks[-1].outputs
            if one.not_finite
        )
        words = "; ".join(found)
        return {"not_finite": words} if words else {}
