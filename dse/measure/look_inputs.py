"""Different inputs of a model, for the look at its answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dse.tasks.generated.inputs import GeneratedInputs, call_batch
from dse.tasks.image_classification.inputs import prepare

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from dse.core.backend import Batch
    from dse.measure.loaded_model import LoadedModel
    from dse.tasks.generated.inputs import AnyInputs
    from dse.tasks.image_classification.preprocessing import Preprocessing

BLACK, WHITE = 0, 255


def usual_batch(inputs: AnyInputs, size: int) -> Batch:
    """The first samples, as many as a call takes."""
    return call_batch(inputs, [i % inputs.count for i in range(size)])


def different_batches(bench: LoadedModel, usual: Batch, size: int) -> Iterator[Batch]:
    """Batches of one size that differ as much as inputs of the model can.

    Args:
        bench: has the samples of the run.
        usual: see `usual_batch`.
        size: samples of a batch.

    Yields:
        Five batches, the usual one as the third. The second and the fourth have its first sample,
        and in the place of each further one another one.
    """
    inputs = bench.inputs
    if bench.signature is not None:
        many = GeneratedInputs(5 * size, bench.signature, bench.spec.task.seed)
        yield many.call(range(4 * size, 5 * size))
        yield many.call(_after_the_first(size, size))
        yield usual
        yield many.call(_after_the_first(2 * size, size))
        yield many.call(range(3 * size, 4 * size))
    elif isinstance(usual, np.ndarray) and not isinstance(inputs, GeneratedInputs):
        black, white = (_plain(bench.preprocessing, value) for value in (BLACK, WHITE))
        yield _joined(black, white, size)
        yield _joined(usual[:1], black, size) if size > 1 else white
        yield usual
        # From the middle and the end: images beside each other often have one label.
        further = inputs.batch([(inputs.count // 2 + i) % inputs.count for i in range(size)])
        yield _joined(usual[:1], white, size) if size > 1 else further
        yield further if size > 1 else inputs.batch([inputs.count - 1])


def _after_the_first(start: int, size: int) -> Sequence[int]:
    """Sample 0, and others from a start on; others alone where there is room for one."""
    return [0, *range(start + 1, start + size)] if size > 1 else [start]


def _plain(preprocessing: Preprocessing, value: int) -> NDArray[Any]:
    """An image of one colour, as the model takes it."""
    side = preprocessing.resolution
    return prepare(np.full((1, side, side, 3), value, np.uint8), preprocessing)


def _joined(first: NDArray[Any], others: NDArray[Any], size: int) -> NDArray[Any]:
    """A batch of one sample and copies of another one."""
    batch = np.repeat(others, size, axis=0)
    batch[:1] = first
    return batch
