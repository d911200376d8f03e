"""ONNX's steps between numbers of 8 bits and floats, in TensorFlow's functions.

A product of two dequantised tensors stays a product of floats, as the file has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tensorflow as tf

from ._tf_call import dtype_of

if TYPE_CHECKING:
    from ._tf_call import Call, Translator
    from ._tf_graph import Value

STEPS = (tf.uint8, tf.int8, tf.uint16, tf.int16)


def quantise(call: Call) -> Value:
    """To the nearest step."""
    value, scale, zero = call.value(0), call.value(1), call.optional(2)
    number = call.attribute("output_dtype", 0)
    dtype = zero.dtype if zero is not None else dtype_of(number) if number else tf.uint8
    if dtype not in STEPS:
        raise call.refuse(f"the type {dtype.name}")

    def quantised(numbers: Any, width: Any, *offset: Any) -> Any:
        steps = tf.round(numbers / tf.cast(width, numbers.dtype))
        for each in offset:
            steps = steps + tf.cast(each, numbers.dtype)
        return tf.cast(tf.clip_by_value(steps, dtype.min, dtype.max), dtype)

    return call.spread(quantised, value, *_along(call, value, scale, zero))


def dequantise(call: Call) -> Value:
    """From steps to numbers."""
    value, scale, zero = call.value(0), call.value(1), call.optional(2)
    if value.dtype not in (*STEPS, tf.int32):
        raise call.refuse(f"the type {value.dtype.name}")

    def dequantised(steps: Any, width: Any, *offset: Any) -> Any:
        numbers = tf.cast(steps, width.dtype)
        for each in offset:
            numbers = numbers - tf.cast(each, width.dtype)
        return numbers * width

    return call.spread(dequantised, value, *_along(call, value, scale, zero))


def _along(call: Call, value: Value, *parameters: Value | None) -> list[Value]:
    """Scale and offset: one for each place along a dimension lies along it."""
    found = []
    for one in parameters:
        if one is None:
            continue
        if call.attribute("block_size", 0) or one.rank > 1:
            raise call.refuse("a scale for each block")
        shape = [1] * value.rank
        if one.shape not in ((), (1,)):
            shape[call.attribute("axis", 1)] = -1
        found.append(call.write(tf.reshape, one, shape))
    return found


QUANTISED: dict[str, Translator] = {
    "QuantizeLinear": quantise,
    "DequantizeLinear": dequantise,
}
