"""What a model of any kind is fed with: its inputs, with a number for each of their dimensions.

Standard library only: it travels to the worker, in whose interpreter there may be little else.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from math import prod
from typing import TYPE_CHECKING, Any, Literal, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

Fill = Literal["noise", "ids", "positions", "ones", "zeros"]
"""What an input is filled with: numbers of its type's whole range (of -1 to 1 for floating point),
numbers below a bound, the places 0, 1, 2 and so on, or one and the same number throughout."""

DTYPE_BYTES: Mapping[str, int] = {
    "float16": 2,
    "float32": 4,
    "float64": 8,
    "bool": 1,
    **{f"{sign}int{bits}": bits // 8 for sign in ("", "u") for bits in (8, 16, 32, 64)},
}
"""The types that inputs can be made of, by numpy's name, with the size of one number."""


@dataclass(frozen=True, slots=True)
class Input:
    """One input of a model.

    Attributes:
        name: as the file has it.
        dtype: a name in `DTYPE_BYTES`.
        shape: for a single sample; where the model takes batches, it begins with 1.
        fill: what it is filled with.
        bound: ids and positions lie below it.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    fill: Fill = "noise"
    bound: int = 0


@dataclass(frozen=True, slots=True)
class Signature:
    """All inputs of a model, in the order of its file.

    Attributes:
        inputs: at least one.
        batched: whether the first dimension of each is the batch; else one call is one sample.
    """

    inputs: tuple[Input, ...]
    batched: bool

    def of_batch(self, batch_size: int) -> tuple[Input, ...]:
        """The inputs with the shapes that a call for so many samples has.

        Raises:
            ValueError: the model takes no batches, and more than one sample is asked for.
        """
        if not self.batched and batch_size != 1:
            raise ValueError(f"a batch of {batch_size} for a model that takes none")
        if not self.batched:
            return self.inputs
        return tuple(replace(one, shape=(batch_size, *one.shape[1:])) for one in self.inputs)

    @property
    def sample_bytes(self) -> int:
        """The memory that the inputs of one sample take."""
        return sum(DTYPE_BYTES[one.dtype] * prod(one.shape) for one in self.inputs)

    def as_dict(self) -> dict[str, Any]:
        """A JSON object; the inverse of `from_dict`."""
        inputs = [{**asdict(one), "shape": list(one.shape)} for one in self.inputs]
        return {"inputs": inputs, "batched": self.batched}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Reads what `as_dict` wrote."""
        inputs = (Input(**{**one, "shape": tuple(one["shape"])}) for one in data["inputs"])
        return cls(tuple(inputs), data["batched"])
