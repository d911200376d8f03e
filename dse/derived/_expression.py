"""Expressions of the user: checked when they are read, evaluated for each point."""

from __future__ import annotations

import ast
import itertools
from typing import TYPE_CHECKING, Any

from dse.core.errors import RequestError
from dse.derived._grammar import parse_expression
from dse.derived._operations import (
    CONSTANTS,
    FUNCTIONS,
    OPERATORS,
    MixedError,
    UndefinedError,
    kind,
    truth,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dse.core.configuration import KnobValue


class Values(dict[str, Any]):
    """Values by name, for an expression.

    Attributes:
        causes: of names that could have been computed, what they lack.
    """

    def __init__(
        self, values: Mapping[str, KnobValue], causes: Mapping[str, str] | None = None
    ) -> None:
        super().__init__({**CONSTANTS, **values})
        self.causes = dict(causes or {})

    def __missing__(self, name: str) -> KnobValue:
        raise UndefinedError(self.causes.get(name, name))


class Expression:
    """An expression of names, numbers and texts.

    `and`, `or` and chained comparisons look at all of their parts: they hold, or do not, where
    those that have a value settle it, in whatever order they stand. Else a part without a value
    leaves the whole without one.

    Args:
        text: as the user wrote it.
        option: where it was given; messages name it.

    Attributes:
        text: the same, without the spaces around it.
        names: the names in it, sorted.

    Raises:
        RequestError: it says something that expressions can't.
    """

    __slots__ = ("_option", "_tree", "names", "text")

    def __init__(self, text: str, option: str) -> None:
        self.text = text.strip()
        self._option = option
        self._tree, self.names = parse_expression(text, option)

    def number(self, values: Values) -> float:
        """The number that it gives.

        Raises:
            UndefinedError: it has none for these values.
            RequestError: it gives something else, or mixes numbers and texts.
        """
        found = self._evaluate(values)
        if kind(found) != "a number":
            raise self._refused(f"gives {kind(found)}, not a number", "compute a number")
        return float(found)

    def holds(self, values: Values) -> bool:
        """Whether it is true.

        Raises:
            UndefinedError: it can't be decided for these values.
            RequestError: it is not a condition, or mixes numbers and texts.
        """
        found = self._evaluate(values)
        if not isinstance(found, bool):
            raise self._refused(
                f"gives {kind(found)}, not true or false", "compare it with something"
            )
        return found

    def _evaluate(self, values: Values) -> Any:
        try:
            return _evaluate(self._tree, values)
        except MixedError as error:
            raise self._refused(str(error), None) from error

    def _refused(self, problem: str, remedy: str | None) -> RequestError:
        return RequestError(f"'{self.text}': {problem}", field=self._option, remedy=remedy)


def _evaluate(node: ast.expr, values: Values) -> Any:
    """The value of a tree that `dse.derived._grammar` has checked; it has no other nodes."""
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return values[name]
        case ast.UnaryOp(op=op, operand=operand):
            return OPERATORS[type(op)](_evaluate(operand, values))
        case ast.BinOp(left=left, op=op, right=right):
            return OPERATORS[type(op)](_evaluate(left, values), _evaluate(right, values))
        case ast.Call(func=ast.Name(id=name), args=parts):
            return FUNCTIONS[name].apply(*(_evaluate(part, values) for part in parts))
        case ast.IfExp(test=test, body=body, orelse=other):
            chosen = body if truth(_evaluate(test, values), "if") else other
            return _evaluate(chosen, values)
        case ast.BoolOp():
            return _join(node, values)
        case ast.Compare():
            return _compare(node, values)
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            return tuple(_evaluate(part, values) for part in parts)
    raise AssertionError(node)


def _attempt(node: ast.expr, values: Values) -> Any:
    """The value of a part, or the error that says why it has none."""
    try:
        return _evaluate(node, values)
    except UndefinedError as error:
        return error


def _join(node: ast.BoolOp, values: Values) -> bool:
    word = "or" if isinstance(node.op, ast.Or) else "and"
    parts = [_attempt(each, values) for each in node.values]
    known = [truth(part, word) for part in parts if not isinstance(part, UndefinedError)]
    return _settle(known, parts, decisive=word == "or")


def _compare(node: ast.Compare, values: Values) -> bool:
    parts = [_attempt(each, values) for each in (node.left, *node.comparators)]
    known = [
        OPERATORS[type(op)](left, right)
        for op, (left, right) in zip(node.ops, itertools.pairwise(parts), strict=True)
        if not isinstance(left, UndefinedError) and not isinstance(right, UndefinedError)
    ]
    return _settle(known, parts, decisive=False)


def _settle(known: list[bool], parts: list[Any], *, decisive: bool) -> bool:
    """Kleene's logic: one decisive part settles it, else every part has to be known."""
    if decisive in known:
        return decisive
    for part in parts:
        if isinstance(part, UndefinedError):
            raise part
    return not decisive
