"""Expressions of the user: checked when they are read, computed by simpleeval for each point."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from simpleeval import SimpleEval

from dse.core.errors import RequestError
from dse.derived.grammar import parse
from dse.derived.operations import (
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
        option: where it was given, for the messages.

    Attributes:
        text: the same, without the spaces around it.
        names: the names in it, sorted.

    Raises:
        RequestError: it says something that expressions can't.
    """

    __slots__ = ("_evaluator", "_option", "_tree", "names", "text")

    def __init__(self, text: str, option: str) -> None:
        self.text = text.strip()
        self._option = option
        self._tree, self.names = parse(text, option)
        self._evaluator = SimpleEval(
            operators=dict(OPERATORS),
            functions={name: function.apply for name, function in FUNCTIONS.items()},
            allowed_attrs={},
        )
        # Only these: attributes, indices, formatted text and the like have no rule at all.
        plain = (ast.Constant, ast.Name, ast.UnaryOp, ast.BinOp, ast.Call)
        self._evaluator.nodes = {
            **{node: self._evaluator.nodes[node] for node in plain},
            ast.BoolOp: self._joined,
            ast.Compare: self._compared,
            ast.IfExp: self._chosen,
            ast.Tuple: self._listed,
            ast.List: self._listed,
        }

    def number(self, values: Values) -> float:
        """The number that it gives.

        Raises:
            UndefinedError: it has none for these values.
            RequestError: it gives something else, or mixes numbers and texts.
        """
        found = self._value(values)
        if kind(found) != "a number":
            raise self._refused(f"gives {kind(found)}, not a number", "compute a number")
        return float(found)

    def holds(self, values: Values) -> bool:
        """Whether it is true.

        Raises:
            UndefinedError: it can't be decided for these values.
            RequestError: it is no condition, or mixes numbers and texts.
        """
        found = self._value(values)
        if not isinstance(found, bool):
            raise self._refused(
                f"gives {kind(found)}, not true or false", "compare it with something"
            )
        return found

    def _value(self, values: Values) -> Any:
        self._evaluator.names = values
        try:
            return self._computed(self._tree)
        except MixedError as error:
            raise self._refused(str(error), None) from error

    def _computed(self, node: ast.expr) -> Any:
        return self._evaluator.eval(self.text, previously_parsed=node)

    def _refused(self, problem: str, remedy: str | None) -> RequestError:
        return RequestError(f"'{self.text}': {problem}", field=self._option, remedy=remedy)

    def _attempt(self, node: ast.expr) -> Any:
        """The value of a part, or the error that says why it has none."""
        try:
            return self._computed(node)
        except UndefinedError as error:
            return error

    def _joined(self, node: ast.BoolOp) -> bool:
        word = "or" if isinstance(node.op, ast.Or) else "and"
        parts = [self._attempt(each) for each in node.values]
        known = [truth(part, word) for part in parts if not isinstance(part, UndefinedError)]
        return _settled(known, parts, decisive=word == "or")

    def _compared(self, node: ast.Compare) -> bool:
        parts = [self._attempt(each) for each in (node.left, *node.comparators)]
        known = [
            OPERATORS[type(op)](left, right)
            for op, left, right in zip(node.ops, parts, parts[1:], strict=False)
            if not isinstance(left, UndefinedError) and not isinstance(right, UndefinedError)
        ]
        return _settled(known, parts, decisive=False)

    def _chosen(self, node: ast.IfExp) -> Any:
        test = truth(self._computed(node.test), "if")
        return self._computed(node.body if test else node.orelse)

    def _listed(self, node: ast.Tuple | ast.List) -> tuple[Any, ...]:
        return tuple(self._computed(each) for each in node.elts)


def _settled(known: list[bool], parts: list[Any], *, decisive: bool) -> bool:
    """Kleene's logic: one decisive part settles it, else every part has to be known."""
    if decisive in known:
        return decisive
    for part in parts:
        if isinstance(part, UndefinedError):
            raise part
    return not decisive
