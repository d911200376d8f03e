"""Runtimes and samples that show what the harness did with them."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from dse.loadgen.logs import read_responses

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from dse.core.backend import Outputs

CLASSES = 100


class Numbers:
    """Samples that hold nothing but their own index."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.loaded: list[list[int]] = []
        self.alive_at_load: list[int] = []
        self._arrays: list[weakref.ref[NDArray[Any]]] = []

    def call(self, indices: Sequence[int], out: Any = None) -> NDArray[Any]:
        self.loaded.append(list(indices))
        self.alive_at_load.append(self.alive)
        array = np.array(indices, np.float32).reshape(-1, 1)
        if out is not None:
            out[...] = array
            return array
        self._arrays.append(weakref.ref(array))
        return array

    @property
    def alive(self) -> int:
        """How many of the arrays that were handed out are still held by somebody."""
        return sum(array() is not None for array in self._arrays)


class Echo:
    """Scores highest the class whose number the sample holds."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self._scores = np.zeros((0, CLASSES), np.float32)

    def bind(self, batch: NDArray[Any]) -> NDArray[Any]:
        return batch

    def predict(self, batch: NDArray[Any]) -> NDArray[np.generic]:
        assert batch.flags.c_contiguous
        numbers = batch[:, 0].astype(int)
        self.batches.append(numbers.tolist())
        if len(self._scores) != len(batch):
            self._scores = np.zeros((len(batch), CLASSES), np.float32)
        self._scores[:] = 0  # the contract lets a runtime overwrite its last answer
        self._scores[np.arange(len(batch)), numbers] = 1
        return self._scores

    def outputs(self, bound: NDArray[Any]) -> Outputs:
        return (("scores", self.predict(bound)),)

    def close(self) -> None:
        pass


def encode(outputs: Outputs, count: int, offset: int = 0) -> list[bytes]:
    """The number of each sample's highest score, less an offset, as an int64."""
    (_, scores), *_ = outputs
    assert scores is not None
    if scores.ndim != 2:
        raise ValueError(f"scores of shape {scores.shape}")
    highest = scores.argmax(axis=1)[:count].tolist()
    return [(number - offset).to_bytes(8, "little", signed=True) for number in highest]


def numbers(folder: Path) -> dict[int, int]:
    """What `encode` answered, by sample index, from LoadGen's log."""
    found = read_responses(folder).items()
    return {index: int.from_bytes(data, "little", signed=True) for index, data in found}
