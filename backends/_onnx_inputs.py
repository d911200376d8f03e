"""The inputs of an ONNX file as each batch has them, for a backend that writes the graph anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dse.core.backend import LoadRequest, UnsupportedError, arrays_of
from dse.core.signature import shape_text

from ._onnx_file import declared_shape

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from onnx import ValueInfoProto

    from dse.core.backend import Batch

    Shape = tuple[int, ...]


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


def expected_inputs(
    inputs: Sequence[ValueInfoProto],
    request: LoadRequest,
    dtype_name: Callable[[ValueInfoProto], str],
) -> list[Expected]:
    """The inputs in the order of a batch's arrays.

    Args:
        inputs: those of the file.
        request: what to load.
        dtype_name: the type of an input, as numpy names it.

    Raises:
        UnsupportedError: the file has other sizes, or a type that is not computed with.
    """
    if request.signature is None and len(inputs) != 1:
        raise UnsupportedError(f"the model has {len(inputs)} inputs, not one")
    declared = {one.name: one for one in inputs}
    size = request.configuration.batch_size
    found = []
    wanted: dict[str, tuple[int | None, ...]]
    if request.signature is None:
        sizes = declared_shape(inputs[0]) or ()
        wanted = {inputs[0].name: (size, *sizes[1:])}
    else:
        wanted = {one.name: tuple(one.shape) for one in request.signature.of_batch(size)}
    for name, shape in wanted.items():
        if name not in declared:
            raise UnsupportedError(f"the model has no input '{name}'")
        own = declared_shape(declared[name])
        if own is not None and not _fits(own, shape):
            told = f"{shape_text(own)} for the input '{name}', not {shape_text(shape)}"
            raise UnsupportedError(f"the file fixes sizes: {told}")
        found.append(Expected(name, shape, dtype_name(declared[name])))
    return found


def known_shapes(expected: Sequence[Expected]) -> list[Shape] | None:
    """The shapes of the inputs; None where a batch has to tell a size."""
    found = [tuple(size for size in one.shape if size is not None) for one in expected]
    whole = all(len(shape) == len(one.shape) for shape, one in zip(found, expected, strict=True))
    return found if whole else None


def shapes_of_batch(expected: Sequence[Expected], batch: Batch) -> list[Shape]:
    """The shapes of the arrays of a batch.

    Raises:
        ValueError: they are not what is expected, or of another type.
    """
    arrays = arrays_of(batch)
    for one, array in zip(expected, arrays, strict=True):
        if not _fits(one.shape, array.shape) or array.dtype != one.dtype:
            told = f"{array.dtype} {array.shape}"
            raise ValueError(f"{told} in the place of {one.dtype} {one.shape}")
    return [array.shape for array in arrays]


def _fits(own: Sequence[int | None], shape: Sequence[int | None]) -> bool:
    return len(own) == len(shape) and all(
        None in pair or pair[0] == pair[1] for pair in zip(own, shape, strict=True)
    )
