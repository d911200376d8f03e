"""One operator of an ONNX file, as what writes it in TensorFlow's functions sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import tensorflow as tf
from onnx import helper

from dse.core.backend import UnsupportedError

from ._onnx_file import Operator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ._tf_graph import Graph, Value

    Translator = Callable[["Call"], "Value | Sequence[Value]"]
    """Writes an operator; returns its output, or all of several."""

DTYPES = {1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13}
"""The numbers that ONNX has for the types that are computed with."""


def dtype_of(number: int) -> tf.DType:
    """TensorFlow's type for a type of ONNX.

    Raises:
        UnsupportedError: nothing here computes with it.
    """
    if number not in DTYPES:
        raise UnsupportedError(f"the type {number} of ONNX is none that is computed with here")
    return tf.as_dtype(helper.tensor_dtype_to_np_dtype(number))


@dataclass(frozen=True, slots=True)
class Call(Operator["Value"]):
    """An operator with its inputs; see `Operator`."""

    graph: Graph

    def write(self, function: Callable[..., Any], *given: Any, **named: Any) -> Value:
        """See `Graph.call`."""
        return self.graph.call(function, *given, **named)

    def spread(self, function: Callable[..., Any], *values: Value) -> Value:
        """See `Graph.spread`."""
        return self.graph.spread(function, *values)

    def along(
        self, function: Callable[[tf.Tensor, list[int]], Any], value: Value, axes: Sequence[int]
    ) -> Value:
        """What a function gives for a tensor and some of its dimensions, all of which stay.

        Args:
            function: takes the tensor and the places of the dimensions in it.
            value: in either layout.
            axes: dimensions, as the file has them.
        """
        axes = [axis % max(value.rank, 1) for axis in axes]
        if not value.channels_last:
            return self.write(function, value, axes)
        tensor, places = self.graph.held(value)
        assert places is not None  # noqa: S101  # it is held in that layout alone
        return self.graph.wrap(
            function(tensor, [_place(axis, value.rank) for axis in axes]), last=True
        )


def _place(axis: int, rank: int) -> int:
    """Where a dimension of the file lies with the channels last."""
    return axis if axis == 0 else rank - 1 if axis == 1 else axis - 1


def to_type(call: Call, value: Value, dtype: tf.DType) -> Value:
    """The numbers of a tensor in a type."""
    return value if value.dtype == dtype else call.spread(lambda one: tf.cast(one, dtype), value)
