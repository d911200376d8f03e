"""Parses the size of a dimension: a name, a placeholder that names nothing, or an expression.

Exporters write sizes as formulas of other sizes: ``past + 1``, ``(W - 1)//2 + 1``, ``floor(H/2)``,
``Max(0, n)``. A formula is parsed, checked against a short list of operators and computed exactly;
it is never executed.
"""

from __future__ import annotations

import ast
import math
import operator
import re
import warnings
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

MAX_SIZE = 1 << 24
"""Largest size of a dimension."""
MAX_EXPRESSION_CHARACTERS = 200
MAX_SIZE_DEPTH = 30
MAX_INTERMEDIATE = 1 << 64
"""Exclusive bound of the numerators and denominators of intermediate results."""
MAX_EXPONENT = 64

_PLACEHOLDER = re.compile(
    r"[?*._-]*|-\d+|\?_*\d+|(none|null|nil|nan|any)|(unk|unknown)[_.-]*\d*", re.IGNORECASE
)
_HYPHENATED = re.compile(r"[^\W\d]\w*(-[^\W\d]\w*)+")
_OPERATORS = re.compile(r"[-+*/%()]")


class SymbolError(ValueError):
    """An expression can't be computed; the message gives the reason."""


def is_placeholder(text: str) -> bool:
    """Whether the name of a dimension is a placeholder: ``None``, ``?``, ``-1``, ``unk__12``."""
    return _PLACEHOLDER.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class SizeExpression:
    """The size of a dimension as a formula of other sizes.

    Attributes:
        text: the formula in the file.
        tree: its syntax tree; `value` has a rule for each node.
        names: names of the sizes in it, in their order.
    """

    text: str
    tree: ast.expr
    names: tuple[str, ...]

    def value(self, sizes: Mapping[str, int]) -> int:
        """Computes the size from the sizes of all `names`.

        Raises:
            SymbolError: it is not a whole number from 0 to `MAX_SIZE`, or can't be computed.
        """
        found = _evaluate(self.tree, sizes)
        if found.denominator != 1 or not 0 <= found <= MAX_SIZE:
            raise SymbolError(f"it comes to {found}")
        return int(found)


def parse_size(text: str, known: Collection[str] = ()) -> str | int | SizeExpression:
    """Parses a dimension, not a placeholder, as a number, a plain name or an expression.

    ``batch-size`` is a difference only if ``batch`` and ``size`` are known names of dimensions.

    Raises:
        SymbolError: it is an expression with a part that has no rule.
    """
    if re.fullmatch(r"[0-9]{1,9}", text):
        return int(text)
    if not _OPERATORS.search(text):
        return text
    if _HYPHENATED.fullmatch(text) and not set(text.split("-")) <= set(known):
        return text
    if len(text) > MAX_EXPRESSION_CHARACTERS:
        raise SymbolError(f"it is longer than {MAX_EXPRESSION_CHARACTERS} characters")
    tree = _parse(text)
    if tree is None:
        if re.search(r"[()+*%]", text):
            raise SymbolError("it is not an expression of names and numbers")
        return text  # such as the path of a node
    names: dict[str, None] = {}
    _check(tree, names, 0)
    return SizeExpression(text, tree, tuple(names))


def _parse(text: str) -> ast.expr | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a warning of Python's parser is an error here
            return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # as Python's parser calls it
        return None


_BINARY: Mapping[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: lambda a, b: Fraction(a // b),
    ast.Mod: operator.mod,
}
_FUNCTIONS: Mapping[str, tuple[int, int, Callable[..., Fraction]]] = {
    "floor": (1, 1, lambda a: Fraction(math.floor(a))),
    "ceil": (1, 1, lambda a: Fraction(math.ceil(a))),
    "ceiling": (1, 1, lambda a: Fraction(math.ceil(a))),
    "abs": (1, 1, abs),
    "max": (1, 16, max),
    "min": (1, 16, min),
    "mod": (2, 2, operator.mod),
    "floordiv": (2, 2, lambda a, b: Fraction(a // b)),
    "ceildiv": (2, 2, lambda a, b: Fraction(-(-a // b))),
}
"""Functions by name in lower case: least and largest number of arguments, and the computation."""


def _check(node: ast.expr, names: dict[str, None], depth: int) -> None:
    """Refuses parts that have no rule, and collects the names."""
    if depth > MAX_SIZE_DEPTH:
        raise SymbolError(f"it is nested more than {MAX_SIZE_DEPTH} deep")
    for inner in _operands(node):
        _check(inner, names, depth + 1)
    if isinstance(node, ast.Name):
        names[node.id] = None


def _operands(node: ast.expr) -> Sequence[ast.expr]:
    """The operands of a node; refuses a node that has no rule."""
    match node:
        case ast.Name():
            return ()
        case ast.Constant(value=value) if type(value) is int and value < MAX_INTERMEDIATE:
            return ()
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            return (operand,)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in (*_BINARY, ast.Pow):
            return left, right
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
            fewest, most, _ = _FUNCTIONS.get(name.lower(), (1, 0, None))
            if fewest <= len(args) <= most:
                return args
    raise SymbolError(f"there is no rule for '{ast.unparse(node)[:40]}'")


def _evaluate(node: ast.expr, sizes: Mapping[str, int]) -> Fraction:
    values = [_evaluate(inner, sizes) for inner in _operands(node)]
    try:
        found = _compute(node, values, sizes)
    except ZeroDivisionError as error:
        raise SymbolError("it divides by 0") from error
    if max(abs(found.numerator), found.denominator) >= MAX_INTERMEDIATE:
        raise SymbolError("its numbers are too large")
    return found


def _compute(node: ast.expr, values: list[Fraction], sizes: Mapping[str, int]) -> Fraction:
    match node:
        case ast.Name(id=name):
            return Fraction(sizes[name])
        case ast.Constant(value=int(value)):
            return Fraction(value)
        case ast.UnaryOp(op=op):
            return -values[0] if isinstance(op, ast.USub) else values[0]
        case ast.BinOp(op=ast.Pow()):
            return _power(*values)
        case ast.BinOp(op=op):
            return _BINARY[type(op)](*values)
        case ast.Call(func=ast.Name(id=name)):
            return _FUNCTIONS[name.lower()][2](*values)
    raise SymbolError(f"there is no rule for '{ast.unparse(node)[:40]}'")


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1 or abs(exponent) > MAX_EXPONENT:
        raise SymbolError(f"there is no rule for the power of {exponent}")
    return Fraction(base ** int(exponent))
