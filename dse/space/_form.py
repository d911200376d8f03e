"""The form of a search space's file: which fields it has, and the ways to write each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from dse.core.configuration import CPU
from dse.tasks.registry import DEFAULT

if TYPE_CHECKING:
    from dse.config.messages import Key
    from dse.config.yaml_reader import Document

Scalar = bool | int | float | str
Value = Scalar | frozenset[Scalar]
"""What a knob may have: one value, or a list that stands for a set of numbers."""
V = TypeVar("V", bool, int, float, str, "Scalar", "Value")


class Form(BaseModel):
    """A mapping that has these fields and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class RangeForm(Form):
    """Whole numbers from `start` to `stop`, both included, in equal steps or by a factor."""

    start: int
    stop: int
    step: int | None = None
    factor: int | None = None


class KnobForm(Form):
    """The values of a knob that only some configurations set."""

    values: Scalar | tuple[Value, ...]
    when: dict[str, Scalar | tuple[Scalar, ...]]


class BoundsForm(Form):
    """What the values of a metric must keep to."""

    min: float | None = None
    max: float | None = None


BackendForm = dict[str, Scalar | tuple[Value, ...] | KnobForm] | None


class SpaceForm(Form):
    """A search space as its file has it."""

    task: str = DEFAULT
    models: str | tuple[str, ...]
    precisions: str | tuple[str, ...] = ("fp32",)
    backends: tuple[str, ...] | dict[str, BackendForm]
    threads: Literal["auto"] | int | tuple[int, ...] | RangeForm = "auto"
    batch_sizes: int | tuple[int, ...] | RangeForm = (1,)
    instances: int | tuple[int, ...] | RangeForm = (1,)
    pinned: bool | tuple[bool, ...] = (False,)
    devices: str | tuple[str, ...] = (CPU,)
    objectives: str | tuple[str, ...] | None = None
    constraints: dict[str, BoundsForm] = {}


def iter_values(
    value: V | tuple[V, ...], document: Document, *keys: Key
) -> list[tuple[tuple[Key, ...], V]]:
    """The values of a field that takes one or a list, each with the way to it.

    Raises:
        RequestError: the list is empty, or holds a value twice.
    """
    if not isinstance(value, tuple):
        return [(keys, value)]
    if not value:
        raise document.error("the list is empty", *keys, remedy="give at least one value")
    found: list[tuple[tuple[Key, ...], V]] = []
    seen: set[tuple[type, V]] = set()
    for i, item in enumerate(value):
        if (type(item), item) in seen:
            problem = f"{as_written(item)} is given twice"
            raise document.error(problem, *keys, i, remedy="keep one of them")
        seen.add((type(item), item))
        found.append(((*keys, i), item))
    return found


def as_written(value: Value) -> str:
    """A value as a reader of YAML would write it."""
    if isinstance(value, str):
        return f"'{value}'"
    if isinstance(value, frozenset):
        return f"[{', '.join(sorted(map(as_written, value)))}]"
    return str(value).lower() if isinstance(value, bool) else f"{value}"
