"""A graph of TensorFlow's own functions, written value by value while a function is traced.

What depends on no input is computed as the graph is written. TensorFlow computes convolutions on
CPUs with the channels last and an ONNX file has them second, so a value may be held in either
layout, or in both; it is moved from one to the other where an operator asks for it, and once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from dse.core.backend import UnsupportedError

from ._onnx_operators import filled, values_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

LARGEST_CONSTANT = 1 << 28
"""Elements of a constant that is computed from others; a file could ask for any number."""
SPATIAL = 3
"""Tensors have channels from this number of dimensions on."""


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """How a layer of constant weights has made a value, so that it can be made otherwise.

    Attributes:
        weight: with the outputs as its first dimension.
        bias: one number for each output; None for none.
        axis: the dimension of the value that the outputs lie along.
        write: writes the layer with another weight and bias.
    """

    weight: NDArray[Any]
    bias: NDArray[Any] | None
    axis: int
    write: Callable[[NDArray[Any], NDArray[Any] | None], Value]


@dataclass(slots=True, eq=False)
class Value:
    """A tensor in the graph.

    Attributes:
        shape: as the file has it.
        dtype: of its elements.
        array: the numbers of a constant; None for all else.
        plain: what computes it, as the file has it; None while nobody asks.
        last: the same with the channels last; None while nobody asks.
        layer: that has made it; None for all else.
    """

    shape: tuple[int, ...]
    dtype: tf.DType
    array: NDArray[Any] | None = None
    plain: tf.Tensor | None = None
    last: tf.Tensor | None = None
    layer: Layer | None = None

    @property
    def rank(self) -> int:
        """The number of its dimensions."""
        return len(self.shape)

    @property
    def constant(self) -> bool:
        """Whether it is the same for all inputs."""
        return self.array is not None

    @property
    def channels_last(self) -> bool:
        """Whether it is held with the channels last, and in no other way."""
        return self.last is not None and self.plain is None and not self.constant

    def numbers(self, what: str) -> list[Any]:
        """The elements of a constant, as Python has them, in one row.

        Args:
            what: they are, for the complaint about a value that depends on the inputs.

        Raises:
            UnsupportedError: it is no constant.
        """
        if self.array is None:
            raise UnsupportedError(f"{what} depends on the numbers of an input")
        found: list[Any] = self.array.reshape(-1).tolist()
        return found


def constant(array: Any, dtype: Any = None) -> Value:
    """A value that is the same for all inputs."""
    found = np.asarray(array, dtype)
    return Value(tuple(found.shape), tf.as_dtype(found.dtype), found)


def check_size(shape: Iterable[int]) -> None:
    """Refuses a constant that would fill the memory.

    Raises:
        UnsupportedError: it would.
    """
    count = 1
    for size in shape:
        count *= size
    if count > LARGEST_CONSTANT:
        raise UnsupportedError(f"a constant would have {count} elements")


def channels_last(rank: int) -> tuple[int, ...]:
    """The order of dimensions that brings the channels to the end."""
    return (0, *range(2, rank), 1)


def channels_second(rank: int) -> tuple[int, ...]:
    """The order of dimensions that brings them back."""
    return (0, rank - 1, *range(1, rank - 1))


class Graph:
    """A graph while it is written, within a function that is traced.

    Args:
        compiled: whether XLA compiles the function.
    """

    def __init__(self, *, compiled: bool = False) -> None:
        self.compiled = compiled
        self._written: dict[int, tuple[NDArray[Any], tf.Tensor]] = {}

    def wrap(self, tensor: tf.Tensor, *, last: bool = False) -> Value:
        """A tensor of the graph as a value.

        Args:
            tensor: of a shape that is known.
            last: whether it has the channels last.

        Raises:
            UnsupportedError: a size depends on the numbers of an input.
        """
        if not tensor.shape.is_fully_defined():
            raise UnsupportedError("a size depends on the numbers of an input")
        sizes = tuple(tensor.shape.as_list())
        if not last:
            return Value(sizes, tensor.dtype, plain=tensor)
        order = channels_second(len(sizes))
        return Value(tuple(sizes[axis] for axis in order), tensor.dtype, last=tensor)

    def call(self, function: Callable[..., Any], *given: Any, **named: Any) -> Value:
        """What a function of TensorFlow gives for values and anything else, at once if it can be.

        Args:
            function: returns one tensor; changes none.
            given: its arguments; `Value` alone or in a list stands for a tensor.
            named: others of its arguments.
        """
        values = list(values_in((given, named), Value))
        if all(value.constant for value in values):
            with tf.init_scope():
                found = function(*filled(given, Value, _eager), **filled(named, Value, _eager))
            return constant(found.numpy())
        return self.wrap(
            function(*filled(given, Value, self.plain), **filled(named, Value, self.plain))
        )

    def spread(self, function: Callable[..., Any], *values: Value) -> Value:
        """What a function gives that works element by element, in the layout that is there."""
        rank = max(value.rank for value in values)
        if not any(value.channels_last and value.rank == rank for value in values):
            return self.call(function, *values)
        tensors = [self._beside(value, rank) for value in values]
        return self.wrap(function(*tensors), last=True)

    def _beside(self, value: Value, rank: int) -> tf.Tensor:
        """A tensor that is broadcast to one with the channels last as the value would be."""
        if value.rank == rank:
            return self.last(value)
        if value.rank == 0:
            return self.plain(value)
        wide = [1] * (rank - value.rank) + [*value.shape]
        return self.last(self.call(tf.reshape, value, wide))

    def held(self, value: Value) -> tuple[tf.Tensor, tuple[int, ...] | None]:
        """A tensor in the layout that is there, and where each dimension of the file lies in it.

        Returns:
            The tensor; None for the places where it is as the file has it.
        """
        if not value.channels_last:
            return self.plain(value), None
        return self.last(value), channels_second(value.rank)

    def plain(self, value: Value) -> tf.Tensor:
        """The tensor as the file has it."""
        if value.plain is None:
            if value.array is not None:
                return self.literal(value.array)
            value.plain = _moved(value.last, channels_second(value.rank))
        return value.plain

    def last(self, value: Value) -> tf.Tensor:
        """The tensor with the channels last."""
        if value.last is None:
            order = channels_last(value.rank)
            if value.array is not None:
                value.last = self.literal(np.ascontiguousarray(value.array.transpose(order)))
            else:
                value.last = _moved(self.plain(value), order)
        return value.last

    def literal(self, array: NDArray[Any]) -> tf.Tensor:
        """A constant of the graph; the same array becomes one."""
        if id(array) not in self._written:
            self._written[id(array)] = array, tf.constant(array)  # its id stays its own
        return self._written[id(array)][1]


def _moved(tensor: Any, order: Sequence[int]) -> tf.Tensor:
    """A tensor with its dimensions in another order; without work where no number moves."""
    sizes = tensor.shape.as_list()
    longer = [axis for axis in order if sizes[axis] != 1]
    if longer == sorted(longer):
        return tf.reshape(tensor, [sizes[axis] for axis in order])
    return tf.transpose(tensor, order)


def _eager(value: Value) -> tf.Tensor:
    return tf.constant(value.array)
