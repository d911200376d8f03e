"""From a search space to its parameters and, one by one, to its configurations."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from math import prod
from typing import TYPE_CHECKING

from dse.core.configuration import CPU, DEVICE, Configuration
from dse.space.space import is_pattern, matching

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dse.core.configuration import KnobValue
    from dse.space.space import BackendChoice, Condition, KnobChoice, SearchSpace

MAX_CONFIGURATIONS = 1_000_000
_FIELDS = ("model", "precision", "threads", "batch_size", "instances", "pinned", DEVICE)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One dimension of a search.

    Attributes:
        name: a field of a configuration, or ``<backend>.<knob>``.
        choices: the values it may have, in the order of the space.
        condition: the fields and values that make it exist; empty where it always does.
    """

    name: str
    choices: tuple[KnobValue, ...]
    condition: Condition = ()

    def active(self, values: Mapping[str, KnobValue]) -> bool:
        """Whether the parameter exists beside these values of the fields of a configuration."""
        return holds(self.condition, values)


def holds(condition: Condition, values: Mapping[str, KnobValue]) -> bool:
    """Whether every field of a condition has one of the values it asks for.

    Without a device among the values, it is the CPU.
    """
    return all(
        (values.get(name, CPU) if name == DEVICE else values[name]) in allowed
        for name, allowed in condition
    )


def auto_threads(available: int, physical: int) -> tuple[int, ...]:
    """Thread counts worth trying on a machine: powers of two and one per physical core.

    They ascend from 1 to no more than the available CPUs.

    Raises:
        ValueError: a number is below one.
    """
    if available < 1 or physical < 1:
        raise ValueError(f"expected at least one CPU, not {available} and {physical} cores")
    powers = {1 << i for i in range(available.bit_length())}
    return tuple(sorted(powers | {min(physical, available)}))


def model_names(space: SearchSpace, offers: Sequence[str]) -> tuple[str, ...]:
    """The models that a space stands for, in the order of the space, each once.

    Its names count whether they are on offer or not; its patterns choose from the offers.

    Raises:
        RequestError: a pattern stands for nothing.
    """
    named = _named(space, offers)
    models: dict[str, None] = {}
    for i, name in enumerate(space.models):
        found = matching(name, named)
        if not found:
            raise space.document.error(
                f"'{name}' matches no model",
                "models",
                i,
                remedy=f"on offer are {_some(offers)}" if offers else "there are none on offer",
            )
        models |= dict.fromkeys(found)
    return tuple(models)


def parameters(
    space: SearchSpace, offers: Sequence[str], available_cpus: int, physical_cores: int
) -> tuple[Parameter, ...]:
    """The dimensions of a space: the fields of a configuration, then the knobs.

    Args and errors: as for `configurations`.
    """
    backends = _backends(space, offers)
    fields = (
        Parameter("model", model_names(space, offers)),
        Parameter("precision", space.precisions),
        Parameter("backend", tuple(b.name for b in backends)),
        Parameter("threads", _threads(space, available_cpus, physical_cores)),
        Parameter("batch_size", space.batch_sizes),
        Parameter("instances", space.instances),
        Parameter("pinned", space.pinned),
        *([] if space.devices == (CPU,) else [Parameter(DEVICE, space.devices)]),
    )
    knobs = (
        Parameter(f"{b.name}.{k.name}", k.values, (("backend", (b.name,)), *k.when))
        for b in backends
        for k in b.knobs
    )
    return (*fields, *knobs)


def configurations(
    space: SearchSpace, offers: Sequence[str], available_cpus: int, physical_cores: int
) -> Iterator[Configuration]:
    """Every configuration that a space names, whether it can run here or not.

    One at a time and always in the same order: the model changes slowest, the knobs fastest. The
    patterns of the space choose from the offers.

    Raises:
        RequestError: a pattern stands for no model.
    """
    models, backends = model_names(space, offers), _backends(space, offers)
    threads = _threads(space, available_cpus, physical_cores)
    return _points(space, models, backends, threads)


def size(
    space: SearchSpace, offers: Sequence[str], available_cpus: int, physical_cores: int
) -> int:
    """The number of `configurations`, without walking them."""
    models, backends = model_names(space, offers), _backends(space, offers)
    return _size(space, models, backends, _threads(space, available_cpus, physical_cores))


def smallest_size(space: SearchSpace) -> int:
    """A number of configurations that a space has on any machine and with any models."""
    names = [name for name in space.models if not is_pattern(name)] or ["*"]
    plain = [replace(b, knobs=tuple(k for k in b.knobs if not k.when)) for b in space.backends]
    return _size(space, names, plain, space.threads or (1,))


def _points(
    space: SearchSpace,
    models: Sequence[str],
    backends: Sequence[BackendChoice],
    threads: Sequence[int],
) -> Iterator[Configuration]:
    fields = _fields(space, models, threads)
    inner = ("threads", "batch_size", "instances", "pinned", DEVICE)
    for model, precision, backend in product(fields["model"], fields["precision"], backends):
        for second in product(*(fields[name] for name in inner)):
            values: dict[str, KnobValue] = dict(zip(inner, second, strict=True))
            values |= {"model": model, "precision": precision}
            active = [knob for knob in backend.knobs if holds(knob.when, values)]
            for chosen in product(*(knob.values for knob in active)):
                knobs = dict(zip((knob.name for knob in active), chosen, strict=True))
                yield Configuration.from_dict({**values, "backend": backend.name, **knobs})


def _size(
    space: SearchSpace,
    models: Sequence[str],
    backends: Sequence[BackendChoice],
    threads: Sequence[int],
) -> int:
    choices = _fields(space, models, threads)
    total = 0
    for backend in backends:
        # Only the fields in conditions have to be walked; the others merely multiply.
        asked = [f for f in _FIELDS if any(f in dict(k.when) for k in backend.knobs)]
        others = prod(len(choices[f]) for f in _FIELDS if f not in asked)
        for chosen in product(*(choices[f] for f in asked)):
            values = dict(zip(asked, chosen, strict=True))
            total += others * prod(len(k.values) for k in backend.knobs if holds(k.when, values))
    return total


def _fields(
    space: SearchSpace, models: Sequence[str], threads: Sequence[int]
) -> dict[str, Sequence[KnobValue]]:
    """The values of each field of a configuration but the backend."""
    return {
        "model": models,
        "precision": space.precisions,
        "threads": threads,
        "batch_size": space.batch_sizes,
        "instances": space.instances,
        "pinned": space.pinned,
        DEVICE: space.devices,
    }


def _threads(space: SearchSpace, available: int, physical: int) -> tuple[int, ...]:
    return auto_threads(available, physical) if space.threads is None else space.threads


def _named(space: SearchSpace, offers: Sequence[str]) -> tuple[str, ...]:
    """What patterns choose from: the models on offer and those the space names."""
    names = [name for name in space.models if not is_pattern(name)]
    return tuple(dict.fromkeys((*offers, *names)))


def _backends(space: SearchSpace, offers: Sequence[str]) -> tuple[BackendChoice, ...]:
    """The backends, with names of models in the place of patterns in conditions."""
    models = model_names(space, offers)
    return tuple(
        replace(b, knobs=tuple(_resolved(b, knob, models, space) for knob in b.knobs))
        for b in space.backends
    )


def _resolved(
    backend: BackendChoice, knob: KnobChoice, models: Sequence[str], space: SearchSpace
) -> KnobChoice:
    when = dict(knob.when)
    if "model" not in when:
        return knob
    allowed: dict[KnobValue, None] = {}
    for i, name in enumerate(when["model"]):
        found = matching(str(name), models)
        if not found:
            keys = ("backends", backend.name, knob.name, "when", "model", i)
            problem = f"'{name}' matches no model of the space, so the condition never holds"
            raise space.document.error(problem, *keys, remedy=f"it has {_some(models)}")
        allowed |= dict.fromkeys(found)
    return replace(knob, when=tuple(sorted({**when, "model": tuple(allowed)}.items())))


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
