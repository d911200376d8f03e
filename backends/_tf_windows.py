"""Convolutions and poolings of ONNX, in TensorFlow's functions, with the channels last."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from ._tf_graph import SPATIAL, Layer, Value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ._tf_call import Call, Translator

PLANE = 2
"""Spatial dimensions of what TensorFlow computes best; a row is a plane of height 1."""


@dataclass(frozen=True, slots=True)
class Window:
    """What moves over the spatial dimensions of an input; a list has a number for each.

    Attributes:
        sizes: of the input.
        kernel: extent of the window, in elements.
        strides: from one place to the next.
        dilations: from one element to the next.
        before: padding at the beginning.
        after: padding at the end.
    """

    sizes: list[int]
    kernel: list[int]
    strides: list[int]
    dilations: list[int]
    before: list[int]
    after: list[int]

    @property
    def extents(self) -> list[int]:
        """What the window reaches over."""
        return [d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilations, strict=True)]

    @property
    def padded(self) -> bool:
        """Whether there is any padding."""
        return any(self.before) or any(self.after)

    @property
    def is_same(self) -> bool:
        """Whether the padding is the one that TensorFlow calls so."""
        less, more = _same(self.sizes, self.strides, self.extents)
        return (self.before, self.after) == (less, more)

    def pairs(self) -> list[list[int]]:
        """The padding of each dimension of a tensor with the channels last."""
        middle = zip(self.before, self.after, strict=True)
        return [[0, 0], *map(list, middle), [0, 0]]

    def as_plane(self) -> Window:
        """The same with a first dimension of size 1, for a row."""
        if len(self.sizes) != 1:
            return self
        ones, zeros = [1], [0]
        return Window(
            ones + self.sizes,
            ones + self.kernel,
            ones + self.strides,
            ones + self.dilations,
            zeros + self.before,
            zeros + self.after,
        )


def window(call: Call, value: Value, kernel: Sequence[int]) -> Window:
    """The window of an operator, from its attributes."""
    sizes, count = list(value.shape[2:]), len(kernel)
    strides = call.attribute("strides", [1] * count)
    dilations = call.attribute("dilations", [1] * count)
    mode = call.attribute("auto_pad", "NOTSET")
    found = Window(sizes, list(kernel), strides, dilations, [0] * count, [0] * count)
    if mode == "NOTSET":
        pads = call.attribute("pads", [0] * (2 * count))
        before, after = pads[:count], pads[count:]
    elif mode == "VALID":
        before, after = [0] * count, [0] * count
    else:
        before, after = _same(sizes, strides, found.extents)
        if mode != "SAME_UPPER":
            before, after = after, before
    return Window(sizes, list(kernel), strides, dilations, before, after)


def _same(
    sizes: Sequence[int], strides: Sequence[int], extents: Sequence[int]
) -> tuple[list[int], list[int]]:
    totals = [
        max((math.ceil(size / stride) - 1) * stride + extent - size, 0)
        for size, stride, extent in zip(sizes, strides, extents, strict=True)
    ]
    return [total // 2 for total in totals], [total - total // 2 for total in totals]


def _plane(call: Call, value: Value) -> tf.Tensor:
    """The tensor with the channels last, a row as a plane."""
    if value.rank not in (SPATIAL, SPATIAL + 1):
        raise call.refuse(f"an input of {value.rank} dimensions")
    tensor = call.graph.last(value)
    return tf.expand_dims(tensor, 1) if value.rank == SPATIAL else tensor


def _back(call: Call, tensor: tf.Tensor, value: Value) -> Value:
    """A plane as a value of the rank that the input has."""
    if value.rank == SPATIAL:
        tensor = tf.squeeze(tensor, 1)
    return call.graph.wrap(tensor, last=True)


def conv(call: Call) -> Value:
    """A convolution with or without a bias."""
    value, weight, bias = call.value(0), call.value(1), call.optional(2)
    kernel = call.attribute("kernel_shape", list(weight.shape[2:]))
    moving, groups = window(call, value, kernel), call.attribute("group", 1)
    if value.rank == SPATIAL + 2:
        return _conv_3d(call, value, weight, bias, moving, groups)
    if weight.array is None or (bias is not None and bias.array is None):
        return _conv_by_input(call, value, weight, bias, moving, groups)
    plane, shift = moving.as_plane(), None if bias is None else bias.array
    tensor = _plane(call, value)

    def write(numbers: NDArray[Any], shift: NDArray[Any] | None) -> Value:
        wide = numbers[:, :, None] if value.rank == SPATIAL else numbers
        alone = groups == value.shape[1] and wide.shape[1] == 1
        found = (
            _depthwise(call, tensor, wide, plane)
            if alone
            else _grouped(call, tensor, wide, plane, groups)
        )
        if shift is not None:
            shift = np.ascontiguousarray(shift, found.dtype.as_numpy_dtype)
            # Without oneDNN, a bias would be put into a layer that takes no groups.
            plus = tf.add if groups > 1 and not alone else tf.nn.bias_add
            found = plus(found, call.graph.literal(shift))
        made = _back(call, found, value)
        made.layer = Layer(numbers, shift, 1, write)
        return made

    return write(weight.array, shift)


def _padding(tensor: tf.Tensor, moving: Window) -> tuple[tf.Tensor, Any]:
    """The tensor, and the padding in TensorFlow's words."""
    if not moving.padded:
        return tensor, "VALID"
    if moving.is_same:
        return tensor, "SAME"
    return tensor, moving.pairs()


def _grouped(
    call: Call, tensor: tf.Tensor, weight: NDArray[Any], moving: Window, groups: int
) -> tf.Tensor:
    """A convolution; TensorFlow finds the number of groups by the shapes."""
    if weight.shape[1] * groups != tensor.shape[-1]:
        raise call.refuse(f"{weight.shape[1]} channels in {groups} groups of {tensor.shape[-1]}")
    laid = call.graph.literal(np.ascontiguousarray(weight.transpose(2, 3, 1, 0)))
    tensor, padding = _padding(tensor, moving)
    return tf.nn.conv2d(tensor, laid, moving.strides, padding, dilations=moving.dilations)


def _depthwise(call: Call, tensor: tf.Tensor, weight: NDArray[Any], moving: Window) -> tf.Tensor:
    """A convolution of each channel by itself."""
    channels, (height, width) = tensor.shape[-1], weight.shape[2:]
    if call.graph.compiled and weight.shape[0] == channels:
        return _by_shifts(call, tensor, weight, moving)
    by_channel = weight.reshape(channels, -1, height, width)
    laid = call.graph.literal(np.ascontiguousarray(by_channel.transpose(2, 3, 0, 1)))
    dilated, strided = (any(n != 1 for n in each) for each in (moving.dilations, moving.strides))
    if strided and dilated:
        raise call.refuse("a stride together with a dilation, for each channel by itself")
    padding = "SAME" if moving.padded and moving.is_same and not dilated else "VALID"
    if moving.padded and padding == "VALID":
        # Another padding ends the process where oneDNN has fused the layer with its bias.
        tensor = tf.pad(tensor, moving.pairs())
    if len(set(moving.strides)) > 1:  # the kernels know one step for both
        if padding == "SAME":
            tensor = tf.pad(tensor, moving.pairs())
        found = tf.nn.depthwise_conv2d(tensor, laid, [1] * 4, "VALID")
        return found[:, :: moving.strides[0], :: moving.strides[1]]
    return tf.nn.depthwise_conv2d(
        tensor, laid, [1, *moving.strides, 1], padding, dilations=moving.dilations
    )


def _by_shifts(call: Call, tensor: tf.Tensor, weight: NDArray[Any], moving: Window) -> tf.Tensor:
    """The same as a sum of shifted products, of which XLA makes one loop.

    Its own convolution of each channel by itself takes ten times as long on a CPU.
    """
    if moving.padded:
        tensor = tf.pad(tensor, moving.pairs())
    heights, widths = (
        (size - extent) // stride + 1
        for size, extent, stride in zip(
            tensor.shape[1:3], moving.extents, moving.strides, strict=True
        )
    )
    down, right = moving.strides
    total = None
    for row, column in np.ndindex(*moving.kernel):
        top, left = row * moving.dilations[0], column * moving.dilations[1]
        part = tensor[
            :,
            top : top + (heights - 1) * down + 1 : down,
            left : left + (widths - 1) * right + 1 : right,
        ]
        product = part * call.graph.literal(np.ascontiguousarray(weight[:, 0, row, column]))
        total = product if total is None else total + product
    return total


def _conv_by_input(
    call: Call, value: Value, weight: Value, bias: Value | None, moving: Window, groups: int
) -> Value:
    """A convolution by weights that are computed."""
    if value.rank != SPATIAL + 1 or groups != 1:
        raise call.refuse("weights that are computed, in groups or other than for planes")
    laid = call.write(tf.transpose, weight, (2, 3, 1, 0))
    tensor, padding = _padding(call.graph.last(value), moving)
    found = tf.nn.conv2d(
        tensor, call.graph.plain(laid), moving.strides, padding, dilations=moving.dilations
    )
    if bias is not None:
        found = tf.nn.bias_add(found, call.graph.plain(bias))
    return call.graph.wrap(found, last=True)


def _conv_3d(
    call: Call, value: Value, weight: Value, bias: Value | None, moving: Window, groups: int
) -> Value:
    """A convolution of a space."""
    if groups != 1 or any(dilation != 1 for dilation in moving.dilations):
        raise call.refuse("groups or a dilation in three dimensions")
    laid = call.graph.plain(call.write(tf.transpose, weight, (2, 3, 4, 1, 0)))
    tensor = call.graph.last(value)
    if moving.padded:
        tensor = tf.pad(tensor, moving.pairs())
    found = tf.nn.conv3d(tensor, laid, [1, *moving.strides, 1], "VALID")
    if bias is not None:
        found = tf.nn.bias_add(found, call.graph.plain(bias))
    return call.graph.wrap(found, last=True)


def conv_transpose(call: Call) -> Value:
    """The gradient of a convolution of a plane."""
    value, weight, bias = call.value(0), call.value(1), call.optional(2)
    if value.rank != SPATIAL + 1 or call.attribute("group", 1) != 1:
        raise call.refuse("groups, or anything but planes")
    if call.attribute("auto_pad", "NOTSET") != "NOTSET" or call.attribute("output_shape"):
        raise call.refuse("an output shape that decides the padding")
    kernel, ones, zeros = list(weight.shape[2:]), [1, 1], [0, 0]
    strides, extra = call.attribute("strides", ones), call.attribute("output_padding", zeros)
    pads, dilations = call.attribute("pads", zeros * 2), call.attribute("dilations", ones)
    if dilations != ones:
        raise call.refuse("a dilation")
    tensor = call.graph.last(value)
    laid = call.graph.plain(call.write(tf.transpose, weight, (2, 3, 1, 0)))
    steps = zip(value.shape[2:], kernel, strides, strict=True)
    whole = [(size - 1) * stride + extent for size, extent, stride in steps]
    shape = [value.shape[0], *whole, weight.shape[1]]
    found = tf.nn.conv2d_transpose(tensor, laid, shape, strides, "VALID")
    found = tf.pad(found, [[0, 0], [0, extra[0]], [0, extra[1]], [0, 0]])
    ends = [size + more - pad for size, more, pad in zip(whole, extra, pads[2:], strict=True)]
    found = found[:, pads[0] : ends[0], pads[1] : ends[1]]
    if bias is not None:
        found = tf.nn.bias_add(found, call.graph.plain(bias))
    return call.graph.wrap(found, last=True)


def _pooled(call: Call, value: Value) -> Window:
    """The window of a pooling; what is rounded up is padding at the end."""
    found = window(call, value, call.attribute("kernel_shape"))
    if not call.attribute("ceil_mode", 0) or call.attribute("auto_pad", "NOTSET") != "NOTSET":
        return found
    after = []
    for axis, extent in enumerate(found.extents):
        before, stride = found.before[axis], found.strides[axis]
        whole = found.sizes[axis] + before + found.after[axis]
        places = math.ceil((whole - extent) / stride) + 1
        if (places - 1) * stride >= found.sizes[axis] + before:
            places -= 1  # it would begin in the padding
        after.append(
            max(found.after[axis], (places - 1) * stride + extent - whole + found.after[axis])
        )
    return Window(found.sizes, found.kernel, found.strides, found.dilations, found.before, after)


def max_pool(call: Call) -> Value:
    """The greatest number of each window; its place is not told."""
    if call.outputs > 1 or call.attribute("storage_order", 0):
        raise call.refuse("a second output")
    value = call.value()
    moving = _pooled(call, value).as_plane()
    tensor = _plane(call, value)
    padding = "SAME" if moving.padded and moving.is_same else "VALID"
    if moving.padded and padding == "VALID":
        lowest = -math.inf if value.dtype.is_floating else value.dtype.min
        tensor = tf.pad(tensor, moving.pairs(), constant_values=lowest)
    if any(dilation != 1 for dilation in moving.dilations):
        found = tf.nn.pool(
            tensor, moving.kernel, "MAX", moving.strides, padding, dilations=moving.dilations
        )
    else:
        found = tf.nn.max_pool2d(tensor, moving.kernel, moving.strides, padding)
    return _back(call, found, value)


def average_pool(call: Call) -> Value:
    """The mean of each window."""
    value = call.value()
    asked = window(call, value, call.attribute("kernel_shape")).as_plane()
    moving = _pooled(call, value).as_plane()
    tensor = _plane(call, value)
    counted = bool(call.attribute("count_include_pad", 0))
    if any(dilation != 1 for dilation in moving.dilations):
        raise call.refuse("a dilation")
    if moving.padded and not counted and moving.is_same:
        found = tf.nn.avg_pool2d(tensor, moving.kernel, moving.strides, "SAME")
        return _back(call, found, value)
    if moving.padded:
        tensor = tf.pad(tensor, moving.pairs())
    found = tf.nn.avg_pool2d(tensor, moving.kernel, moving.strides, "VALID")
    shares = _shares(asked, moving, counted)
    if (shares != 1).any():
        numbers = shares[None, :, :, None].astype(found.dtype.as_numpy_dtype)
        found = found * call.graph.literal(numbers)
    return _back(call, found, value)


def _shares(asked: Window, moving: Window, counted: bool) -> NDArray[np.float64]:
    """By how much a mean over the whole window is too small, for each place."""
    counts = []
    for axis, extent in enumerate(moving.kernel):
        before, size = moving.before[axis], moving.sizes[axis]
        low, high = (0, before + size + asked.after[axis]) if counted else (before, before + size)
        whole = before + size + moving.after[axis]
        starts = range(0, whole - extent + 1, moving.strides[axis])
        counts.append([min(start + extent, high) - max(start, low) for start in starts])
    rows, columns = np.array(counts[0], float), np.array(counts[1], float)
    found: NDArray[np.float64] = math.prod(moving.kernel) / np.outer(rows, columns)
    return found


def global_pool(function: Any) -> Translator:
    """One number for each channel."""

    def translate(call: Call) -> Value:
        value = call.value()
        axes = list(range(2, value.rank))
        return call.along(lambda one, places: function(one, places, keepdims=True), value, axes)

    return translate


def batch_normalization(call: Call) -> Value:
    """By means and variances that are known; after a convolution a part of its weights."""
    if call.attribute("training_mode", 0):
        raise call.refuse("training_mode")
    value, *given = (call.value(index) for index in range(5))
    epsilon = call.attribute("epsilon", 1e-5)
    scale, bias, mean, variance = (call.write(tf.cast, each, value.dtype) for each in given)
    root = call.write(lambda one: tf.sqrt(one + tf.cast(epsilon, one.dtype)), variance)
    factor = call.write(tf.divide, scale, root)
    offset = call.write(lambda at, middle, times: at - middle * times, bias, mean, factor)
    if value.layer is not None and factor.array is not None and offset.array is not None:
        layer = value.layer
        wide = factor.array.reshape(-1, *[1] * (layer.weight.ndim - 1))
        before = 0 if layer.bias is None else layer.bias
        return layer.write(layer.weight * wide, before * factor.array + offset.array)
    shape = [1, -1, *[1] * (value.rank - 2)]
    parts = [call.write(tf.reshape, each, shape) for each in (factor, offset)]
    return call.spread(lambda one, times, plus: one * times + plus, value, *parts)


def lrn(call: Call) -> Value:
    """By the numbers of neighbouring channels."""
    size, alpha = call.attribute("size"), call.attribute("alpha", 1e-4)
    beta, bias = call.attribute("beta", 0.75), call.attribute("bias", 1.0)
    value = call.value()
    if size % 2 == 0 or value.rank != SPATIAL + 1:
        raise call.refuse("an even size, or anything but planes")
    found = tf.nn.local_response_normalization(
        call.graph.last(value), size // 2, bias, alpha / size, beta
    )
    return call.graph.wrap(found, last=True)


WINDOWS: dict[str, Translator] = {
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "MaxPool": max_pool,
    "AveragePool": average_pool,
    "GlobalAveragePool": global_pool(tf.reduce_mean),
    "GlobalMaxPool": global_pool(tf.reduce_max),
    "BatchNormalization": batch_normalization,
    "LRN": lrn,
}
