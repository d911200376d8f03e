"""Makes untrained weights: the same on every machine, and as fast as trained ones.

Speed equals that with trained weights only if no number is denormal (such arithmetic can be a
hundred times slower) and none overflows. So the weights are scaled to keep the mean square of each
layer's result near one (He et al., arXiv:1502.01852), and their magnitude has a lower bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dse.models.untrained import make_uniform
from dse.tasks.image_classification.models.graph import Add, Conv, Dense, GlobalPool, MaxPool, Scale

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from dse.tasks.image_classification.models.graph import Graph, GraphLayer

# Mean square after an activation if it is one before.
_MEAN_SQUARE = {"none": 1.0, "relu": 0.5, "relu6": 0.5, "hswish": 0.36, "hsigmoid": 0.28}
_INPUT_MEAN_SQUARE = 1 / 3  # pixels are uniform in [-1, 1]
_BIAS = 0.1
_MAX_POOL_GAIN = 4.0  # of the mean square, in windows of nine


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights of one layer.

    Attributes:
        kernel: float32, (output channels, input channels per filter, height, width).
        bias: float32, (output channels,).
    """

    kernel: NDArray[np.float32]
    bias: NDArray[np.float32]


def make_untrained(graph: Graph) -> Iterator[tuple[Conv | Dense, Weights]]:
    """Yields each layer with its weights; they depend on the names of the graph and the layer."""
    squares = {graph.input.name: _INPUT_MEAN_SQUARE}
    for layer in graph.layers:
        if isinstance(layer, Conv | Dense):
            _, depth, height, width = layer.weight_shape
            energy = depth * height * width * squares[layer.source.name]
            kernel = make_uniform(f"{graph.name}/{layer.name}/kernel", layer.weight_shape, energy)
            bias = make_uniform(
                f"{graph.name}/{layer.name}/bias", layer.weight_shape[:1], _BIAS**-2
            )
            yield layer, Weights(kernel, bias)
        squares[layer.output.name] = _mean_square(layer, squares)


def _mean_square(layer: GraphLayer, squares: dict[str, float]) -> float:
    """A rough mean square of a layer's result; only its order of magnitude matters."""
    match layer:
        case Conv():
            return _MEAN_SQUARE[layer.activation]
        case Add():
            total = squares[layer.source.name] + squares[layer.other.name]
            return total * _MEAN_SQUARE[layer.activation]
        case MaxPool():
            return squares[layer.source.name] * _MAX_POOL_GAIN
        case Scale():
            return squares[layer.source.name] * squares[layer.gate.name]
        case GlobalPool():
            return squares[layer.source.name]
        case Dense():
            return 1.0
