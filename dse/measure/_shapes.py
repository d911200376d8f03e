"""A model that is loaded for samples of several shapes, and the samples of each of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dse.core.backend import Reshapable, arrays_of
from dse.tasks.shapes import Selected, shapes_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from dse.core.backend import Batch, LoadRequest, Model, Outputs, Runtime
    from dse.core.signature import Signature
    from dse.tasks.task import Inputs

    SampleShape = tuple[tuple[int, ...], ...]
    """For each input the shape that it has for one sample, without the batch."""


@dataclass(frozen=True, slots=True)
class Part:
    """The samples of one shape.

    Attributes:
        shape: its index.
        inputs: the samples, at least one.
        share: how many of all samples have this shape, above 0 to 1.
    """

    shape: int
    inputs: Inputs
    share: float


def parts_of(inputs: Inputs) -> list[Part]:
    """The samples by their shapes; a shape that none has is left out."""
    shapes = shapes_of(inputs)
    counts = Counter(shapes)
    if len(counts) == 1:
        return [Part(shapes[0], inputs, 1.0)]
    indices: dict[int, list[int]] = {shape: [] for shape in sorted(counts)}
    for index, shape in enumerate(shapes):
        indices[shape].append(index)
    return [
        Part(shape, Selected(inputs, own), counts[shape] / inputs.count)
        for shape, own in indices.items()
    ]


def load_shapes(
    runtime: Runtime, request: LoadRequest, signatures: Iterable[Signature | None]
) -> Iterator[Model]:
    """Loads a model for each shape; one that takes other sizes as it is, is loaded once.

    Raises:
        UnsupportedError: the runtime can't run this configuration.
        LoadError: the file is not one the runtime can load.
    """
    first: Model | None = None
    for signature in signatures:
        if isinstance(first, Reshapable) and signature is not None:
            yield first.reshaped(signature)
        else:
            model = runtime.load(replace(request, signature=signature))
            first = model if first is None else first
            yield model


def join(models: Sequence[Model], signatures: Iterable[Signature | None]) -> Model:
    """A model for each shape as one; where there is one shape, the model as it is."""
    if len(models) == 1:
        return models[0]
    shapes = (_shape_of(one.shape for one in each.inputs) for each in signatures if each)
    return _ShapedModel(dict(zip(shapes, models, strict=True)))


class _ShapedModel:
    """A model for each shape as one: a batch is bound to the model of its shape.

    Args:
        models: by the shape of a sample; whoever loaded them closes them.
    """

    def __init__(self, models: Mapping[SampleShape, Model]) -> None:
        self._models = models

    def bind(self, batch: Batch) -> tuple[Model, Any]:
        model = self._models[_shape_of(array.shape for array in arrays_of(batch))]
        return model, model.bind(batch)

    def predict(self, bound: tuple[Model, Any]) -> NDArray[np.generic]:
        model, own = bound
        return model.predict(own)

    def outputs(self, bound: tuple[Model, Any]) -> Outputs:
        model, own = bound
        return model.outputs(own)

    def close(self) -> None:
        self._models = {}


def _shape_of(shapes: Iterable[tuple[int, ...]]) -> SampleShape:
    """The shape of a sample, of the shapes of a call's inputs."""
    return tuple(shape[1:] for shape in shapes)
