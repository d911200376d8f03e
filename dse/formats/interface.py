"""The inputs and outputs that a model file declares."""

from __future__ import annotations

from dataclasses import dataclass

from dse.core.signature import shape_text


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """An input or an output as the file declares it.

    Attributes:
        name: its name in the file.
        dtype: numpy's name of the type, or ``type <number>`` if it is unknown.
        shape: size of each dimension, None for one of any size; None if the file gives no shape.
        quantisation: scale and zero point of an integer tensor as a whole; None if the file does
            not give them.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...] | None
    quantisation: tuple[float, int] | None = None

    @property
    def words(self) -> str:
        """Type and shape."""
        return f"{self.dtype} {shape_text(self.shape)}"


@dataclass(frozen=True, slots=True)
class Interface:
    """The inputs and outputs of a model, in the order of the file."""

    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
