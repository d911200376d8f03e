"""Samples of several shapes, such as short and long texts: a model is loaded for each of these.

A task whose samples have one shape needs nothing of this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from dse.tasks.task import Inputs, TaskWorker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dse.core.backend import Batch
    from dse.core.signature import Signature


@runtime_checkable
class ShapedWorker(TaskWorker, Protocol):
    """A worker of a task whose samples have several shapes.

    The inputs that `different_batches` is given are of one shape, as are the outputs of a call.
    """

    @property
    def signatures(self) -> tuple[Signature, ...]:
        """The model's inputs in each shape, from the least work to the most."""
        ...


@runtime_checkable
class ShapedInputs(Inputs, Protocol):
    """Samples of several shapes; those of a call all have the same one."""

    @property
    def shapes(self) -> Sequence[int]:
        """For each sample the index of its shape in `ShapedWorker.signatures`."""
        ...


def shapes_of(inputs: Inputs) -> Sequence[int]:
    """For each sample the index of its shape; 0 where all have one shape."""
    return inputs.shapes if isinstance(inputs, ShapedInputs) else [0] * inputs.count


def typical_samples(inputs: Inputs, count: int) -> Inputs:
    """Some samples that stand for all: each shape is as frequent among them, and so is each part.

    The first samples of a data set are no fair choice: they may be of one text, all short or long.

    Args:
        inputs: all samples.
        count: how many are wanted.

    Returns:
        All, if there are no more, or if all have one shape.
    """
    shapes = shapes_of(inputs)
    if count >= inputs.count or len(set(shapes)) == 1:
        return inputs
    ordered = sorted(range(inputs.count), key=lambda index: (shapes[index], index))
    middles = ((2 * place + 1) * inputs.count // (2 * count) for place in range(count))
    return Selected(inputs, sorted(ordered[middle] for middle in middles))


class Selected:
    """Some samples of others, in any order; one may come several times.

    Args:
        inputs: the others.
        indices: of the samples that are taken.
    """

    def __init__(self, inputs: Inputs, indices: Sequence[int]) -> None:
        shapes = shapes_of(inputs)
        self.count = len(indices)
        self.shapes = [shapes[index] for index in indices]
        self._inputs, self._indices = inputs, indices

    def call(self, indices: Sequence[int], out: Batch | None = None) -> Batch:
        """See `dse.tasks.task.Inputs.call`."""
        return self._inputs.call([self._indices[index] for index in indices], out)
