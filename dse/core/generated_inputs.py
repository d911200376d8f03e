"""Made-up inputs of a model of any kind, by its signature. Imports only numpy."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from dse.core.alignment import aligned

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from dse.core.signature import Input, Signature

    Seed = tuple[int, ...]


class GeneratedInputs:
    """Samples of which each depends on the seed and its index alone, on any machine.

    Args:
        count: the number of samples.
        signature: of the model.
        seed: not negative.
    """

    def __init__(self, count: int, signature: Signature, seed: int) -> None:
        self.count = count
        self._signature = signature
        self._seed = seed

    def call(self, indices: Sequence[int], out: Any = None) -> tuple[NDArray[Any], ...]:
        """See `dse.tasks.task.Inputs.call`.

        Raises:
            ValueError: several samples of a model that takes no batches.
        """
        inputs = self._signature.of_batch(len(indices))
        arrays = tuple(aligned(one.shape, one.dtype) for one in inputs) if out is None else out
        for number, (one, array) in enumerate(zip(inputs, arrays, strict=True)):
            self._fill(number, one, array, indices)
        return tuple(arrays)

    def _fill(self, number: int, one: Input, array: NDArray[Any], indices: Sequence[int]) -> None:
        rows = array.reshape(len(indices), prod(one.shape) // len(indices))
        for row, index in zip(rows, indices, strict=True):
            if not 0 <= index < self.count:
                raise IndexError(f"sample {index} of {self.count}")
            row[...] = _FILLS[one.fill](one, len(row), (self._seed, number, index))


def _raw(seed: Seed, size: int) -> NDArray[np.uint8]:
    """``size`` random bytes: raw bits are what numpy promises to keep through its versions."""
    words = np.random.PCG64(list(seed)).random_raw(-(-size // 8))
    return np.asarray(words, "<u8").view(np.uint8)[:size]


def _words(seed: Seed, size: int) -> NDArray[np.uint32]:
    return _raw(seed, 4 * size).view("<u4")


def _noise(one: Input, size: int, seed: Seed) -> NDArray[Any]:
    dtype = np.dtype(one.dtype)
    if dtype.kind == "f":
        # As many bits as a float32 holds: each number from -1 up to 1 is as likely.
        return (_words(seed, size) >> np.uint32(8)) * np.float32(2**-23) - np.float32(1)
    if dtype.kind == "b":
        return _raw(seed, size) & np.uint8(1)
    return _raw(seed, size * dtype.itemsize).view(dtype.newbyteorder("<"))


def _ids(one: Input, size: int, seed: Seed) -> NDArray[Any]:
    return _words(seed, size) % np.uint32(max(1, one.bound))


def _positions(one: Input, size: int, _: Seed) -> NDArray[Any]:
    positions = np.arange(size) % max(1, one.shape[-1] if one.shape else 1)
    return positions % one.bound if one.bound else positions


def _values(one: Input, size: int, _: Seed) -> NDArray[Any]:
    values = np.array(one.values, one.dtype)
    return np.broadcast_to(values, (size,)) if len(values) == 1 else values


_FILLS: dict[str, Callable[[Input, int, Seed], NDArray[Any]]] = {
    "noise": _noise,
    "ids": _ids,
    "positions": _positions,
    "ones": lambda _, size, __: np.ones(size, np.uint8),
    "zeros": lambda _, size, __: np.zeros(size, np.uint8),
    "values": _values,
}
