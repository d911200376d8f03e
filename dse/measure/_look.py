"""What a loaded model answers to several different inputs: whether it makes sense to time it.

The answers are looked at once per loaded setup, in its warm-up and outside every measured loop.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dse.core.backend import UnsupportedError, arrays_of, not_finite
from dse.core.measurement import FailureKind
from dse.measure._run_result import RunFailedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dse.core.backend import Batch, Outputs
    from dse.core.configuration import KnobValue

LOOKS = 3
"""The number of answers that are looked at, where they leave no doubt."""
SCORES_RANK = 2


@dataclass(frozen=True, slots=True)
class Output:
    """One output of a call; its values are not kept, as there may be very many.

    Attributes:
        name: as the runtime calls it.
        shape: of the array.
        digest: of type, shape and bytes.
        not_finite: the number of values that are NaN or infinite.
        telling: whether it should differ where inputs do: floating-point values and quantised
            ones, such as scores; not numbers of classes, counts or masks.
        plain: whether it holds nothing but zeros and ones, as of a detector that finds nothing, or
            what stands for them in integers; some write -1 where there is no detection. What is not
            finite says as little.
        sure: whether each row is a one among zeros, the scores of a model that has no doubt.
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
        """The description of an array."""
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
            plain=bool((np.isin(array, (-1, 0, 1, low, high)) | ~np.isfinite(array)).all()),
            sure=array.ndim == SCORES_RANK
            and array.shape[1] > 1
            and bool(np.isin(array, (low, high)).all())
            and bool(((array == high).sum(axis=1) == 1).all()),
        )


@dataclass(frozen=True, slots=True)
class Look:
    """One call: a digest of its inputs, and the outputs that count."""

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
    """What stands for a score of 0 and of 1: of quantised scores, the ends of their range."""
    if dtype not in (np.int8, np.uint8):
        return 0, 1
    return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)


def _bytes(array: NDArray[Any]) -> memoryview:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def in_doubt(looks: Sequence[Look], batch_size: int) -> bool:
    """Whether the first three looks ask for more: answers are the same where inputs differ.

    The second and the third begin with the same sample, and go on with others.
    """
    return _same(looks) or (batch_size > 1 and _same(looks[1:3]))


def check_differences(looks: Sequence[Look], batch_size: int, *, strict: bool) -> None:
    """Holds answers to different inputs against each other, bit for bit.

    Looks two to four begin with the same sample, and go on with others. Saturated scores prove
    nothing: samples of one class may all have the same ones. Only a strict look takes outputs for
    scores; of others, nothing but zeros and ones may well be the answer to every input.

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


class Inspection:
    """Looks at one answer after the other, as long as it takes.

    Args:
        size: samples of each batch.
        scores: whether the first output alone counts, a row of scores for each sample.
        computes: whether answers should depend on inputs.
    """

    def __init__(self, size: int, *, scores: bool, computes: bool) -> None:
        self._size, self._scores, self._computes = size, scores, computes
        self._looks: list[Look] = []
        self._outputs: Outputs = ()

    @property
    def done(self) -> bool:
        """Whether there are enough answers: more than `LOOKS` are only looked at in doubt."""
        enough = len(self._looks) >= LOOKS
        return enough and not (self._computes and in_doubt(self._looks[:LOOKS], self._size))

    def add(self, batch: Batch, outputs: Outputs) -> None:
        """Looks at an answer."""
        self._looks.append(Look.at(batch, outputs[:1] if self._scores else outputs))
        self._outputs = outputs

    def judge(self) -> dict[str, KnobValue]:
        """What is stored with every measurement of the model.

        That is the name of the output with the scores, where there are several, and values that
        are not finite where they are no failure: a model of any kind may be fed outside its domain.

        Raises:
            RunFailedError, UnsupportedError: see `check_differences`.
        """
        if len(self._looks) > LOOKS:
            check_differences(self._looks, self._size, strict=self._scores)
        if self._scores:
            several = len(self._outputs) > 1
            return {"output": self._outputs[0][0]} if several else {}
        found = (
            not_finite(one.name, one.not_finite, one.shape)
            for one in self._looks[-1].outputs
            if one.not_finite
        )
        words = "; ".join(found)
        return {"not_finite": words} if words else {}
