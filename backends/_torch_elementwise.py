"""Operators of ONNX that compute element by element, in PyTorch's functions."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

from ._onnx_operators import dropout, identity
from ._torch_call import dtype_of, to_type
from ._torch_graph import Value

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._torch_call import Call, Translator

SIXTH = 1 / 6


def unary(function: Callable[..., Any]) -> Translator:
    """The operator that is a function of one tensor."""
    return lambda call: call.write(function, call.value())


def binary(function: Callable[..., Any]) -> Translator:
    """The operator that is a function of two tensors."""
    return lambda call: call.write(function, *_pair(call.value(0), call.value(1)))


def variadic(function: Callable[..., Any]) -> Translator:
    """The operator that takes any number of tensors, two at a time."""

    def translate(call: Call) -> Value:
        first, *others = call.values()
        for other in others:
            first = call.write(function, first, other)
        return first

    return translate


def with_attribute(function: Callable[..., Any], name: str, default: float) -> Translator:
    """The operator that has one number beside its tensor."""
    return lambda call: call.write(function, call.value(), call.attribute(name, default))


def _pair(one: Value, other: Value) -> tuple[Any, Any]:
    """Two operands; a constant that is a single number as Python's own, which costs no look-up."""
    return _plain(one, other), _plain(other, one)


def _plain(value: Value, beside: Value) -> Any:
    if value.constant and not beside.constant and value.tensor.numel() == 1:
        same = value.dtype == beside.dtype and value.dtype.is_floating_point
        if same and value.rank <= beside.rank:
            return value.tensor.item()
    return value


def mul(call: Call) -> Value:
    """A product; that of a number and its hard sigmoid is one function."""
    one, other = call.value(0), call.value(1)
    for number, gate in ((one, other), (other, one)):
        if number.node is None or gate.node is None:
            continue
        if gate.node.target is functional.hardsigmoid and gate.node.args[0] is number.node:
            return call.write(functional.hardswish, number)
    return call.write(operator.mul, *_pair(one, other))


def div(call: Call) -> Value:
    """Integers are divided towards zero."""
    one, other = call.value(0), call.value(1)
    if one.dtype.is_floating_point:
        return call.write(operator.truediv, *_pair(one, other))
    return call.write(torch.div, one, other, rounding_mode="trunc")


def power(call: Call) -> Value:
    """The result has the type of the base."""
    base, exponent = call.value(0), call.value(1)
    if exponent.constant and exponent.tensor.numel() == 1 and exponent.rank <= base.rank:
        number = exponent.tensor.item()
        if number == 2:
            return call.write(operator.mul, base, base)
        if base.dtype.is_floating_point:
            return call.write(torch.pow, base, float(number))
    return to_type(call, call.write(torch.pow, base, exponent), base.dtype)


def mod(call: Call) -> Value:
    """The sign is that of the divisor, or with ``fmod`` that of the dividend."""
    function = torch.fmod if call.attribute("fmod", 0) else torch.remainder
    return call.write(function, call.value(0), call.value(1))


def clip(call: Call) -> Value:
    """Both bounds may be left out."""
    value = call.value()
    bounds: list[Any] = []
    for index, name in ((1, "min"), (2, "max")):
        given = call.optional(index)
        if given is None:
            bounds.append(call.attribute(name))
        elif given.constant:
            bounds.append(given.tensor.item())
        else:
            bounds.append(given)
    low, high = bounds
    if (low, high) == (None, None):
        return value
    if isinstance(low, Value) or isinstance(high, Value):
        found = value if low is None else call.write(torch.maximum, value, _as_value(low, value))
        return found if high is None else call.write(torch.minimum, found, _as_value(high, value))
    if low == 0 and high is None:
        return call.write(functional.relu, value)
    if value.dtype.is_floating_point and None not in (low, high):
        return call.write(functional.hardtanh, value, float(low), float(high))
    return call.write(torch.clamp, value, low, high)


def _as_value(number: Any, like: Value) -> Value:
    if isinstance(number, Value):
        return number
    return Value(torch.tensor(number, dtype=like.dtype))


def hard_sigmoid(call: Call) -> Value:
    """max(0, min(1, alpha x + beta)); PyTorch's own is that of a sixth and a half."""
    alpha, beta = call.attribute("alpha", 0.2), call.attribute("beta", 0.5)
    if math.isclose(alpha, SIXTH, rel_tol=1e-6) and beta == 0.5:
        return call.write(functional.hardsigmoid, call.value())
    scaled = call.write(operator.mul, call.value(), alpha)
    return call.write(functional.hardtanh, call.write(operator.add, scaled, beta), 0.0, 1.0)


def gelu(call: Call) -> Value:
    """By the error function, or its approximation by tanh."""
    return call.write(
        functional.gelu, call.value(), approximate=call.attribute("approximate", "none")
    )


def prelu(call: Call) -> Value:
    """The slope of negative numbers is broadcast from the right, as all else."""
    value, slope = call.value(0), call.value(1)
    negative = call.write(operator.mul, value, slope)
    zero = Value(torch.zeros((), dtype=value.dtype))
    return call.write(torch.where, call.write(torch.ge, value, zero), value, negative)


def elu(call: Call) -> Value:
    """Exponential below zero."""
    return call.write(functional.elu, call.value(), call.attribute("alpha", 1.0))


def selu(call: Call) -> Value:
    """Its two numbers are attributes; PyTorch's are the usual ones to more digits."""
    alpha = call.attribute("alpha", 1.67326319217681884765625)
    gamma = call.attribute("gamma", 1.05070102214813232421875)
    return call.write(operator.mul, call.write(functional.elu, call.value(), alpha), gamma)


def thresholded_relu(call: Call) -> Value:
    """Zero up to a bound."""
    return call.write(functional.threshold, call.value(), call.attribute("alpha", 1.0), 0.0)


def shrink(call: Call) -> Value:
    """Zero between two bounds, nearer to zero by a bias elsewhere."""
    value, bound, bias = call.value(), call.attribute("lambd", 0.5), call.attribute("bias", 0.0)
    zero = Value(torch.zeros((), dtype=value.dtype))
    low = call.write(
        torch.where,
        call.write(torch.lt, value, -bound),
        call.write(operator.add, value, bias),
        zero,
    )
    return call.write(
        torch.where, call.write(torch.gt, value, bound), call.write(operator.sub, value, bias), low
    )


def swish(call: Call) -> Value:
    """A number times its sigmoid."""
    value, alpha = call.value(), call.attribute("alpha", 1.0)
    if alpha == 1.0:
        return call.write(functional.silu, value)
    gate = call.write(torch.sigmoid, call.write(operator.mul, value, alpha))
    return call.write(operator.mul, value, gate)


def is_inf(call: Call) -> Value:
    """Infinity of one sign or both."""
    negative, positive = call.attribute("detect_negative", 1), call.attribute("detect_positive", 1)
    if negative and positive:
        return call.write(torch.isinf, call.value())
    if not (negative or positive):
        return call.write(torch.zeros_like, call.value(), dtype=torch.bool)
    return call.write(torch.isposinf if positive else torch.isneginf, call.value())


def bit_shift(call: Call) -> Value:
    """To the left or to the right."""
    left = call.attribute("direction") == "LEFT"
    function = torch.bitwise_left_shift if left else torch.bitwise_right_shift
    return call.write(function, call.value(0), call.value(1))


def mean(call: Call) -> Value:
    """Of any number of tensors."""
    total = variadic(operator.add)(call)
    if not isinstance(total, Value):
        raise call.refuse("more than one output")
    return call.write(operator.truediv, total, len(call.inputs))


def where(call: Call) -> Value:
    """Of two tensors by a third."""
    return call.write(torch.where, call.value(0), call.value(1), call.value(2))


def cast(call: Call) -> Value:
    """To another type; fractions are cut off."""
    return to_type(call, call.value(), dtype_of(call.attribute("to")))


def cast_like(call: Call) -> Value:
    """To the type of another tensor."""
    return to_type(call, call.value(), call.value(1).dtype)


ELEMENTWISE: dict[str, Translator] = {
    **{
        name: unary(getattr(torch, name.lower()))
        for name in (
            *("Abs", "Ceil", "Exp", "Floor", "Log", "Neg", "Reciprocal", "Round", "Sign", "Sqrt"),
            *("Sin", "Cos", "Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Asinh", "Acosh"),
            *("Atanh", "Tanh", "Sigmoid", "Erf", "IsNaN"),
        )
    },
    "Not": unary(torch.logical_not),
    "BitwiseNot": unary(torch.bitwise_not),
    "Relu": unary(functional.relu),
    "Softplus": unary(functional.softplus),
    "Softsign": unary(functional.softsign),
    "HardSwish": unary(functional.hardswish),
    "Mish": unary(functional.mish),
    "LeakyRelu": with_attribute(functional.leaky_relu, "alpha", 0.01),
    "Celu": with_attribute(functional.celu, "alpha", 1.0),
    "Add": binary(operator.add),
    "Sub": binary(operator.sub),
    "And": binary(torch.logical_and),
    "Or": binary(torch.logical_or),
    "Xor": binary(torch.logical_xor),
    "BitwiseAnd": binary(torch.bitwise_and),
    "BitwiseOr": binary(torch.bitwise_or),
    "BitwiseXor": binary(torch.bitwise_xor),
    "Equal": binary(operator.eq),
    "Greater": binary(operator.gt),
    "GreaterOrEqual": binary(operator.ge),
    "Less": binary(operator.lt),
    "LessOrEqual": binary(operator.le),
    "Sum": variadic(operator.add),
    "Max": variadic(torch.maximum),
    "Min": variadic(torch.minimum),
    "Mean": mean,
    "Mul": mul,
    "Div": div,
    "Pow": power,
    "Mod": mod,
    "BitShift": bit_shift,
    "Clip": clip,
    "HardSigmoid": hard_sigmoid,
    "Gelu": gelu,
    "PRelu": prelu,
    "Elu": elu,
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
