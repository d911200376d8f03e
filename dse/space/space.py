"""What a search space is: the values the explorer may try, what it optimises and what it allows."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from dse.config import yaml_reader
from dse.config.yaml_reader import Document
from dse.core.configuration import CPU
from dse.tasks.registry import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Iterable
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
        devices: names in `dse.core.configuration.DEVICES`.
        task: what the models are for, a name in `dse.tasks.registry`.
        document: the file it was read from, if any, for errors about its values.
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
    devices: tuple[str, ...] = (CPU,)
    task: str = DEFAULT
    document: Document = field(default_factory=Document, compare=False)
    origin: Path | None = field(default=None, compare=False)

    @property
    def file(self) -> Path | None:
        """The file it was read from, if any."""
        return self.document.file

    def as_dict(self) -> dict[str, Any]:
        """The canonical form, JSON-able; equal spaces have equal ones."""
        # Left out where they are the default, which is that of all earlier studies.
        named = {"task": self.task} if self.task != DEFAULT else {}
        devices = {"devices": list(self.devices)} if self.devices != (CPU,) else {}
        return named | {
            "models": "all" if self.models == ALL_MODELS else list(self.models),
            "precisions": list(self.precisions),
            "backends": {b.name: _backend_dict(b) for b in self.backends},
            "threads": "auto" if self.threads is None else list(self.threads),
            "batch_sizes": list(self.batch_sizes),
            "instances": list(self.instances),
            "pinned": list(self.pinned),
            **devices,
            "objectives": list(self.objectives),
            "constraints": {c.metric: _bounds_dict(c) for c in self.constraints},
        }

    def as_yaml(self) -> str:
        """The canonical form as the text of a file that `dse.space.reading.read_space` reads."""
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


def is_pattern(name: str) -> bool:
    """Whether a model's name is a shell pattern."""
    return any(mark in name for mark in "*?[")


def matching(pattern: str, names: Iterable[str]) -> tuple[str, ...]:
    """The names that a name or shell pattern stands for, in their order."""
    return tuple(n for n in names if n == pattern or fnmatchcase(n, pattern))
