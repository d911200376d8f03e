"""Adds up what the layers of a model take, in the same way for every format."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING

from dse.core.inference_cost import InferenceCost, ModelCounts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dse.formats.flatbuffer import Data

    Shape = tuple[int, ...]

MAX_RANK = 16
MAX_ELEMENTS = 1 << 48
"""Bounds that no real tensor comes near."""
SAMPLED_BYTES = 16 << 10
"""How much of a tensor of weights is looked at for zeros: enough to tell their share within 2 %."""
MIN_SAMPLED_ELEMENTS = 1024
_KINDS = ("pointwise", "depthwise", "spatial", "dense", "attention")
_ZEROS: Mapping[int, tuple[str, tuple[int, ...]]] = {
    4: ("I", (0, 1 << 31)),
    2: ("H", (0, 1 << 15)),
    1: ("B", (0,)),
}
"""Type code of `array` by bytes of an element, and what stands for zero: pruning leaves negative
zeros as well. One byte is a signed integer without an offset."""


class CountError(ValueError):
    """A shape that a layer's cost depends on is not known, or out of bounds."""


def elements_of(shape: Shape) -> int:
    """The number of elements of a tensor.

    Raises:
        CountError: the shape is out of bounds.
    """
    if len(shape) > MAX_RANK or any(not 0 <= size <= MAX_ELEMENTS for size in shape):
        raise CountError("a shape is out of bounds")
    found = prod(shape)
    if found > MAX_ELEMENTS:
        raise CountError("a tensor is out of bounds")
    return found


@dataclass(slots=True)
class Tally:
    """The sums so far."""

    _macs: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_KINDS, 0))
    _values: int = 0
    _layers: int = 0
    _parameters: int = 0
    _weight_bytes: int = 0
    _zeros: float = 0.0
    _looked_at: int = 0
    _filter_side: int = 0
    _sums: bool = False
    _gates: bool = False

    def convolution(self, output: Shape, kernel: Sequence[int], depth: int, groups: int) -> None:
        """Adds a convolution.

        Args:
            output: shape of what it writes.
            kernel: sizes of a filter.
            depth: channels of a filter.
            groups: parts of the channels that have filters of their own.
        """
        side = max(kernel, default=1)
        kind = "spatial" if side > 1 or groups > 1 else "pointwise"
        if groups > 1 and depth == 1:
            kind = "depthwise"
            self._filter_side = max(self._filter_side, side)
        self._layer(output, kind, elements_of((*kernel, depth)))

    def product(self, output: Shape, depth: int, *, weights: bool) -> None:
        """Adds a product of matrices, or a fully connected layer.

        Args:
            output: shape of what it writes.
            depth: products that are summed up for each value.
            weights: whether one of its factors is constant.
        """
        self._layer(output, "dense" if weights else "attention", depth)

    def pool(self, output: Shape) -> None:
        """Adds a layer without multiply-accumulates."""
        self._layer(output)

    def sum(self, output: Shape, left: Shape, right: Shape) -> None:
        """Adds a sum of two computed values, if it is a residual one."""
        if left == right:
            self._sums = True
            self._layer(output)

    def gate(self, output: Shape, left: Shape, right: Shape) -> None:
        """Adds a product of computed values element by element, if one is a gate of channels."""
        if len(left) == len(right) == 4 and left != right and output in (left, right):
            self._gates = True
            self._layer(output)

    def constant(self, shape: Shape, element_bits: int) -> None:
        """Adds a constant; a single number is no parameter."""
        elements = elements_of(shape)
        if elements > 1:
            self._parameters += elements
            self._weight_bytes += -(-elements * element_bits // 8)

    def weights(self, data: Data, begin: int, end: int, element_bytes: int) -> None:
        """Looks for zeros among the weights of a layer, which lie between two positions."""
        elements = (end - begin) // element_bytes
        if elements < MIN_SAMPLED_ELEMENTS or element_bytes not in _ZEROS:
            return
        size = min(end - begin, SAMPLED_BYTES)
        first = begin + (end - begin - size) // 2 // element_bytes * element_bytes
        code, zeros = _ZEROS[element_bytes]
        part = array(code, bytes(data[first : first + size // element_bytes * element_bytes]))
        self._zeros += elements * sum(map(part.count, zeros)) / len(part)
        self._looked_at += elements

    def result(self, inputs: Iterable[Shape]) -> ModelCounts:
        """All of it.

        Raises:
            CountError: nothing is multiplied.
        """
        if not any(self._macs.values()):
            raise CountError("there is no layer")
        cost = InferenceCost(
            **{f"{kind}_macs": macs for kind, macs in self._macs.items()},
            parameters=max(1, self._parameters),
            values=self._values,
            layers=self._layers,
        )
        return ModelCounts(
            cost=cost,
            points=max(map(_points, inputs), default=1),
            weight_bytes=self._weight_bytes,
            zeros=self._zeros / self._looked_at if self._looked_at else 0.0,
            filter_side=self._filter_side,
            sums=self._sums,
            gates=self._gates,
        )

    def _layer(self, output: Shape, kind: str = "", each: int = 0) -> None:
        written = elements_of(output)
        self._values += written
        self._layers += 1
        if kind:
            self._macs[kind] += written * each


def _points(shape: Shape) -> int:
    """The positions of an input: all but the batch and, of three sizes or more, the channels."""
    sizes = sorted(shape[1:])
    return max(1, elements_of(tuple(sizes[1:] if len(sizes) > 2 else sizes)))
