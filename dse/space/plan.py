"""What of a search space can run here, and why the rest can't."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from dse.config.messages import suggest
from dse.core import registry
from dse.core.backend import devices_of
from dse.core.configuration import CONFIGURATION_FIELDS, CPU, DEVICE, Configuration
from dse.core.errors import RequestError
from dse.core.wording import format_count
from dse.machine.affinity import can_pin
from dse.space._enumeration import MAX_CONFIGURATIONS, Parameter, configurations, parameters, size

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from dse.core.configuration import KnobValue
    from dse.space.space import SearchSpace

Triple = tuple[str, str, str]
Words = tuple[str | None, ...]
"""Of a reason; None stands for the precision."""
MAX_NAMES = 3
"""The number of models that a line names."""
MAX_NAME, NAME_END = 40, 15
"""Characters of a name in such a line, and of its end where the middle is left out."""


class ModelAvailability(Protocol):
    """What can be run here, as far as the files of the models decide it."""

    def models(self) -> tuple[str, ...]:
        """Names of the models on offer, in the order to show them."""
        ...

    def obstacle(self, model: str, precision: str, backend: str) -> str | None:
        """Why there is no model file for this, in a few words; None where there is one."""
        ...

    def knob_obstacle(self, point: Configuration) -> str | None:
        """Why the model file can't be loaded on this device with these knobs; None if it can."""
        ...


@dataclass(frozen=True, slots=True)
class Excluded:
    """Configurations that the space names and that can't run here, all for one reason.

    Attributes:
        model: of all of them, as are the precision and the backend.
        reason: in a few words.
        count: how many there are.
    """

    model: str
    precision: str
    backend: str
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class Plan:
    """A search space on one machine.

    Attributes:
        configurations: what can run here, in the order of the space.
        parameters: the dimensions, with only the choices that occur in `configurations`. Not
            every combination of them is one: check against `configurations`.
        excluded: the rest of what the space names.
    """

    configurations: tuple[Configuration, ...]
    parameters: tuple[Parameter, ...]
    excluded: tuple[Excluded, ...]

    def values(self, configuration: Configuration) -> dict[str, KnobValue]:
        """Value by name of the parameters that exist for a configuration."""
        return parameter_values(configuration, [parameter.name for parameter in self.parameters])

    def configuration(self, values: Mapping[str, KnobValue]) -> Configuration:
        """The configuration that has these values; values of inactive parameters don't count.

        Args:
            values: by name of the parameter; at least all active ones.

        Raises:
            KeyError: an active parameter has no value.
        """
        fields = {name: values[name] for name in CONFIGURATION_FIELDS}
        fields[DEVICE] = values.get(DEVICE, CPU)
        prefix = f"{fields['backend']}."
        knobs = {
            p.name.removeprefix(prefix): values[p.name]
            for p in self.parameters
            if p.name.startswith(prefix) and p.active(values)
        }
        return Configuration.from_dict({**fields, **knobs})


def parameter_values(
    configuration: Configuration, parameters: Collection[str] = ()
) -> dict[str, KnobValue]:
    """A configuration's values by the names of parameters: knobs bear their backend's name.

    The device is among them where it is not the CPU, or one of these parameters.
    """
    fields = replace(configuration, knobs=()).as_dict()
    if DEVICE in parameters:
        fields[DEVICE] = configuration.device
    knobs = {f"{configuration.backend}.{name}": value for name, value in configuration.knobs}
    return {**fields, **knobs}


def resolve(
    space: SearchSpace,
    catalogue: ModelAvailability,
    available_cpus: int,
    physical_cores: int,
    instruction_sets: Collection[str] | None = None,
) -> Plan:
    """Sorts the configurations of a space into those that can run here and the others.

    Thread counts beyond the CPUs are set aside rather than refused, so that a space can be taken
    from one machine to another; and so are values of knobs that the CPU has no instructions for.
    Backends that read no model file run nothing of their own: no model and no number of threads is
    beyond them.

    Args:
        space: the space.
        catalogue: the models on offer.
        available_cpus: number of CPUs in the affinity mask.
        physical_cores: number of physical cores.
        instruction_sets: of the CPU; None where nothing tells, which leaves it to the runtimes.

    Raises:
        RequestError: a pattern stands for no model, the space is too large, or nothing in it can
            run here.
    """
    offers = catalogue.models()
    machine = (available_cpus, physical_cores)
    if size(space, offers, *machine) > MAX_CONFIGURATIONS:
        problem = f"the space has more than {MAX_CONFIGURATIONS:,} configurations here"
        raise RequestError(problem, file=space.file, remedy="take out some values")
    obstacles = _Obstacles(space, catalogue, offers, available_cpus, instruction_sets)
    kept, excluded = _divide(configurations(space, offers, *machine), obstacles)
    if not kept:
        raise _nothing_left(space, excluded)
    return Plan(tuple(kept), _occurring(parameters(space, offers, *machine), kept), excluded)


def _divide(
    named: Iterable[Configuration], obstacles: _Obstacles
) -> tuple[list[Configuration], tuple[Excluded, ...]]:
    """The configurations that can run here, and what is said of the others."""
    kept: list[Configuration] = []
    reasons: Counter[tuple[Triple, str]] = Counter()
    for point in named:
        reason = obstacles.of(point)
        if reason is None:
            kept.append(point)
        else:
            reasons[(point.model, point.precision, point.backend), reason] += 1
    return kept, tuple(Excluded(*triple, why, n) for (triple, why), n in reasons.items())


def exclusion_lines(excluded: Sequence[Excluded]) -> tuple[str, ...]:
    """One line for each reason, for the reader; the largest first.

    What the same models lack in several precisions is one reason: they have no fp16 or bf16 file.
    """
    reasons = [_without_precision(entry) for entry in excluded]
    lacking: dict[tuple[Words, str], dict[str, None]] = {}
    for entry, reason in zip(excluded, reasons, strict=True):
        lacking.setdefault((reason, entry.precision), {})[entry.model] = None
    groups: dict[tuple[Words, frozenset[str]], list[Excluded]] = {}
    for entry, reason in zip(excluded, reasons, strict=True):
        models = lacking[reason, entry.precision] if None in reason else ()
        groups.setdefault((reason, frozenset(models)), []).append(entry)
    counts = {key: sum(entry.count for entry in group) for key, group in groups.items()}
    largest = sorted(groups, key=lambda key: -counts[key])
    return tuple(_line(key[0], groups[key], counts[key]) for key in largest)


def _without_precision(entry: Excluded) -> Words:
    return tuple(None if word == entry.precision else word for word in entry.reason.split(" "))


def _line(reason: Words, group: Sequence[Excluded], count: int) -> str:
    """A reason with what it is the reason for."""
    models, precisions, backends = (
        list(dict.fromkeys(names))
        for names in zip(*((e.model, e.precision, e.backend) for e in group), strict=True)
    )
    told = [" or ".join(precisions) if word is None else word for word in reason]
    common = [names[0] for names in (backends, precisions) if len(names) == 1]
    who = [" ".join(name for name in common if name not in told)]
    if len(models) <= MAX_NAMES:
        who += map(_shorten, models)
    elif common:  # else the reason lies in the machine, whatever the model
        who.append(format_count(len(models), "model"))
    parts = filter(None, [", ".join(filter(None, who)), " ".join(told)])
    return f"{': '.join(parts)} ({format_count(count, 'configuration')})"


def _shorten(name: str) -> str:
    if len(name) <= MAX_NAME:
        return name
    return f"{name[: MAX_NAME - NAME_END - 1]}…{name[-NAME_END:]}"


class _Obstacles:
    """Why configurations can't run here; asks the catalogue once for each model file."""

    def __init__(
        self,
        space: SearchSpace,
        catalogue: ModelAvailability,
        offers: tuple[str, ...],
        cpus: int,
        instruction_sets: Collection[str] | None,
    ) -> None:
        self._catalogue = catalogue
        self._offers = offers
        self._cpus = cpus
        self._backends = {b.name: registry.backend(b.name) for b in space.backends}
        self._lacking = {
            (name, knob.name, value): _lack(value, needed)
            for name, backend in self._backends.items()
            for knob in backend.knobs
            for value, needed in knob.requires.items()
            if instruction_sets is not None and not set(needed) & set(instruction_sets)
        }
        self._known: dict[Triple, str | None] = {}
        beyond = [str(n) for n in sorted(space.threads or ()) if n > cpus]
        cpu = "one CPU" if cpus == 1 else format_count(cpus, "CPU")
        self._threads = f"{_short(beyond)} threads are more than the {cpu} available"
        self._instances = f"instances x threads are more than the {cpu} available"

    def of(self, point: Configuration) -> str | None:
        triple = (point.model, point.precision, point.backend)
        if point.device not in devices_of(self._backends[point.backend]):
            return f"{point.backend} does not run on {point.device}"
        if triple not in self._known:
            self._known[triple] = self._file(*triple)
        if self._known[triple] is not None:
            return self._known[triple]
        if not self._backends[point.backend].formats:
            return None
        if point.threads > self._cpus:
            return self._threads
        if point.instances * point.threads > self._cpus:
            return self._instances
        if point.pinned and not can_pin():
            return "this system pins no thread to a CPU"
        return self._knob(point)

    def _knob(self, point: Configuration) -> str | None:
        """Why this CPU can't compute with a knob, or the model can't be loaded with it."""
        lacks = (self._lacking.get((point.backend, *knob)) for knob in point.knobs)
        return next(filter(None, lacks), None) or self._catalogue.knob_obstacle(point)

    def _file(self, model: str, precision: str, backend: str) -> str | None:
        precisions = self._backends[backend].precisions
        if precisions and precision not in precisions:
            return f"{backend} runs no {precision}"
        if not self._backends[backend].formats:
            return None
        if model not in self._offers:
            near = suggest(model, self._offers) or ""
            hint = f"; {near}" if near.startswith("did you mean") else ""
            return f"no model of that name is on offer{hint}"
        return self._catalogue.obstacle(model, precision, backend)


def _lack(value: KnobValue, needed: tuple[str, ...]) -> str:
    return f"this CPU has no {value} instructions ({', '.join(needed)})"


def _short(counts: list[str]) -> str:
    return ", ".join(counts[:4]) + (" and more" if len(counts) > 4 else "")


def _nothing_left(space: SearchSpace, excluded: Sequence[Excluded]) -> RequestError:
    """The error about a space of which nothing can run here; it has all the reasons."""
    problem, reasons = "nothing in this space can run here", {entry.reason for entry in excluded}
    alone = len(reasons) == 1
    return RequestError(
        f"{problem}: {reasons.pop()}" if alone else problem,
        file=space.file,
        remedy="change the space, or offer models",
        details=() if alone else exclusion_lines(excluded),
    )


def _occurring(dimensions: Iterable[Parameter], kept: list[Configuration]) -> tuple[Parameter, ...]:
    occurring: dict[str, set[KnobValue]] = {}
    for point in kept:
        for name, value in parameter_values(point, (DEVICE,)).items():
            occurring.setdefault(name, set()).add(value)
    return tuple(
        replace(p, choices=tuple(c for c in p.choices if c in occurring[p.name]))
        for p in dimensions
        if p.name in occurring
    )
