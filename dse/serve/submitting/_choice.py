"""What of a study is to be submitted, as a form or a link says it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dse.config.messages import suggest
from dse.core.errors import RequestError
from dse.core.metrics import Scenario
from dse.serve.asked import Asked
from dse.tasks.benchmark import DIVISIONS, OPEN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from dse.serve.posted import Fields

    Folders = Mapping[str, Sequence[Path]]

MAX_POINTS = 1000
MEMORY = re.compile(r"[1-9][0-9]{0,8}(\.[0-9]{1,9})?[KMGT]i?B")
INPUTS = ("models", "dataset")
"""What lies in the folders that a validation may be given; also its options."""
_ID = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Choice:
    """Points of a study, and the division.

    Attributes:
        division: of the submission.
        points: their ids; empty for those that lead.
        asked: conditions, metrics and objectives by which points that nobody names are chosen.
        decided: whether these have to be certain to lead.
        scenarios: to run; empty for those of the objectives or of the division.
        anyway: whether points are run that an export would refuse.
        memory: the most that a run may take; empty for the command's own limit.
        inputs: folders that are given, by `INPUTS`; of each its place among those there are.
    """

    division: str = OPEN
    points: tuple[int, ...] = ()
    asked: Asked = field(default_factory=Asked)
    decided: bool = False
    scenarios: tuple[str, ...] = ()
    anyway: bool = False
    memory: str = ""
    inputs: Mapping[str, tuple[int, Path]] = field(default_factory=dict)

    @classmethod
    def of(cls, fields: Fields, folders: Folders | None = None) -> Choice:
        """Reads fields.

        Args:
            fields: of a form or a link.
            folders: that may be given, by `INPUTS`.

        Raises:
            RequestError: one is wrong; names it.
        """
        names = [scenario.value for scenario in Scenario]
        scenarios = [one_of(name, "scenario", names) for name in fields.all("scenario")]
        asked = Asked.of(fields.all)
        asked.derivation()  # so that no command is asked in vain
        return cls(
            division=one_of(fields.one("division", OPEN), "division", DIVISIONS),
            points=() if fields.has("choose") else _ids(fields.all("point")),
            asked=asked,
            decided=fields.has("decided"),
            scenarios=tuple(dict.fromkeys(scenarios)),
            anyway=fields.has("anyway"),
            memory=_memory(fields.one("memory")),
            inputs=_inputs(fields, folders or {}),
        )

    @classmethod
    def read(cls, fields: Fields, folders: Folders | None = None) -> tuple[Choice, str]:
        """Reads fields that may be wrong.

        Args:
            fields: of a form or a link.
            folders: that may be given, by `INPUTS`.

        Returns:
            What they say, and what is wrong with them in a line; then they say nothing.
        """
        try:
            return cls.of(fields, folders), ""
        except RequestError as error:
            return cls(), str(error)

    @property
    def words(self) -> list[str]:
        """The options that say which points and which division."""
        if self.points:
            points = ["--points", ",".join(map(str, self.points))]
        else:
            points = [*self.asked.options, *(["--decided"] if self.decided else [])]
        return [*points, *([] if self.division == OPEN else ["--division", self.division])]

    @property
    def all_words(self) -> list[str]:
        """The same with all else that a validation is told."""
        scenarios = [word for name in self.scenarios for word in ("--scenario", name)]
        inputs = [
            word for name, (_, path) in self.inputs.items() for word in (f"--{name}", str(path))
        ]
        memory = ["--memory-limit", self.memory] if self.memory else []
        anyway = ["--anyway"] if self.anyway else []
        return [*inputs, *self.words, *scenarios, *memory, *anyway]

    @property
    def query(self) -> dict[str, str | list[str]]:
        """The fields of an address that says the same."""
        return {
            "division": self.division,
            "point": [*map(str, self.points)],
            **{name: [*lines] for name, lines in self.asked.fields.items()},
            "decided": "1" if self.decided else "",
            "scenario": [*self.scenarios],
            "anyway": "1" if self.anyway else "",
            "memory": self.memory,
            **{name: str(place) for name, (place, _) in self.inputs.items()},
        }


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


def _inputs(fields: Fields, folders: Folders) -> dict[str, tuple[int, Path]]:
    """The folders that are given, which are told by their places only."""
    found = {}
    for name in INPUTS:
        there = folders.get(name, ())
        if text := fields.one(name):
            place = int(one_of(text, name, map(str, range(len(there)))))
            found[name] = place, there[place]
    return found


def _memory(text: str) -> str:
    if text and not MEMORY.fullmatch(text):
        problem = f"'{text[:40]}' is not an amount of memory"
        raise RequestError(problem, field="memory", remedy="write 800MiB or 4GiB")
    return text


def _ids(texts: Sequence[str]) -> tuple[int, ...]:
    if len(texts) > MAX_POINTS:
        raise RequestError(f"more than {MAX_POINTS} points", field="point", remedy="choose fewer")
    for text in texts:
        if not _ID.fullmatch(text):
            problem = f"'{text[:40]}' is not the id of a point"
            raise RequestError(problem, field="point", remedy="choose from the table")
    return tuple(dict.fromkeys(map(int, texts)))
