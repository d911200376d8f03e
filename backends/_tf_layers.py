"""Products of matrices and normalisations of ONNX, in TensorFlow's functions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from ._tf_call import to_type
from ._tf_graph import Layer, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from ._tf_call import Call, Translator

MATRIX = 2
AXIS_ALONE = 13
"""From this version on a softmax is along one dimension."""


def _dense(call: Call, value: Value, weight: NDArray[Any], bias: NDArray[Any] | None) -> Value:
    """A dense layer on the last dimension: one product of two matrices, whatever the rank is.

    Args:
        call: to write with.
        value: not a constant.
        weight: (outputs, inputs).
        bias: (outputs,); None for none.
    """
    wide = [*value.shape[:-1], weight.shape[0]]
    rows = call.graph.plain(value)
    if value.rank != MATRIX:
        rows = tf.reshape(rows, [math.prod(value.shape[:-1]), value.shape[-1]])

    def write(numbers: NDArray[Any], shift: NDArray[Any] | None) -> Value:
        found = tf.matmul(rows, call.graph.literal(np.ascontiguousarray(numbers.T)))
        if shift is not None:
            shift = np.ascontiguousarray(shift, found.dtype.as_numpy_dtype)
            found = tf.nn.bias_add(found, call.graph.literal(shift))
        made = call.graph.wrap(found if value.rank == MATRIX else tf.reshape(found, wide))
        made.layer = Layer(numbers, shift, -1, write)
        return made

    return write(weight, bias)


def gemm(call: Call) -> Value:
    """A product of matrices and a sum."""
    one, other, bias = call.value(0), call.value(1), call.optional(2)
    if call.attribute("transA", 0):
        one = call.write(tf.transpose, one)
    turned = bool(call.attribute("transB", 0))
    alpha, beta = call.attribute("alpha", 1.0), call.attribute("beta", 1.0)
    if other.array is not None and not one.constant and other.dtype.is_floating:
        weight = other.array if turned else other.array.T
        row = _row(bias, len(weight))
        if bias is None or row is not None:
            weight = weight if alpha == 1 else (weight * alpha).astype(weight.dtype)
            return _dense(call, one, weight, None if row is None else row * beta)
    found = call.write(tf.matmul, one, other, transpose_b=turned)
    if alpha != 1.0:
        found = call.write(lambda tensor: _times(tensor, alpha), found)
    if bias is None:
        return found
    if beta != 1.0:
        bias = call.write(lambda tensor: _times(tensor, beta), bias)
    return call.write(tf.add, found, bias)


def _times(tensor: Any, factor: float) -> Any:
    return tensor * tf.cast(factor, tensor.dtype)


def _row(bias: Value | None, count: int) -> NDArray[Any] | None:
    """A constant that is the same for all rows; None where it is not."""
    if bias is None or bias.array is None or bias.array.size not in (1, count):
        return None
    return (
        np.broadcast_to(bias.array.reshape(-1), (count,)) if bias.shape[:-1] in ((), (1,)) else None
    )


def matmul(call: Call) -> Value:
    """A product; that by a constant matrix is a dense layer."""
    one, other = call.value(0), call.value(1)
    dense = not one.constant and one.rank >= MATRIX and one.dtype.is_floating
    if dense and other.array is not None and other.rank == MATRIX:
        return _dense(call, one, other.array.T, None)
    return call.write(_product, one, other)


def _product(one: Any, other: Any) -> Any:
    """A vector stands for a row, or for a column."""
    row, column = len(one.shape) == 1, len(other.shape) == 1
    found = tf.matmul(one[None] if row else one, other[:, None] if column else other)
    if column:
        found = tf.squeeze(found, -1)
    return tf.squeeze(found, -1 if column else -2) if row else found


def _normalised(tensor: Any, axes: Sequence[int], epsilon: float) -> Any:
    mean, variance = tf.nn.moments(tensor, axes, keepdims=True)
    return (tensor - mean) * tf.math.rsqrt(variance + tf.cast(epsilon, tensor.dtype))


def layer_normalization(call: Call) -> list[Value]:
    """Over the last dimensions; mean and inverse deviation are further outputs."""
    value, scale, bias = call.value(0), call.value(1), call.optional(2)
    first, epsilon = call.attribute("axis", -1), call.attribute("epsilon", 1e-5)
    axes = list(range(first % value.rank, value.rank))
    mean = call.write(lambda one: tf.reduce_mean(one, axes, keepdims=True), value)
    apart = call.write(tf.math.squared_difference, value, mean)
    inverse = call.write(
        lambda one: tf.math.rsqrt(
            tf.reduce_mean(one, axes, keepdims=True) + tf.cast(epsilon, one.dtype)
        ),
        apart,
    )
    found = call.write(lambda one, at, times: (one - at) * times, value, mean, inverse)
    found = call.write(tf.multiply, found, scale)
    return [found if bias is None else call.write(tf.add, found, bias), mean, inverse]


def rms_normalization(call: Call) -> Value:
    """Over the last dimensions, without a mean."""
    value, scale = call.value(0), call.value(1)
    first, epsilon = call.attribute("axis", -1), call.attribute("epsilon", 1e-5)
    axes = list(range(first % value.rank, value.rank))

    def normalised(tensor: Any) -> Any:
        square = tf.reduce_mean(tf.square(tensor), axes, keepdims=True)
        return tensor * tf.math.rsqrt(square + tf.cast(epsilon, tensor.dtype))

    return call.write(tf.multiply, call.write(normalised, value), scale)


def instance_normalization(call: Call) -> Value:
    """Over all pixels of a channel of a sample."""
    value, epsilon = call.value(0), call.attribute("epsilon", 1e-5)
    shape = [1, -1, *[1] * (value.rank - 2)]
    scale, bias = (call.write(tf.reshape, call.value(index), shape) for index in (1, 2))
    axes = list(range(2, value.rank))
    found = call.along(lambda one, places: _normalised(one, places, epsilon), value, axes)
    return call.spread(lambda one, times, plus: one * times + plus, found, scale, bias)


def group_normalization(call: Call) -> Value:
    """Over groups of channels; from version 21 on each channel has a scale of its own."""
    value, groups = call.value(0), call.attribute("num_groups")
    epsilon = call.attribute("epsilon", 1e-5)
    parted = call.write(tf.reshape, value, [value.shape[0], groups, -1])
    found = call.write(_normalised, parted, [2], epsilon)
    each = call.value(1).shape == (value.shape[1],)
    shape = [1, value.shape[1] if each else groups, *[1] * (value.rank - 2)]
    wide = value.shape if each else (value.shape[0], groups, -1)
    found = call.write(tf.reshape, found, wide)
    for function, index in ((tf.multiply, 1), (tf.add, 2)):
        numbers = call.write(tf.reshape, call.value(index), shape if each else [1, groups, 1])
        found = call.write(function, found, numbers)
    return call.write(tf.reshape, found, value.shape)


def softmax(function: Callable[..., Any]) -> Translator:
    """Along one dimension; before version 13 along all from that one on."""

    def translate(call: Call) -> Value:
        value = call.value()
        if call.opset >= AXIS_ALONE:
            axis = call.attribute("axis", -1)
            return call.along(lambda one, places: function(one, places[0]), value, [axis])
        axis = call.attribute("axis", 1) % max(value.rank, 1)
        if math.prod(value.shape[axis:]) == value.shape[axis]:
            return call.along(lambda one, places: function(one, places[0]), value, [axis])
        flat = call.write(tf.reshape, value, [math.prod(value.shape[:axis]), -1])
        return call.write(tf.reshape, call.write(function, flat, -1), value.shape)

    return translate


def _mean(tensor: Any, axes: Sequence[int], keepdims: bool) -> Any:
    if tensor.dtype.is_floating:
        return tf.reduce_mean(tensor, axes, keepdims)
    return tf.cast(tf.reduce_mean(tf.cast(tensor, tf.float64), axes, keepdims), tensor.dtype)


def _root(tensor: Any, axes: Sequence[int], keepdims: bool) -> Any:
    return tf.sqrt(tf.reduce_sum(tf.square(tensor), axes, keepdims))


def _log_of_sum(tensor: Any, axes: Sequence[int], keepdims: bool) -> Any:
    return tf.math.log(tf.reduce_sum(tensor, axes, keepdims))


def reduction(function: Callable[..., Any], before: Callable[..., Any] | None = None) -> Translator:
    """The operator that makes one number of many, along some dimensions or all.

    Args:
        function: takes a tensor, dimensions and whether they stay, of size 1.
        before: done with each number before.
    """

    def translate(call: Call) -> Value:
        value, axes = call.value(), call.numbers(1, "axes")
        if not axes:
            if call.attribute("noop_with_empty_axes", 0):
                return value if before is None else call.spread(before, value)
            axes = list(range(value.rank))
        if before is not None:
            value = call.spread(before, value)
        found = call.along(lambda one, places: function(one, places, True), value, axes)
        if not call.attribute("keepdims", 1):
            gone = {axis % value.rank for axis in axes}
            kept = [size for axis, size in enumerate(value.shape) if axis not in gone]
            found = call.write(tf.reshape, found, kept)
        return to_type(call, found, value.dtype)

    return translate


def place_of(function: Callable[..., Any]) -> Translator:
    """The index of the greatest or least number along a dimension."""

    def translate(call: Call) -> Value:
        if call.attribute("select_last_index", 0):
            raise call.refuse("select_last_index")
        axis = call.attribute("axis", 0)
        found = call.write(function, call.value(), axis, output_type=tf.int64)
        return call.write(tf.expand_dims, found, axis) if call.attribute("keepdims", 1) else found

    return translate


def top_k(call: Call) -> list[Value]:
    """The greatest or least numbers along the last dimension, and their places."""
    value, count = call.value(), (call.numbers(1, "k") or [0])[0]
    if call.attribute("axis", -1) % value.rank != value.rank - 1:
        raise call.refuse("another dimension than the last")
    if call.attribute("largest", 1):
        places = call.write(lambda one: tf.math.top_k(one, count).indices, value)
    elif value.dtype.is_floating or value.dtype.min < 0:
        places = call.write(lambda one: tf.math.top_k(-one, count).indices, value)
    else:
        raise call.refuse("the least of unsigned numbers")
    found = call.write(lambda one, at: tf.gather(one, at, batch_dims=value.rank - 1), value, places)
    return [found, to_type(call, places, tf.int64)]


def cumulative_sum(call: Call) -> Value:
    """Sums of all up to each."""
    (axis,) = call.value(1).numbers("the axis of CumSum")
    exclusive, reverse = (bool(call.attribute(name, 0)) for name in ("exclusive", "reverse"))
    return call.write(tf.cumsum, call.value(), axis, exclusive, reverse)


LAYERS: dict[str, Translator] = {
    "Gemm": gemm,
    "MatMul": matmul,
    "LayerNormalization": layer_normalization,
    "RMSNormalization": rms_normalization,
    "InstanceNormalization": instance_normalization,
    "GroupNormalization": group_normalization,
    "Softmax": softmax(tf.nn.softmax),
    "LogSoftmax": softmax(tf.nn.log_softmax),
    "ReduceMean": reduction(_mean),
    "ReduceSum": reduction(tf.reduce_sum),
    "ReduceMax": reduction(tf.reduce_max),
    "ReduceMin": reduction(tf.reduce_min),
    "ReduceProd": reduction(tf.reduce_prod),
    "ReduceL1": reduction(tf.reduce_sum, tf.abs),
    "ReduceL2": reduction(_root),
    "ReduceSumSquare": reduction(tf.reduce_sum, tf.square),
    "ReduceLogSum": reduction(_log_of_sum),
    "ReduceLogSumExp": reduction(tf.reduce_logsumexp),
    "ArgMax": place_of(tf.argmax),
    "ArgMin": place_of(tf.argmin),
    "TopK": top_k,
    "CumSum": cumulative_sum,
}
