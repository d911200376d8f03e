"""Configurations and outcomes as the numbers that models of other projects take."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dse.core.metrics import METRICS, is_quality
from dse.space.plan import parameter_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from dse.core.configuration import KnobValue
    from dse.core.measurement import Outcome
    from dse.space._enumeration import Parameter
    from dse.space.plan import Plan
    from dse.tasks.prior import ModelPrior

    Array = NDArray[np.float64]

COUNTED = ("log_macs", "log_parameters", "log_input", "depthwise", "zeros")
"""What is counted in a model's file: attributes of its prior that need no other models."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """The configurations of a plan as a matrix, in the plan's order.

    Attributes:
        values: a row for each configuration. Numbers are 0 to 1, categories 0, 1, 2 and so on.
        names: of the columns.
        categories: how many each column has; 0 for columns of numbers.
        parameters: the names of the plan's parameters that vary.
    """

    values: Array
    names: tuple[str, ...]
    categories: tuple[int, ...]
    parameters: tuple[str, ...]

    @property
    def one_hot(self) -> Array:
        """The same, with a column of 0 and 1 in place of each name."""
        parts = [
            column[:, None] == np.arange(count) if count else column[:, None]
            for column, count in zip(self.values.T, self.categories, strict=True)
        ]
        return np.hstack([part.astype(np.float64) for part in parts])

    @property
    def categorical(self) -> list[int]:
        """The places of columns of categories."""
        return [place for place, count in enumerate(self.categories) if count]


def losses(objectives: Iterable[str], outcome: Outcome) -> list[float]:
    """A number for each objective, the lower the better: logarithms of all but qualities."""
    found = []
    for name in objectives:
        value = outcome.values[name]
        value = value if is_quality(name) else math.log(value)
        found.append(-value if METRICS[name].direction == "maximize" else value)
    return found


def encode(plan: Plan, models: Mapping[str, ModelPrior] | None = None) -> Encoding:
    """What of a plan's configurations varies.

    Numbers above 0 that every configuration has count in logarithms; all other values are names.

    Args:
        plan: the configurations.
        models: what is counted in the files of models, by name; more columns of numbers, unless
            one of the plan's is not among them.
    """
    rows = [parameter_values(configuration) for configuration in plan.configurations]
    columns: list[tuple[str, int, Sequence[float]]] = []
    varying = tuple(p for p in plan.parameters if len({row.get(p.name) for row in rows}) > 1)
    for parameter in varying:
        if is_numeric(parameter) and all(parameter.name in row for row in rows):
            logarithms = [math.log2(row[parameter.name]) for row in rows]  # type: ignore[arg-type]  # numbers
            columns.append((parameter.name, 0, _scaled(logarithms)))
        else:
            columns.append((parameter.name, *_named([row.get(parameter.name) for row in rows])))
    known = [(models or {}).get(configuration.model) for configuration in plan.configurations]
    for name in COUNTED:
        counts = [getattr(one, name) for one in known if one is not None]
        if len(counts) == len(rows) and len(set(counts)) > 1:
            columns.append((name, 0, _scaled(counts)))
    return Encoding(
        np.array([values for _, _, values in columns], np.float64).reshape(-1, len(rows)).T,
        tuple(name for name, _, _ in columns),
        tuple(count for _, count, _ in columns),
        tuple(parameter.name for parameter in varying),
    )


def is_numeric(parameter: Parameter) -> bool:
    """Whether a parameter's choices are numbers above 0."""
    return all(_is_number(choice) and choice > 0 for choice in parameter.choices)  # type: ignore[operator]  # numbers


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _scaled(values: Sequence[float]) -> list[float]:
    """From 0 to 1."""
    low, high = min(values), max(values)
    return [(value - low) / (high - low) for value in values]


def _named(values: Sequence[KnobValue | None]) -> tuple[int, list[float]]:
    """How many names there are, and the place of each among them; None is one of them."""
    places: dict[KnobValue | None, float] = {}
    found = [places.setdefault(value, float(len(places))) for value in values]
    return len(places), found
