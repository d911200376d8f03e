"""What a reader asks for beyond what was measured, as a form or an address says it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self
from urllib.parse import urlencode

from dse.core.errors import RequestError
from dse.derived.definitions import METRIC, OBJECTIVE, WHERE
from dse.derived.derivation import Derivation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

OPTIONS = {"metric": METRIC, "where": WHERE, "objective": OBJECTIVE}
"""The option of each field of the form; a line of the field is one of them."""
MAX_LINES = 20
"""How many lines a field may have."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Metrics, conditions and objectives of the reader, as they were written.

    Attributes:
        metric: each ``NAME [UNIT] = EXPRESSION``.
        where: expressions that are true or false.
        objective: each ``NAME:DIRECTION``.
    """

    metric: tuple[str, ...] = ()
    where: tuple[str, ...] = ()
    objective: tuple[str, ...] = ()

    @classmethod
    def of(cls, values: Callable[[str], Iterable[str]]) -> Self:
        """Reads fields: each may be given several times, and have several lines.

        Args:
            values: all values of a field, by its name.
        """
        return cls(**{name: _lines(values(name)) for name in OPTIONS})

    def derivation(self) -> Derivation:
        """What is asked for, checked.

        Raises:
            RequestError: something is wrong with it; names the option.
        """
        for name, option in OPTIONS.items():
            if len(getattr(self, name)) > MAX_LINES:
                problem = f"there are more than {MAX_LINES} lines"
                raise RequestError(problem, field=option, remedy="leave some out")
        return Derivation.parse(self.metric, self.where, self.objective)

    @property
    def fields(self) -> dict[str, tuple[str, ...]]:
        """The lines of each field of the form."""
        return {name: getattr(self, name) for name in OPTIONS}

    @property
    def options(self) -> list[str]:
        """The same as words of a command."""
        return [word for name, text in self._pairs() for word in (OPTIONS[name], text)]

    @property
    def query(self) -> str:
        """The same as the end of an address, with its question mark; empty for nothing."""
        return f"?{urlencode([*self._pairs()])}" if any(self._pairs()) else ""

    def _pairs(self) -> Iterator[tuple[str, str]]:
        for name in OPTIONS:
            for text in getattr(self, name):
                yield name, text


def complaint(error: RequestError) -> tuple[str, str] | None:
    """The field of the form that an error is about, and the line to show; None for others."""
    field = next((name for name, option in OPTIONS.items() if option == error.field), None)
    if field is None:
        return None
    return field, f"{error.problem}; {error.remedy}" if error.remedy else error.problem


def _lines(texts: Iterable[str]) -> tuple[str, ...]:
    lines = (line.strip() for text in texts for line in text.splitlines())
    return tuple(line for line in lines if line)
