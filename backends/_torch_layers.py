"""Layers of ONNX, whose weights are constants as a rule, in PyTorch's functions."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

from ._torch_graph import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ._torch_call import Call, Translator

CONVOLUTIONS: dict[int, Callable[..., Any]] = {
    1: functional.conv1d,
    2: functional.conv2d,
    3: functional.conv3d,
}
TRANSPOSED: dict[int, Callable[..., Any]] = {
    1: functional.conv_transpose1d,
    2: functional.conv_transpose2d,
    3: functional.conv_transpose3d,
}
MAXIMA: dict[int, Callable[..., Any]] = {
    1: functional.max_pool1d,
    2: functional.max_pool2d,
    3: functional.max_pool3d,
}
MEANS: dict[int, Callable[..., Any]] = {
    1: functional.avg_pool1d,
    2: functional.avg_pool2d,
    3: functional.avg_pool3d,
}
"""By the number of spatial dimensions."""


def _of(functions: dict[int, Callable[..., Any]], call: Call, value: Value) -> Callable[..., Any]:
    if value.rank - 2 not in functions:
        raise call.refuse(f"an input of {value.rank} dimensions")
    return functions[value.rank - 2]


def _paddings(
    call: Call,
    sizes: Sequence[int],
    kernel: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
) -> tuple[list[int], list[int]]:
    """What is padded before and after each spatial dimension."""
    mode = call.attribute("auto_pad", "NOTSET")
    count = len(sizes)
    if mode == "NOTSET":
        pads = call.attribute("pads", [0] * (2 * count))
        return pads[:count], pads[count:]
    if mode == "VALID":
        return [0] * count, [0] * count
    extents = [dilation * (size - 1) + 1 for size, dilation in zip(kernel, dilations, strict=True)]
    totals = [
        max((math.ceil(size / stride) - 1) * stride + extent - size, 0)
        for size, stride, extent in zip(sizes, strides, extents, strict=True)
    ]
    less, more = [total // 2 for total in totals], [total - total // 2 for total in totals]
    return (less, more) if mode == "SAME_UPPER" else (more, less)


def _padded(
    call: Call, value: Value, before: Sequence[int], after: Sequence[int], number: float = 0.0
) -> Value:
    """The value with a border, which PyTorch's layers take only where both sides are the same."""
    sides = [side for pair in zip(reversed(before), reversed(after), strict=True) for side in pair]
    return call.write(functional.pad, value, sides, value=number)


def conv(call: Call) -> Value:
    """A convolution with or without a bias."""
    value, weight, bias = call.value(0), call.value(1), call.optional(2)
    kernel = call.attribute("kernel_shape", list(weight.shape[2:]))
    strides = call.attribute("strides", [1] * len(kernel))
    dilations = call.attribute("dilations", [1] * len(kernel))
    before, after = _paddings(call, value.shape[2:], kernel, strides, dilations)
    if before != after:
        value, before = _padded(call, value, before, after), [0] * len(before)
    function = _of(CONVOLUTIONS, call, value)
    groups = call.attribute("group", 1)
    return call.write(function, value, weight, bias, strides, before, dilations, groups)


def conv_transpose(call: Call) -> Value:
    """The gradient of a convolution."""
    value, weight, bias = call.value(0), call.value(1), call.optional(2)
    count = len(weight.shape) - 2
    if call.attribute("auto_pad", "NOTSET") != "NOTSET" or call.attribute("output_shape"):
        raise call.refuse("an output shape that decides the padding")
    pads = call.attribute("pads", [0] * (2 * count))
    if pads[:count] != pads[count:]:
        raise call.refuse("a padding that differs from side to side")
    strides = call.attribute("strides", [1] * count)
    dilations = call.attribute("dilations", [1] * count)
    extra = call.attribute("output_padding", [0] * count)
    function, groups = _of(TRANSPOSED, call, value), call.attribute("group", 1)
    return call.write(
        function, value, weight, bias, strides, pads[:count], extra, groups, dilations
    )


def max_pool(call: Call) -> Value:
    """The greatest number in each window."""
    value, kernel = call.value(), call.attribute("kernel_shape")
    strides = call.attribute("strides", [1] * len(kernel))
    dilations = call.attribute("dilations", [1] * len(kernel))
    before, after = _paddings(call, value.shape[2:], kernel, strides, dilations)
    if before != after or any(2 * pad > size for pad, size in zip(before, kernel, strict=True)):
        if not value.dtype.is_floating_point:
            raise call.refuse("integers with a padding that differs from side to side")
        value = _padded(call, value, before, after, -math.inf)
        before = [0] * len(before)
    function = _of(MAXIMA, call, value)
    up = bool(call.attribute("ceil_mode", 0))
    return call.write(function, value, kernel, strides, before, dilations, up)


def average_pool(call: Call) -> Value:
    """The mean of each window."""
    value, kernel = call.value(), call.attribute("kernel_shape")
    strides = call.attribute("strides", [1] * len(kernel))
    if any(size != 1 for size in call.attribute("dilations", [1])):
        raise call.refuse("a dilation")
    before, after = _paddings(call, value.shape[2:], kernel, strides, [1] * len(kernel))
    counted = bool(call.attribute("count_include_pad", 0))
    up = bool(call.attribute("ceil_mode", 0))
    function = _of(MEANS, call, value)
    if before == after and all(2 * pad <= size for pad, size in zip(before, kernel, strict=True)):
        return call.write(function, value, kernel, strides, before, up, counted)
    if up:
        raise call.refuse("ceil_mode with a padding that differs from side to side")
    wide = call.write(function, _padded(call, value, before, after), kernel, strides)
    if counted:
        return wide
    ones = Value(torch.ones((1, 1, *value.shape[2:]), dtype=value.dtype))
    shares = call.write(function, _padded(call, ones, before, after), kernel, strides)
    return call.write(operator.truediv, wide, shares)


def global_average_pool(call: Call) -> Value:
    """The mean of each channel."""
    value = call.value()
    return call.write(torch.mean, value, list(range(2, value.rank)), True)


def global_max_pool(call: Call) -> Value:
    """The greatest number of each channel."""
    value = call.value()
    return call.write(torch.amax, value, list(range(2, value.rank)), True)


def gemm(call: Call) -> Value:
    """A product of matrices and a sum; the usual dense layer is one function."""
    one, other, bias = call.value(0), call.value(1), call.optional(2)
    if call.attribute("transA", 0):
        one = call.write(torch.t, one)
    if not call.attribute("transB", 0):
        other = _transposed(call, other)
    alpha, beta = call.attribute("alpha", 1.0), call.attribute("beta", 1.0)
    if bias is not None and beta != 1.0:
        bias = call.write(operator.mul, bias, beta)
    row = bias if bias is not None and bias.shape == other.shape[:1] and alpha == 1.0 else None
    found = call.write(functional.linear, one, other, row)
    if alpha != 1.0:
        found = call.write(operator.mul, found, alpha)
    return found if bias is None or row is not None else call.write(operator.add, found, bias)


def matmul(call: Call) -> Value:
    """A product; that by a constant matrix is a dense layer."""
    one, other = call.value(0), call.value(1)
    if other.constant and not one.constant and other.rank == 2 and one.rank >= 2:
        return call.write(functional.linear, one, _transposed(call, other))
    return call.write(torch.matmul, one, other)


def _transposed(call: Call, matrix: Value) -> Value:
    found = call.write(torch.t, matrix)
    return Value(found.tensor.contiguous()) if found.constant else found


def batch_normalization(call: Call) -> Value:
    """By means and variances that are known."""
    if call.attribute("training_mode", 0):
        raise call.refuse("training_mode")
    value, scale, bias, mean, variance = (call.value(index) for index in range(5))
    epsilon = call.attribute("epsilon", 1e-5)
    return call.write(
        functional.batch_norm, value, mean, variance, scale, bias, False, 0.0, epsilon
    )


def layer_normalization(call: Call) -> Value:
    """Over the last dimensions."""
    value, scale, bias = call.value(0), call.value(1), call.optional(2)
    shape = list(value.shape[call.attribute("axis", -1) :])
    if list(scale.shape) != shape or (bias is not None and list(bias.shape) != shape):
        raise call.refuse("a scale that is broadcast")
    epsilon = call.attribute("epsilon", 1e-5)
    return call.write(functional.layer_norm, value, shape, scale, bias, epsilon)


def rms_normalization(call: Call) -> Value:
    """Over the last dimensions, without a mean."""
    value, scale = call.value(0), call.value(1)
    shape = list(value.shape[call.attribute("axis", -1) :])
    found = call.write(functional.rms_norm, value, shape, None, call.attribute("epsilon", 1e-5))
    return call.write(operator.mul, found, scale)


def instance_normalization(call: Call) -> Value:
    """Over all pixels of a channel of a sample."""
    value, scale, bias = call.value(0), call.value(1), call.value(2)
    epsilon = call.attribute("epsilon", 1e-5)
    return call.write(functional.instance_norm, value, None, None, scale, bias, True, 0.0, epsilon)


def group_normalization(call: Call) -> Value:
    """Over groups of channels; from version 21 on each channel has a scale of its own."""
    value, scale, bias = call.value(0), call.value(1), call.value(2)
    groups, epsilon = call.attribute("num_groups"), call.attribute("epsilon", 1e-5)
    if scale.shape != value.shape[1:2]:
        each = value.shape[1] // groups
        scale = call.write(torch.repeat_interleave, scale, each)
        bias = call.write(torch.repeat_interleave, bias, each)
    return call.write(functional.group_norm, value, groups, scale, bias, epsilon)


def lrn(call: Call) -> Value:
    """By the numbers of neighbouring channels."""
    size, alpha = call.attribute("size"), call.attribute("alpha", 1e-4)
    beta, bias = call.attribute("beta", 0.75), call.attribute("bias", 1.0)
    if size % 2 == 0:
        raise call.refuse("an even size")
    return call.write(functional.local_response_norm, call.value(), size, alpha, beta, bias)


def softmax(call: Call) -> Value:
    """Along one dimension; before version 13 along all from that one on."""
    value = call.value()
    function = functional.log_softmax if call.kind == "LogSoftmax" else functional.softmax
    if call.opset >= 13:
        return call.write(function, value, call.attribute("axis", -1))
    axis = call.attribute("axis", 1) % max(value.rank, 1)
    if axis == value.rank - 1:
        return call.write(function, value, axis)
    flat = call.write(torch.flatten, value, axis)
    return call.write(torch.reshape, call.write(function, flat, axis), value.shape)


LAYERS: dict[str, Translator] = {
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "MaxPool": max_pool,
    "AveragePool": average_pool,
    "GlobalAveragePool": global_average_pool,
    "GlobalMaxPool": global_max_pool,
    "Gemm": gemm,
    "MatMul": matmul,
    "BatchNormalization": batch_normalization,
    "LayerNormalization": layer_normalization,
    "RMSNormalization": rms_normalization,
    "InstanceNormalization": instance_normalization,
    "GroupNormalization": group_normalization,
    "LRN": lrn,
    "Softmax": softmax,
    "LogSoftmax": softmax,
}
