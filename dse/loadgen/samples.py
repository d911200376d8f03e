"""The samples of a run: what LoadGen has loaded, ready for each caller, and the first error."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from dse.core.alignment import aligned
from dse.core.backend import Buffered
from dse.machine.affinity import pin_to
from dse.tasks.shapes import shapes_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dse.core.backend import Batch, Model
    from dse.tasks.task import Inputs

    Buffer = tuple[Any, Any]
    """Memory that batches are written into, and what predicts it."""


class PredictionError(Exception):
    """The runtime raised in a run, or as one was prepared; the original error is the cause."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A model that is called by one thread at a time.

    Attributes:
        model: loaded.
        cpus: the CPUs its thread keeps to; empty for wherever the system puts it.
    """

    model: Model
    cpus: tuple[int, ...] = ()


def buffer(model: Model, batch: Batch) -> Buffer:
    """Memory for a model's batches, filled with a first one; may take that one's own memory.

    Raises:
        Exception: the runtime refuses the batch.
    """
    if isinstance(model, Buffered) and not isinstance(batch, tuple):
        own = model.buffer()
        own[...] = batch
        batch = own
    return batch, model.bind(batch)


def _repeated(sample: Batch, size: int) -> Batch:
    if isinstance(sample, tuple):
        return tuple(_repeated_array(array, size) for array in sample)
    return _repeated_array(sample, size)


def _repeated_array(array: NDArray[Any], size: int) -> NDArray[Any]:
    found = aligned((len(array) * size, *array.shape[1:]), array.dtype)
    found[...] = np.repeat(array, size, axis=0)
    return found


class Samples:
    """Loaded samples, by index.

    Args:
        inputs: where they come from.
        callers: those that predict; each gets its own bound form of a sample.
        batch_size: how many are gathered for a prediction; 1 if they are predicted as they are.

    Attributes:
        arrays: of each loaded sample, what a call for it alone is made with; empty for others.
        bound: by caller and index, what `dse.core.backend.Model.predict` takes.
        shapes: for each sample the index of its shape.
        shape_count: the number of shapes.
        buffers: by caller and shape, where batches are gathered, see `place`; filled with a loaded
            sample at once.
        errors: what went wrong; the run has failed if there is one.
    """

    def __init__(self, inputs: Inputs, callers: Sequence[Caller], batch_size: int) -> None:
        self.inputs = inputs
        self.arrays: list[Any] = [np.empty(0)] * inputs.count
        self.bound: list[list[Any]] = [[None] * inputs.count for _ in callers]
        self.shapes = shapes_of(inputs)
        self.shape_count = 1 + max(self.shapes, default=0)
        self.buffers: list[Buffer] = []
        self.errors: list[BaseException] = []
        self._callers = callers
        self._batch_size = batch_size

    def place(self, number: int, shape: int) -> int:
        """The index of the buffer for batches of a shape of a caller."""
        return number * self.shape_count + shape

    @cached_property
    def several(self) -> bool:
        """Whether a call is made with a tuple of arrays; makes a sample to find out.

        Raises:
            Exception: whatever the inputs raise.
        """
        return isinstance(self.inputs.call([0]), tuple)

    def load(self, indices: list[int]) -> None:
        """Makes all that queries need, before LoadGen starts its clock.

        Keeps an error from LoadGen, as `failed` does.
        """
        if self.errors:
            return
        try:
            loaded = self._made(indices)
        except BaseException as error:  # noqa: BLE001
            self.errors.append(error)
            return
        for index, sample in zip(indices, loaded, strict=True):
            self.arrays[index] = sample
        try:
            self._bind(indices)
        except BaseException as error:  # noqa: BLE001  # a runtime may raise anything
            self.failed(error)

    def _made(self, indices: Sequence[int]) -> list[Any]:
        """What a call for each of these samples alone is made with."""
        if self.several or self.shape_count > 1:
            return [self.inputs.call([index]) for index in indices]
        loaded = self.inputs.call(indices)
        return [loaded[row : row + 1] for row in range(len(indices))]

    def _bind(self, indices: list[int]) -> None:
        """Either all samples, or a buffer full of the first one of each shape."""
        if self._batch_size > 1:
            self.buffers = []
            firsts = [self._first(indices, shape) for shape in range(self.shape_count)]
            for caller in self._callers:
                with pin_to(caller.cpus):  # memory lies near the CPU that writes to it first
                    self.buffers += [self._buffer(caller, first) for first in firsts]
            return
        for caller, bound in zip(self._callers, self.bound, strict=True):
            for index in indices:
                bound[index] = caller.model.bind(self.arrays[index])

    def _first(self, indices: Sequence[int], shape: int) -> Any:
        """The first loaded sample of a shape; None where there is none."""
        first = next((index for index in indices if self.shapes[index] == shape), None)
        return None if first is None else self.arrays[first]

    def _buffer(self, caller: Caller, sample: Any) -> Buffer:
        """Memory for batches of a shape; none where no sample has it."""
        if sample is None:
            return None, None
        return buffer(caller.model, _repeated(sample, self._batch_size))

    def unload(self, indices: list[int]) -> None:
        """Frees samples."""
        for index in indices:
            self.arrays[index] = np.empty(0)
            for bound in self.bound:
                bound[index] = None
        self.buffers = []

    def failed(self, error: BaseException) -> None:
        """Keeps an error from LoadGen, with which the process would crash or wait for ever.

        From then on nothing is predicted and every query is completed with an empty response, so
        that the run ends; it is then reported as failed and no figure of it is used.
        """
        if isinstance(error, Exception):
            wrapped = PredictionError(f"{type(error).__name__}: {error}")
            wrapped.__cause__ = error
            error = wrapped
        self.errors.append(error)
