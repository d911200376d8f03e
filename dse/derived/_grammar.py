"""What an expression may say; its text is checked before anything is computed."""

from __future__ import annotations

import ast
import math
import warnings
from typing import TYPE_CHECKING

from dse.config.messages import suggest
from dse.core.errors import RequestError
from dse.derived._operations import CONSTANTS, FUNCTIONS, OPERATORS

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_CHARACTERS = 500
MAX_EXPRESSION_DEPTH = 50
"""The depth to which brackets and operators may be nested; a sum of N terms is N deep."""
MAX_DIGITS = 40
LANGUAGE = (
    "use names, numbers, quoted text, + - * / // % **, comparisons, in, and, or, not, if else, "
    f"and {', '.join(FUNCTIONS)}"
)


def parse_expression(text: str, option: str) -> tuple[ast.expr, tuple[str, ...]]:
    """The tree of an expression, and the names in it, sorted; messages name ``option``.

    Raises:
        RequestError: it is too long or nested too deep, is not an expression, or says what
            expressions can't say.
    """
    if len(text) > MAX_CHARACTERS:
        remedy = "split it into several metrics"
        raise RequestError(
            f"is longer than {MAX_CHARACTERS} characters", field=option, remedy=remedy
        )
    tree = _tree(text.strip(), option)
    return tree, _Walk(text.strip(), option).names(tree)


def _tree(text: str, option: str) -> ast.expr:
    if not text:
        raise RequestError("the expression is empty", field=option, remedy=LANGUAGE)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what Python only doubts is an error here
            return ast.parse(text, mode="eval").body
    except SyntaxError as error:
        problem = f"'{_short(text)}' is not an expression: {error.msg}"
        raise RequestError(problem, field=option, remedy=LANGUAGE) from error
    except ValueError as error:  # a null byte
        problem = f"'{_short(text)}' is not an expression: {error}"
        raise RequestError(problem, field=option, remedy=LANGUAGE) from error
    except (RecursionError, MemoryError) as error:  # so Python's parser calls it
        raise _too_deep(option) from error


class _Walk:
    """Looks at every node of a tree once; refuses what the evaluator has no rule for."""

    def __init__(self, text: str, option: str) -> None:
        self._text = text
        self._option = option
        self._lists: set[ast.expr] = set()

    def names(self, tree: ast.expr) -> tuple[str, ...]:
        """The names in the tree, without the constants."""
        names: set[str] = set()
        waiting = [(tree, 1)]
        while waiting:
            node, depth = waiting.pop()
            if depth > MAX_EXPRESSION_DEPTH:
                raise _too_deep(self._option)
            if isinstance(node, ast.Name) and node.id not in CONSTANTS:
                names.add(self._name(node.id))
            waiting += [(inner, depth + 1) for inner in self._inner(node)]
        return tuple(sorted(names))

    def _inner(self, node: ast.expr) -> Sequence[ast.expr]:
        """What is in a node, where the node itself is allowed."""
        if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
            return node.left, node.right
        if isinstance(node, ast.UnaryOp) and type(node.op) in OPERATORS:
            return (node.operand,)
        if isinstance(node, ast.BoolOp):
            return node.values
        if isinstance(node, ast.IfExp):
            return node.test, node.body, node.orelse
        if isinstance(node, ast.Compare) and self._comparable(node):
            return node.left, *node.comparators
        if isinstance(node, ast.Call):
            return self._arguments(node)
        if isinstance(node, ast.Tuple | ast.List) and node in self._lists:
            return node.elts
        if isinstance(node, ast.Name) or (isinstance(node, ast.Constant) and self._fine(node)):
            return ()
        raise self._refused(node)

    def _comparable(self, node: ast.Compare) -> bool:
        if not any(isinstance(op, ast.In | ast.NotIn) for op in node.ops):
            return all(type(op) in OPERATORS for op in node.ops)
        self._lists.update(node.comparators)
        return len(node.ops) == 1  # a list is compared with nothing else

    def _name(self, name: str) -> str:
        if name in FUNCTIONS:
            remedy = f"write {name}(...)"
            raise RequestError(f"'{name}' is a function", field=self._option, remedy=remedy)
        return name

    def _arguments(self, call: ast.Call) -> Sequence[ast.expr]:
        if not isinstance(call.func, ast.Name):
            raise self._refused(call)
        name = call.func.id
        function = FUNCTIONS.get(name)
        if function is None:
            raise RequestError(
                f"no function is called '{name}'",
                field=self._option,
                remedy=suggest(name, FUNCTIONS),
            )
        if call.keywords:
            raise self._refused(call)
        if not function.fewest <= len(call.args) <= function.most:
            many = (
                f"at least {function.fewest}"
                if math.isinf(function.most)
                else " or ".join(map(str, range(function.fewest, int(function.most) + 1)))
            )
            problem = f"{name} takes {many} values, not {len(call.args)}"
            raise RequestError(problem, field=self._option, remedy="separate them by commas")
        return call.args

    def _fine(self, constant: ast.Constant) -> bool:
        value = constant.value
        if isinstance(value, int) and abs(value) >= 10**MAX_DIGITS:
            return False
        if isinstance(value, float):
            return math.isfinite(value)
        return isinstance(value, str | int)  # which truth values are, too

    def _refused(self, node: ast.expr) -> RequestError:
        said = ast.get_source_segment(self._text, node) or self._text
        problem = f"'{_short(said)}' is not something that an expression may say"
        return RequestError(problem, field=self._option, remedy=LANGUAGE)


def _too_deep(option: str) -> RequestError:
    problem = f"is nested more than {MAX_EXPRESSION_DEPTH} deep"
    return RequestError(problem, field=option, remedy="split it into several metrics")


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."
