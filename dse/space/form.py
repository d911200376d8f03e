"""The form of a search space's file: which fields it has, and the ways to write each of them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from dse.tasks.registry import DEFAULT

Scalar = bool | int | float | str


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

    values: Scalar | tuple[Scalar, ...]
    when: dict[str, Scalar | tuple[Scalar, ...]]


class BoundsForm(Form):
    """What the values of a metric must keep to."""

    min: float | None = None
    max: float | None = None


BackendForm = dict[str, Scalar | tuple[Scalar, ...] | KnobForm] | None


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
    objectives: str | tuple[str, ...] | None = None
    constraints: dict[str, BoundsForm] = {}
