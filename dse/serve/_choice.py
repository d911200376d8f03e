"""What of a study is to be submitted, as a form or a link says it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dse.config.messages import suggest
from dse.core.errors import RequestError
from dse.core.metrics import Scenario
from dse.tasks.benchmark import DIVISIONS, OPEN

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dse.serve._posted import Fields

MAX_POINTS = 1000
_ID = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Choice:
    """Points of a study, and the division.

    Attributes:
        division: of the submission.
        points: their ids; empty for those that lead.
        scenarios: to run; empty for those of the objectives or of the division.
        anyway: whether points are run that an export would refuse.
    """

    division: str = OPEN
    points: tuple[int, ...] = ()
    scenarios: tuple[str, ...] = ()
    anyway: bool = False

    @classmethod
    def of(cls, fields: Fields) -> Choice:
        """Reads fields.

        Raises:
            RequestError: one is wrong; names it.
        """
        names = [scenario.value for scenario in Scenario]
        scenarios = [one_of(name, "scenario", names) for name in fields.all("scenario")]
        return cls(
            division=one_of(fields.one("division", OPEN), "division", DIVISIONS),
            points=_ids(fields.all("point")),
            scenarios=tuple(dict.fromkeys(scenarios)),
            anyway=fields.has("anyway"),
        )

    @classmethod
    def read(cls, fields: Fields) -> tuple[Choice, str]:
        """Reads fields that may be wrong.

        Returns:
            What they say, and what is wrong with them in a line; then they say nothing.
        """
        try:
            return cls.of(fields), ""
        except RequestError as error:
            return cls(), str(error)

    @property
    def words(self) -> list[str]:
        """The options that say which points and which division."""
        points = ["--points", ",".join(map(str, self.points))] if self.points else []
        return [*points, *([] if self.division == OPEN else ["--division", self.division])]

    @property
    def all_words(self) -> list[str]:
        """The same with the scenarios, and whether points are run anyway."""
        scenarios = [word for name in self.scenarios for word in ("--scenario", name)]
        return [*self.words, *scenarios, *(["--anyway"] if self.anyway else [])]


def one_of(value: str, field: str, known: Iterable[str]) -> str:
    """A value that has to be one of those that are known.

    Args:
        value: as it was sent.
        field: its name.
        known: the values there are.

    Raises:
        RequestError: it is none of them.
    """
    names = list(known)
    if value not in names:
        problem = f"'{value[:40]}' is none of {', '.join(names)}"
        raise RequestError(problem, field=field, remedy=suggest(value[:40], names))
    return value


def _ids(texts: Sequence[str]) -> tuple[int, ...]:
    if len(texts) > MAX_POINTS:
        raise RequestError(f"more than {MAX_POINTS} points", field="point", remedy="choose fewer")
    for text in texts:
        if not _ID.fullmatch(text):
            problem = f"'{text[:40]}' is not the id of a point"
            raise RequestError(problem, field="point", remedy="choose from the table")
    return tuple(dict.fromkeys(map(int, texts)))
