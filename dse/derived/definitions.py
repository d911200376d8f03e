"""What the options ``--metric`` and ``--objective`` say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dse.core.errors import RequestError
from dse.core.metrics import METRICS
from dse.derived._expression import Expression
from dse.derived.point import why_invalid

if TYPE_CHECKING:
    from dse.core.metrics import Direction

METRIC, WHERE, OBJECTIVE = "--metric", "--where", "--objective"
"""The options, as messages name them."""
_DEFINITION = re.compile(
    r"\s*(?P<name>[^\s=\[\]]+)\s*(?:\[(?P<unit>[^\[\]]*)\]\s*)?=(?!=)(?P<is>.*)"
)
UNIT_WIDTH = 20
_EXAMPLE = "write 'NAME = EXPRESSION' or 'NAME [UNIT] = EXPRESSION'"
_DIRECTIONS: dict[str, Direction] = {"minimize": "minimize", "maximize": "maximize"}


@dataclass(frozen=True, slots=True)
class Definition:
    """A metric that a user defines.

    Attributes:
        name: what it is called.
        unit: shown beside it; empty where none was given.
        expression: how it is computed.
    """

    name: str
    unit: str
    expression: Expression

    @classmethod
    def parse(cls, text: str) -> Definition:
        """Reads ``NAME [UNIT] = EXPRESSION``.

        Raises:
            RequestError: it has another form, or the expression is wrong.
        """
        match = _DEFINITION.fullmatch(text)
        if match is None:
            shown = text if len(text) <= 40 else f"{text[:37]}..."
            raise RequestError(f"'{shown}' defines no metric", field=METRIC, remedy=_EXAMPLE)
        name, unit = match["name"], (match["unit"] or "").strip()
        if wrong := why_invalid(name):
            problem, remedy = wrong
            raise RequestError(f"'{name}' {problem}", field=METRIC, remedy=remedy)
        if unit and (len(unit) > UNIT_WIDTH or not unit.isprintable()):
            problem = f"the unit of {name} is not a text of at most {UNIT_WIDTH} characters"
            raise RequestError(problem, field=METRIC, remedy="shorten it")
        return cls(name, unit, Expression(match["is"], METRIC))

    @property
    def heading(self) -> str:
        """The name with its unit."""
        return f"{self.name} [{self.unit}]" if self.unit else self.name

    def __str__(self) -> str:
        return f"{self.heading} = {self.expression.text}"


@dataclass(frozen=True, slots=True)
class Objective:
    """A metric to optimise, measured or defined, and in which direction."""

    name: str
    direction: Direction

    @classmethod
    def parse(cls, text: str) -> Objective:
        """Reads ``NAME:minimize`` or ``NAME:maximize``; a measured metric has a direction itself.

        Raises:
            RequestError: the direction is missing or unknown.
        """
        name, colon, word = (part.strip() for part in text.partition(":"))
        if not colon and name in METRICS:
            return cls(name, METRICS[name].direction)
        if word not in _DIRECTIONS:
            problem = f"'{text}' names no direction"
            remedy = f"write '{name}:minimize' or '{name}:maximize'"
            raise RequestError(problem, field=OBJECTIVE, remedy=remedy)
        return cls(name, _DIRECTIONS[word])
