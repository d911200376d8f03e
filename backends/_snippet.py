"""Python code of a runtime's own interface, for whoever deploys what was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dse.core.signature import Input

WIDTH = 79
INDENT = "    "


def arrays(inputs: Iterable[Input]) -> str:
    """An array of zeros for each input, as a list."""
    return f"[{', '.join(map(zeros, inputs))}]"


def zeros(one: Input) -> str:
    """An array of zeros that stands for an input."""
    kind = "bool_" if one.dtype == "bool" else one.dtype
    return f"np.zeros({tuple(one.shape)}, np.{kind})"


def call(begin: str, arguments: Iterable[str]) -> list[str]:
    """A call in one line, or with an argument in each where it would be too wide.

    Args:
        begin: all before the parenthesis.
        arguments: of the call.
    """
    given = list(arguments)
    line = f"{begin}({', '.join(given)})"
    if len(line) <= WIDTH:
        return [line]
    return [f"{begin}(", *(f"{INDENT}{argument}," for argument in given), ")"]
