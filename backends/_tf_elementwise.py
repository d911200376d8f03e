"""Operators of ONNX that compute element by element, in TensorFlow's functions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from ._onnx_operators import dropout, identity
from ._tf_call import dtype_of, to_type
from ._tf_graph import constant

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ._tf_call import Call, Translator
    from ._tf_graph import Value

SIXTH = 1 / 6


def unary(function: Callable[..., Any]) -> Translator:
    """The operator that is a function of one tensor."""
    return lambda call: call.spread(function, call.value())


def binary(function: Callable[..., Any]) -> Translator:
    """The operator that is a function of two tensors."""
    return lambda call: call.spread(function, call.value(0), call.value(1))


def variadic(function: Callable[..., Any]) -> Translator:
    """The operator that takes any number of tensors, two at a time."""

    def translate(call: Call) -> Value:
        first, *others = call.values()
        for other in others:
            first = call.spread(function, first, other)
        return first

    return translate


def with_attribute(function: Callable[..., Any], name: str, default: float) -> Translator:
    """The operator that has one number beside its tensor."""
    return lambda call: call.spread(
        lambda one: function(one, call.attribute(name, default)), call.value()
    )


def _each_output(beside: Value, value: Value) -> NDArray[Any] | None:
    """A constant as one number for each output of the layer that has made a value.

    Returns:
        None where the value is of no layer, or the constant is more than that.
    """
    layer = value.layer
    if layer is None or beside.array is None or beside.rank > value.rank:
        return None
    axis = layer.axis % value.rank
    wide = beside.array.reshape([1] * (value.rank - beside.rank) + [*beside.shape])
    if any(size != 1 and place != axis for place, size in enumerate(wide.shape)):
        return None
    return np.broadcast_to(wide.reshape(-1), (value.shape[axis],))


def _into_layer(one: Value, other: Value, times: bool) -> Value | None:
    """A sum with a constant or a product by one as part of the layer before it, if there is one."""
    for value, beside in ((one, other), (other, one)):
        numbers = _each_output(beside, value)
        if numbers is None or value.layer is None:
            continue
        layer = value.layer
        if not times:
            bias = numbers if layer.bias is None else layer.bias + numbers
            return layer.write(layer.weight, np.ascontiguousarray(bias))
        scale = numbers.reshape(-1, *[1] * (layer.weight.ndim - 1))
        bias = None if layer.bias is None else layer.bias * numbers
        return layer.write(layer.weight * scale, bias)
    return None


def add(call: Call) -> Value:
    """A sum; a constant for each channel becomes part of the layer before it."""
    one, other = call.value(0), call.value(1)
    return _into_layer(one, other, times=False) or call.spread(tf.add, one, other)


def mul(call: Call) -> Value:
    """A product; by a constant for each channel it becomes part of the layer before it."""
    one, other = call.value(0), call.value(1)
    return _into_layer(one, other, times=True) or call.spread(tf.multiply, one, other)


def div(call: Call) -> Value:
    """Integers are divided towards zero."""
    one, other = call.value(0), call.value(1)
    function = tf.divide if one.dtype.is_floating else tf.truncatediv
    return call.spread(function, one, other)


def power(call: Call) -> Value:
    """The result has the type of the base."""
    base, exponent = call.value(0), call.value(1)
    if exponent.array is not None and exponent.array.size == 1 and exponent.rank <= base.rank:
        number = exponent.array.item()
        if number == 2:
            return call.spread(tf.square, base)
        if number == 0.5 and base.dtype.is_floating:
            return call.spread(tf.sqrt, base)
    if base.dtype == exponent.dtype or base.dtype.is_floating:
        return call.spread(tf.pow, base, to_type(call, exponent, base.dtype))
    wide = (to_type(call, value, tf.float64) for value in (base, exponent))
    return to_type(call, call.spread(tf.pow, *wide), base.dtype)


def mod(call: Call) -> Value:
    """The sign is that of the divisor, or with ``fmod`` that of the dividend."""
    function = tf.truncatemod if call.attribute("fmod", 0) else tf.math.floormod
    return call.spread(function, call.value(0), call.value(1))


def clip(call: Call) -> Value:
    """Both bounds may be left out; the usual activations are functions of their own."""
    value = call.value()
    bounds = [
        constant(call.attribute(name), value.dtype.as_numpy_dtype)
        if given is None and call.attribute(name) is not None
        else given
        for given, name in ((call.optional(1), "min"), (call.optional(2), "max"))
    ]
    low, high = (
        one.array.item() if one is not None and one.array is not None else one for one in bounds
    )
    if value.dtype.is_floating and low == 0 and high is None:
        return call.spread(tf.nn.relu, value)
    if value.dtype.is_floating and low == 0 and high == 6:
        return call.spread(tf.nn.relu6, value)
    if bounds[0] is not None:
        value = call.spread(tf.maximum, value, bounds[0])
    return value if bounds[1] is None else call.spread(tf.minimum, value, bounds[1])


def _hard_sigmoid(one: Any, alpha: float, beta: float) -> Any:
    if math.isclose(alpha, SIXTH, rel_tol=1e-6) and beta == 0.5:
        return tf.nn.relu6(one + 3) * SIXTH
    return tf.clip_by_value(one * alpha + beta, 0, 1)


def hard_sigmoid(call: Call) -> Value:
    """max(0, min(1, alpha x + beta))."""
    alpha, beta = call.attribute("alpha", 0.2), call.attribute("beta", 0.5)
    return call.spread(lambda one: _hard_sigmoid(one, alpha, beta), call.value())


def gelu(call: Call) -> Value:
    """By the error function, or its approximation by tanh."""
    near = call.attribute("approximate", "none") == "tanh"
    return call.spread(lambda one: tf.nn.gelu(one, approximate=near), call.value())


def prelu(call: Call) -> Value:
    """The slope of negative numbers is broadcast from the right, as all else."""
    return call.spread(
        lambda one, slope: tf.where(one >= 0, one, one * slope), call.value(0), call.value(1)
    )


def elu(call: Call) -> Value:
    """Exponential below zero."""
    alpha = call.attribute("alpha", 1.0)
    return call.spread(lambda one: _elu(one, alpha), call.value())


def _elu(one: Any, alpha: float) -> Any:
    return tf.nn.elu(one) if alpha == 1 else tf.where(one > 0, one, alpha * tf.math.expm1(one))


def celu(call: Call) -> Value:
    """Exponential below zero, with a slope of 1 at zero."""
    alpha = call.attribute("alpha", 1.0)
    return call.spread(lambda one: _elu(one / alpha, 1) * alpha, call.value())


def selu(call: Call) -> Value:
    """Its two numbers are attributes."""
    alpha = call.attribute("alpha", 1.67326319217681884765625)
    gamma = call.attribute("gamma", 1.05070102214813232421875)
    return call.spread(lambda one: _elu(one, alpha) * gamma, call.value())


def thresholded_relu(call: Call) -> Value:
    """Zero up to a bound."""
    alpha = call.attribute("alpha", 1.0)
    return call.spread(lambda one: tf.where(one > alpha, one, tf.zeros_like(one)), call.value())


def shrink(call: Call) -> Value:
    """Zero between two bounds, nearer to zero by a bias elsewhere."""
    bound, bias = call.attribute("lambd", 0.5), call.attribute("bias", 0.0)

    def shrunk(one: Any) -> Any:
        low = tf.where(one < -bound, one + bias, tf.zeros_like(one))
        return tf.where(one > bound, one - bias, low)

    return call.spread(shrunk, call.value())


def swish(call: Call) -> Value:
    """A number times its sigmoid."""
    alpha = call.attribute("alpha", 1.0)
    return call.spread(lambda one: one * tf.sigmoid(one * alpha), call.value())


def is_inf(call: Call) -> Value:
    """Infinity of one sign or both."""
    negative, positive = call.attribute("detect_negative", 1), call.attribute("detect_positive", 1)

    def found(one: Any) -> Any:
        signs = (positive, one > 0), (negative, one < 0)
        wanted = [sign for asked, sign in signs if asked]
        anywhere = tf.reduce_any(tf.stack(wanted), 0) if wanted else tf.zeros_like(one, tf.bool)
        return tf.math.is_inf(one) & anywhere

    return call.spread(found, call.value())


def mean(call: Call) -> Value:
    """Of any number of tensors."""
    total, count = variadic(tf.add)(call), len(call.inputs)
    return call.spread(lambda one: one / count, total)  # type: ignore[arg-type]


def where(call: Call) -> Value:
    """Of two tensors by a third."""
    return call.spread(tf.where, call.value(0), call.value(1), call.value(2))


def cast(call: Call) -> Value:
    """To another type; fractions are cut off."""
    return to_type(call, call.value(), dtype_of(call.attribute("to")))


def cast_like(call: Call) -> Value:
    """To the type of another tensor."""
    return to_type(call, call.value(), call.value(1).dtype)


ELEMENTWISE: dict[str, Translator] = {
    **{
        name: unary(getattr(tf.math, name.lower()))
        for name in (
            *("Abs", "Ceil", "Exp", "Floor", "Log", "Reciprocal", "Round", "Sign", "Sqrt"),
            *("Sin", "Cos", "Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Asinh", "Acosh"),
            *("Atanh", "Tanh", "Sigmoid", "Erf", "Softplus"),
        )
    },
    "Neg": unary(tf.negative),
    "IsNaN": unary(tf.math.is_nan),
    "Not": unary(tf.logical_not),
    "BitwiseNot": unary(tf.bitwise.invert),
    "Relu": unary(tf.nn.relu),
    "Softsign": unary(tf.nn.softsign),
    "HardSwish": unary(lambda one: one * _hard_sigmoid(one, SIXTH, 0.5)),
    "Mish": unary(lambda one: one * tf.tanh(tf.math.softplus(one))),
    "LeakyRelu": with_attribute(tf.nn.leaky_relu, "alpha", 0.01),
    "Sub": binary(tf.subtract),
    "And": binary(tf.logical_and),
    "Or": binary(tf.logical_or),
    "Xor": binary(tf.math.logical_xor),
    "BitwiseAnd": binary(tf.bitwise.bitwise_and),
    "BitwiseOr": binary(tf.bitwise.bitwise_or),
    "BitwiseXor": binary(tf.bitwise.bitwise_xor),
    "Equal": binary(tf.equal),
    "Greater": binary(tf.greater),
    "GreaterOrEqual": binary(tf.greater_equal),
    "Less": binary(tf.less),
    "LessOrEqual": binary(tf.less_equal),
    "Sum": variadic(tf.add),
    "Max": variadic(tf.maximum),
    "Min": variadic(tf.minimum),
    "Mean": mean,
    "Add": add,
    "Mul": mul,
    "Div": div,
    "Pow": power,
    "Mod": mod,
    "Clip": clip,
    "HardSigmoid": hard_sigmoid,
    "Gelu": gelu,
    "PRelu": prelu,
    "Elu": elu,
    "Celu": celu,
    "Selu": selu,
    "ThresholdedRelu": thresholded_relu,
    "Shrink": shrink,
    "Swish": swish,
    "IsInf": is_inf,
    "Where": where,
    "Cast": cast,
    "CastLike": cast_like,
    "Identity": identity,
    "Dropout": dropout,
}
