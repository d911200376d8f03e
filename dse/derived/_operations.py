"""What the operators and functions of an expression do: Python's arithmetic without its surprises.

Numbers, texts and truth values do not mix, and what has no finite result has none at all.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from dse.core.configuration import KnobValue

Kind = Literal["a number", "text", "true or false"]
Operation = Callable[..., Any]


class UndefinedError(Exception):
    """An expression has no value for a point.

    Attributes:
        cause: the name that is missing there, or what went wrong, such as ``division by zero``.
    """

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


class MixedError(Exception):
    """An operator or a function got a value of a kind that it does not take."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the expressions, and how many numbers it takes."""

    apply: Operation
    fewest: int
    most: float


def kind(value: KnobValue) -> Kind:
    """What a value is."""
    if isinstance(value, bool):
        return "true or false"
    return "text" if isinstance(value, str) else "a number"


def truth(value: KnobValue, word: str) -> bool:
    """A truth value as it is; the message names the operator that asks for it.

    Raises:
        MixedError: it is not a truth value.
    """
    if not isinstance(value, bool):
        raise MixedError(f"'{word}' takes comparisons, not {kind(value)}")
    return value


def _arithmetic(word: str, apply: Operation) -> Operation:
    """Arithmetic of numbers alone."""

    def checked(*numbers: KnobValue) -> int | float:
        wrong = next((kind(each) for each in numbers if kind(each) != "a number"), None)
        if wrong:
            raise MixedError(f"'{word}' takes numbers, not {wrong}")
        try:
            result = apply(*numbers)
            finite = not isinstance(result, complex) and math.isfinite(result)
        except ZeroDivisionError as error:
            raise UndefinedError("division by zero") from error
        except (OverflowError, ValueError) as error:
            raise UndefinedError(f"no finite {word}") from error
        if not finite:
            raise UndefinedError(f"no finite {word}")
        return result  # type: ignore[no-any-return]  # finite numbers only

    return checked


def _power(base: float, exponent: float) -> Any:
    # Of whole numbers Python would compute every digit.
    return float(base) ** float(exponent)


def _round(value: float, digits: float = 0) -> float:
    if not float(digits).is_integer():
        raise MixedError("'round' takes a whole number of digits")
    # A whole number would be rounded by a power of ten with as many digits as asked for.
    return round(float(value), int(digits))


def _comparison(word: str, apply: Operation, *, ordered: bool) -> Operation:
    """A comparison of values of one kind; only numbers have an order."""

    def checked(left: KnobValue, right: KnobValue) -> bool:
        if kind(left) != kind(right):
            raise MixedError(f"'{word}' can't compare {kind(left)} with {kind(right)}")
        if ordered and kind(left) != "a number":
            raise MixedError(f"'{word}' compares numbers, not {kind(left)}")
        return bool(apply(left, right))

    return checked


def _within(word: str) -> Operation:
    """Whether a value is in a list of such values, or a text in a text."""

    def checked(value: KnobValue, many: tuple[KnobValue, ...] | KnobValue) -> bool:
        if not isinstance(many, str | tuple):
            raise MixedError(f"'{word}' looks in lists and texts, not in {kind(many)}")
        each = (many,) if isinstance(many, str) else many
        wrong = next((kind(one) for one in each if kind(one) != kind(value)), None)
        if wrong:
            raise MixedError(f"'{word}' can't look for {kind(value)} in {wrong}")
        return (value in many) is (word == "in")

    return checked


def _not(value: KnobValue) -> bool:
    return not truth(value, "not")


OPERATORS: Mapping[type[ast.AST], Operation] = {
    ast.Add: _arithmetic("+", operator.add),
    ast.Sub: _arithmetic("-", operator.sub),
    ast.Mult: _arithmetic("*", operator.mul),
    ast.Div: _arithmetic("/", operator.truediv),
    ast.FloorDiv: _arithmetic("//", operator.floordiv),
    ast.Mod: _arithmetic("%", operator.mod),
    ast.Pow: _arithmetic("**", _power),
    ast.USub: _arithmetic("-", operator.neg),
    ast.UAdd: _arithmetic("+", operator.pos),
    ast.Not: _not,
    ast.Eq: _comparison("==", operator.eq, ordered=False),
    ast.NotEq: _comparison("!=", operator.ne, ordered=False),
    ast.Lt: _comparison("<", operator.lt, ordered=True),
    ast.LtE: _comparison("<=", operator.le, ordered=True),
    ast.Gt: _comparison(">", operator.gt, ordered=True),
    ast.GtE: _comparison(">=", operator.ge, ordered=True),
    ast.In: _within("in"),
    ast.NotIn: _within("not in"),
}
FUNCTIONS: Mapping[str, Function] = {
    "abs": Function(_arithmetic("abs", abs), 1, 1),
    "log": Function(_arithmetic("log", math.log), 1, 2),
    "log10": Function(_arithmetic("log10", math.log10), 1, 1),
    "log2": Function(_arithmetic("log2", math.log2), 1, 1),
    "max": Function(_arithmetic("max", max), 2, math.inf),
    "min": Function(_arithmetic("min", min), 2, math.inf),
    "round": Function(_arithmetic("round", _round), 1, 2),
    "sqrt": Function(_arithmetic("sqrt", math.sqrt), 1, 1),
}
CONSTANTS: Mapping[str, KnobValue] = {"true": True, "false": False}
"""Names of truth values in JSON and YAML; Python's own names are understood as well."""
