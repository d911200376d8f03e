"""The inputs of an ONNX file as each batch has them, and what is made of the file for their sizes.

For backends that write the graph anew: the sizes that a file leaves open are then fixed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from dse.core.backend import LoadRequest, UnsupportedError, arrays_of
from dse.core.signature import shape_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dse.core.backend import Batch
    from dse.formats.interface import Interface

    Shape = tuple[int, ...]

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Expected:
    """An input as each batch has it.

    Attributes:
        name: in the file.
        shape: None for a size that the file leaves open: then the first batch tells it.
        dtype: as numpy names it.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str


def expected_inputs(declared: Interface, request: LoadRequest) -> list[Expected]:
    """The inputs in the order of a batch's arrays.

    Args:
        declared: what the file has.
        request: what to load.

    Raises:
        UnsupportedError: the file has other inputs, or other sizes.
    """
    known = {one.name: one for one in declared.inputs}
    size = request.configuration.batch_size
    wanted: dict[str, tuple[int | None, ...]]
    if request.signature is None:
        one = declared.inputs[0]
        wanted = {one.name: (size, *(one.shape or ())[1:])}
    else:
        wanted = {one.name: tuple(one.shape) for one in request.signature.of_batch(size)}
    for name, shape in wanted.items():
        if name not in known:
            raise UnsupportedError(f"the model has no input '{name}'")
        own = known[name].shape
        if own is not None and not _fits(own, shape):
            told = f"{shape_text(own)} for the input '{name}', not {shape_text(shape)}"
            raise UnsupportedError(f"the file fixes sizes: {told}")
    return [Expected(name, shape, known[name].dtype) for name, shape in wanted.items()]


class ByShape(Generic[Made]):
    """What computes the batches of the shapes that were met last.

    It is made at once if the file leaves no size open, and else at the first batch of other shapes.

    Args:
        inputs: of the file.
        make: makes what computes, for inputs of these shapes; it may hold the file's weights, so it
            is let go once it is of no use.
        drop: ends what was made.

    Raises:
        UnsupportedError: nothing can be made of the file, see ``make``.
    """

    def __init__(
        self,
        inputs: Sequence[Expected],
        make: Callable[[Sequence[Shape]], Made],
        drop: Callable[[Made], object] = lambda _: None,
    ) -> None:
        self._inputs, self._drop = inputs, drop
        self._make: Callable[[Sequence[Shape]], Made] | None = make
        self._shapes: list[Shape] = []
        self._made: Made | None = None
        if (shapes := known_shapes(inputs)) is not None:
            self._renew(shapes)
            self._make = None

    def find(self, batch: Batch) -> Made:
        """What computes a batch.

        Raises:
            ValueError: its arrays are not what is expected.
        """
        shapes = self._shapes_of(batch)
        if self._made is None or shapes != self._shapes:
            self._renew(shapes)
        assert self._made is not None  # noqa: S101  # it has been made for these shapes
        return self._made

    def close(self) -> None:
        """Ends what was made last."""
        if self._made is not None:
            self._drop(self._made)
        self._made = None

    def _renew(self, shapes: list[Shape]) -> None:
        self.close()
        assert self._make is not None  # noqa: S101  # or no other shape would be expected
        self._made, self._shapes = self._make(shapes), shapes

    def _shapes_of(self, batch: Batch) -> list[Shape]:
        arrays = arrays_of(batch)
        for one, array in zip(self._inputs, arrays, strict=True):
            if not _fits(one.shape, array.shape) or array.dtype != one.dtype:
                told = f"{array.dtype} {array.shape}"
                raise ValueError(f"{told} in the place of {one.dtype} {one.shape}")
        return [array.shape for array in arrays]


def known_shapes(expected: Sequence[Expected]) -> list[Shape] | None:
    """The shapes of the inputs; None where a batch has to tell a size."""
    found = [tuple(size for size in one.shape if size is not None) for one in expected]
    whole = all(len(shape) == len(one.shape) for shape, one in zip(found, expected, strict=True))
    return found if whole else None


def _fits(own: Sequence[int | None], shape: Sequence[int | None]) -> bool:
    return len(own) == len(shape) and all(
        None in pair or pair[0] == pair[1] for pair in zip(own, shape, strict=True)
    )
