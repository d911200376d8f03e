"""What a search space is: the values the explorer may try, what it optimises and what it allows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dse.config import yaml_reader
from dse.tasks.registry import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dse.core.configuration import KnobValue
    from dse.core.pareto import Constraint

ALL_MODELS = ("*",)
Condition = tuple[tuple[str, tuple["KnobValue", ...]], ...]
"""Fields of a configuration and the values they may have; all of them must agree."""


@dataclass(frozen=True, slots=True)
class KnobChoice:
    """The values a knob of a backend takes, and when it is set at all.

    Attributes:
        name: the knob.
        values: the values to try, each of the knob's own type.
        when: the configurations that set it; empty for all. A model may be a shell pattern.
    """

    name: str
    values: tuple[KnobValue, ...]
    when: Condition = ()


@dataclass(frozen=True, slots=True)
class BackendChoice:
    """A backend with what the space says of it; knobs and settings are sorted by name."""

    name: str
    knobs: tuple[KnobChoice, ...] = ()
    settings: tuple[tuple[str, KnobValue], ...] = ()


@dataclass(frozen=True, slots=True)
class SearchSpace:
    """A validated search space. It knows nothing of the machine and of the models on offer.

    Backends and constraints are sorted by name, so that two files that say the same are equal.

    Attributes:
        models: names and shell patterns; `ALL_MODELS` for all.
        precisions: names in `dse.core.configuration.PRECISIONS`.
        backends: at least one.
        threads: thread counts; None for what suits the machine.
        batch_sizes: samples per call of the runtime, where the scenario gives it several.
        objectives: names in `dse.core.metrics.METRICS`.
        constraints: bounds on outcomes.
        instances: copies of a model that predict side by side, where the scenario lets them.
        pinned: whether each instance keeps to CPUs of its own.
        task: what the models are for, a name in `dse.tasks.registry`.
        file: the file it was read from, if any.
        origin: the folder that relative paths in settings start from.
    """

    models: tuple[str, ...]
    precisions: tuple[str, ...]
    backends: tuple[BackendChoice, ...]
    threads: tuple[int, ...] | None
    batch_sizes: tuple[int, ...]
    objectives: tuple[str, ...]
    constraints: tuple[Constraint, ...] = ()
    instances: tuple[int, ...] = (1,)
    pinned: tuple[bool, ...] = (False,)
    task: str = DEFAULT
    file: Path | None = field(default=None, compare=False)
    origin: Path | None = field(default=None, compare=False)

    @classmethod
    def from_file(cls, path: Path) -> SearchSpace:
        """Reads and validates a YAML file.

        Raises:
            RequestError: the file is wrong; names file, line and field.
        """
        from dse.space.form import SpaceForm
        from dse.space.validation import validated
        from dse.space.values import SourceLocation

        return validated(
            yaml_reader.read(path, SpaceForm), SourceLocation(path), origin=path.parent
        )

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], origin: Path | None = None) -> SearchSpace:
        """The inverse of `as_dict`; takes whatever a file may hold.

        Args:
            data: the space.
            origin: the folder that relative paths in settings start from.

        Raises:
            RequestError: it is no valid space; names the field.
        """
        from dse.space.form import SpaceForm
        from dse.space.validation import validated
        from dse.space.values import SourceLocation

        return validated(
            yaml_reader.check(dict(data), SpaceForm), SourceLocation(None), origin=origin
        )

    def as_dict(self) -> dict[str, Any]:
        """The canonical form, JSON-able; equal spaces have equal ones."""
        # Left out where it is the default, which is that of all earlier studies.
        named = {"task": self.task} if self.task != DEFAULT else {}
        return named | {
            "models": "all" if self.models == ALL_MODELS else list(self.models),
            "precisions": list(self.precisions),
            "backends": {b.name: _backend_dict(b) for b in self.backends},
            "threads": "auto" if self.threads is None else list(self.threads),
            "batch_sizes": list(self.batch_sizes),
            "instances": list(self.instances),
            "pinned": list(self.pinned),
            "objectives": list(self.objectives),
            "constraints": {c.metric: _bounds_dict(c) for c in self.constraints},
        }

    def as_yaml(self) -> str:
        """The canonical form as the text of a file that `from_file` reads."""
        return yaml_reader.dump(self.as_dict())

    def settings(self, backend: str) -> dict[str, KnobValue]:
        """The fixed settings of a backend; paths in them are relative to `origin`."""
        return {name: v for b in self.backends if b.name == backend for name, v in b.settings}


def _backend_dict(backend: BackendChoice) -> dict[str, Any]:
    result: dict[str, Any] = dict(backend.settings)
    for knob in backend.knobs:
        result[knob.name] = list(knob.values)
        if knob.when:
            when = {name: list(values) for name, values in knob.when}
            result[knob.name] = {"values": list(knob.values), "when": when}
    return result


def _bounds_dict(constraint: Constraint) -> dict[str, float]:
    bounds = {"min": constraint.minimum, "max": constraint.maximum}
    return {name: bound for name, bound in bounds.items() if bound is not None}
