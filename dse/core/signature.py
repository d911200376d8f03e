"""What a model is fed with: its inputs, with a number for each of their dimensions.

Standard library only: it travels to the worker, in whose interpreter there may be little else.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from math import prod
from typing import TYPE_CHECKING, Any, Literal, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Form = Mapping[str, Any]
    """A JSON object that says, in a task's own terms, how a sample becomes the input of a model and
    how its output is read."""

Fill = Literal["noise", "ids", "positions", "ones", "zeros", "values"]
"""What an input is filled with: numbers of its type's whole range (from -1 to 1 if floating point),
numbers below a bound, the positions 0, 1, 2 and so on, one and the same number throughout, or given
values."""

DTYPE_BYTES: Mapping[str, int] = {
    "float16": 2,
    "float32": 4,
    "float64": 8,
    "bool": 1,
    **{f"{sign}int{bits}": bits // 8 for sign in ("", "u") for bits in (8, 16, 32, 64)},
}
"""The types that inputs can be made of, by numpy's name, with the size of one number."""


def shape_text(sizes: Iterable[int | str | None] | None, times: str = "x") -> str:
    """A shape in words, such as ``1x3x224x224``.

    Args:
        sizes: None for a dimension of any size, or for a shape of any dimensions.
        times: what stands between the sizes.
    """
    if sizes is None:
        return "of any shape"
    return times.join("?" if size is None else str(size) for size in sizes) or "a single number"


@dataclass(frozen=True, slots=True)
class Input:
    """One input of a model.

    Attributes:
        name: as the file has it.
        dtype: a name in `DTYPE_BYTES`.
        shape: for a single sample; where the model takes batches, it begins with 1.
        fill: what it is filled with.
        bound: ids and positions lie below it.
        values: of a single sample, one for each of its elements or one for all of them; empty where
            none are given.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    fill: Fill = "noise"
    bound: int = 0
    values: tuple[float, ...] = ()

    @property
    def elements(self) -> int:
        """How many numbers a single sample has."""
        return prod(self.shape)

    def as_dict(self) -> dict[str, Any]:
        """A JSON object; values only where there are some: keys of older studies stay the same."""
        data = {**asdict(self), "shape": list(self.shape), "values": list(self.values)}
        if not self.values:
            del data["values"]
        return data


@dataclass(frozen=True, slots=True)
class Signature:
    """All inputs of a model, in the order of its file.

    Attributes:
        inputs: at least one.
        batched: whether the first dimension of each is the batch; else one call is one sample.
        subgraph: of a TFLite file, the one that is run.
    """

    inputs: tuple[Input, ...]
    batched: bool
    subgraph: int = 0

    def of_batch(self, batch_size: int) -> tuple[Input, ...]:
        """The inputs with the shapes that a call for ``batch_size`` samples has.

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
        return sum(DTYPE_BYTES[one.dtype] * one.elements for one in self.inputs)

    def as_dict(self) -> dict[str, Any]:
        """A JSON object; the inverse of `from_dict`."""
        data = {"inputs": [one.as_dict() for one in self.inputs], "batched": self.batched}
        return {**data, "subgraph": self.subgraph} if self.subgraph else data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Reads what `as_dict` wrote."""
        inputs = (
            Input(**{**one, "shape": tuple(one["shape"]), "values": tuple(one.get("values", ()))})
            for one in data["inputs"]
        )
        return cls(tuple(inputs), data["batched"], data.get("subgraph", 0))
