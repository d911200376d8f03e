"""The user's own numbers: what a machine costs by the hour, what it may take in watts."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from dse.config.yaml_reader import Document, read_document
from dse.derived.point import SYSTEM, why_invalid

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from dse.core.errors import RequestError

TOLD = tuple(name for name in SYSTEM if name != "cpu")
"""Numbers that are known of most systems; a user's win."""


class FactsForm(BaseModel):
    """The file: numbers of every system, and under ``systems`` those of some."""

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, float] = Field(init=False)

    systems: dict[str, dict[str, float]] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SuppliedFacts:
    """The numbers of a user.

    Attributes:
        everywhere: by name, of every system.
        some: shell patterns, and the numbers of the systems that each fits; in the file's order.
        document: the file where they stand.
    """

    everywhere: Mapping[str, float] = field(default_factory=dict)
    some: tuple[tuple[str, Mapping[str, float]], ...] = ()
    document: Document = field(default_factory=Document)

    @classmethod
    def read(cls, path: Path) -> SuppliedFacts:
        """Reads a file.

        Raises:
            RequestError: it is wrong; names file, line and field.
        """
        form, document = read_document(path, FactsForm)
        facts = cls(form.__pydantic_extra__, tuple(form.systems.items()), document)
        for name in facts.names:
            wrong = None if name in TOLD else why_invalid(name)
            if wrong:
                raise facts.refusal(name, *wrong)
        return facts

    @property
    def names(self) -> tuple[str, ...]:
        """All that are there for some system, each once."""
        return tuple(dict.fromkeys([*self.everywhere, *(n for _, own in self.some for n in own)]))

    def of(self, names: Iterable[str]) -> dict[str, float]:
        """The numbers of a system by what it is called; of several that fit, the last wins."""
        called = [name.lower() for name in names if name]
        found = dict(self.everywhere)
        for pattern, own in self.some:
            wanted = pattern.lower()
            if any(name == wanted or fnmatchcase(name, wanted) for name in called):
                found |= own
        return found

    def refusal(self, name: str, problem: str, remedy: str) -> RequestError:
        """The error about the first place where a name stands."""
        keys: tuple[str, ...] = (name,)
        if name not in self.everywhere:
            pattern = next(pattern for pattern, own in self.some if name in own)
            keys = ("systems", pattern, name)
        return self.document.error(f"'{name}' {problem}", *keys, remedy=remedy)
