"""Walking the values of a form, with the place of each at hand for a complaint."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, TypeVar

from dse.config import yaml_reader
from dse.core.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from dse.config.messages import Key

V = TypeVar("V", bool, int, float, str, "bool | int | float | str")


@dataclass(frozen=True, slots=True)
class SourceLocation:
    """The file that complaints name; None for a space that comes from none."""

    file: Path | None

    def refuse(self, problem: str, *keys: Key, remedy: str | None = None) -> RequestError:
        """The error for the value at the end of a way of keys."""
        line = None
        if self.file is not None:
            # A single value stands for a list of one: then the index leads nowhere.
            while keys and (line := yaml_reader.locate(self.file, *keys)) is None:
                keys = keys[:-1]
        name = yaml_reader.field_name(keys)
        return RequestError(problem, file=self.file, line=line, field=name, remedy=remedy)


def iter_values(
    value: V | tuple[V, ...], where: SourceLocation, *keys: Key
) -> list[tuple[tuple[Key, ...], V]]:
    """The values of a field that takes one or a list, each with the way to it.

    Raises:
        RequestError: the list is empty, or holds a value twice.
    """
    if not isinstance(value, tuple):
        return [(keys, value)]
    if not value:
        raise where.refuse("the list is empty", *keys, remedy="give at least one value")
    found: list[tuple[tuple[Key, ...], V]] = []
    seen: set[tuple[type, V]] = set()
    for i, item in enumerate(value):
        if (type(item), item) in seen:
            problem = f"{shown(item)} is given twice"
            raise where.refuse(problem, *keys, i, remedy="keep one of them")
        seen.add((type(item), item))
        found.append(((*keys, i), item))
    return found


def shown(value: bool | float | str) -> str:
    """A value as a reader of YAML would write it."""
    if isinstance(value, str):
        return f"'{value}'"
    return str(value).lower() if isinstance(value, bool) else f"{value}"


def is_pattern(name: str) -> bool:
    """Whether a model's name is a shell pattern."""
    return any(mark in name for mark in "*?[")


def matching(pattern: str, names: Iterable[str]) -> tuple[str, ...]:
    """The names that a name or shell pattern stands for, in their order."""
    return tuple(n for n in names if n == pattern or fnmatchcase(n, pattern))
