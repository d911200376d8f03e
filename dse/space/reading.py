"""Reads search spaces, and checks that the values in one make sense together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dse.config import yaml_reader
from dse.config.messages import suggest
from dse.core import registry
from dse.core.backend import Recording
from dse.core.configuration import DEVICES, PRECISIONS
from dse.core.metrics import METRICS, MODEL_SIZE, THROUGHPUT, is_quality
from dse.core.pareto import Constraint
from dse.space._backends import backend_choice
from dse.space._enumeration import MAX_CONFIGURATIONS, smallest_size
from dse.space._form import RangeForm, SpaceForm, iter_values
from dse.space.space import ALL_MODELS, BackendChoice, SearchSpace
from dse.tasks import registry as tasks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from dse.config.messages import Key
    from dse.config.yaml_reader import Document
    from dse.core.metrics import Metric
    from dse.space._form import BoundsForm

MAX_THREADS = 4096
MAX_BATCH_SIZE = 65536


def read_space(path: Path) -> SearchSpace:
    """Reads and checks a YAML file.

    Raises:
        RequestError: the file is wrong, or a value in it is unknown, senseless, given twice or
            without effect; names file, line and field.
    """
    data, document = yaml_reader.load(path)
    return _space(data, document, path.parent)


def read_space_text(text: str, path: Path) -> SearchSpace:
    """Reads and checks the text of a file that need not be there yet.

    Args:
        text: YAML.
        path: what it would be called; relative paths in settings start from its folder.

    Raises:
        RequestError: see `read_space`.
    """
    data, document = yaml_reader.load_text(text, path)
    return _space(data, document, path.parent)


def space_from_dict(data: Mapping[str, Any], origin: Path | None = None) -> SearchSpace:
    """The inverse of `SearchSpace.as_dict`; takes whatever a file may hold.

    Args:
        data: the space.
        origin: the folder that relative paths in settings start from.

    Raises:
        RequestError: it is not a valid space; names the field.
    """
    return _space(dict(data), yaml_reader.Document(), origin)


def _space(data: dict[str, Any], document: Document, origin: Path | None) -> SearchSpace:
    _refuse_conditions_of_backends(data.get("backends"), document)
    form = yaml_reader.check(data, SpaceForm, document)
    _check_task(form.task, document)
    models = _models(form, document)
    precisions = _names(form.precisions, PRECISIONS, document, "precisions")
    threads = None
    if form.threads != "auto":
        threads = _numbers(form.threads, MAX_THREADS, document, "threads")
    batch_sizes = _numbers(form.batch_sizes, MAX_BATCH_SIZE, document, "batch_sizes")
    space = SearchSpace(
        models=models,
        precisions=precisions,
        backends=(),
        threads=threads,
        batch_sizes=batch_sizes,
        instances=_numbers(form.instances, MAX_THREADS, document, "instances"),
        pinned=tuple(value for _, value in iter_values(form.pinned, document, "pinned")),
        devices=_names(form.devices, DEVICES, document, "devices"),
        objectives=_objectives(form, document),
        constraints=_constraints(form, document),
        task=form.task,
        document=document,
        origin=origin,
    )
    _check_effect(space, document)
    space = replace(space, backends=_backends(form, space, document))
    _check_files(space, document)
    if smallest_size(space) > MAX_CONFIGURATIONS:
        raise document.error(
            f"the space has more than {MAX_CONFIGURATIONS:,} configurations",
            *_widest(space),
            remedy="take out some values",
        )
    return space


def _refuse_conditions_of_backends(backends: Any, document: Document) -> None:
    """Refuses a condition that stands beside knobs: the form has no place for one there."""
    for name, given in backends.items() if isinstance(backends, dict) else ():
        if isinstance(given, dict) and "when" in given:
            knob = next((field for field in given if field != "when"), "KNOB")
            raise document.error(
                "a condition belongs to a knob, not to a backend",
                *("backends", name, "when"),
                remedy=f"write it below a knob, as in '{knob}: {{values: ..., when: ...}}'",
            )


def _check_task(name: str, document: Document) -> None:
    """Refuses a task that is not known; from here on its quality is a metric."""
    if name not in tasks.TASKS and name not in (known := tasks.task_names()):
        raise document.error(f"unknown task '{name}'", "task", remedy=suggest(name, known))
    tasks.task(name)


def _models(form: SpaceForm, document: Document) -> tuple[str, ...]:
    if form.models == "all":
        return ALL_MODELS
    models = []
    for keys, name in iter_values(form.models, document, "models"):
        if name == "all":
            raise document.error("'all' is not a model", *keys, remedy="write 'models: all'")
        if not name.strip():
            raise document.error("a model's name can't be empty", *keys)
        models.append(name)
    return tuple(models)


def _names(
    value: str | tuple[str, ...], known: Iterable[str], document: Document, field: str
) -> tuple[str, ...]:
    names = []
    for keys, name in iter_values(value, document, field):
        if name not in known:
            remedy = suggest(name, known)
            raise document.error(f"unknown {field[:-1]} '{name}'", *keys, remedy=remedy)
        names.append(name)
    return tuple(names)


def _numbers(
    value: int | tuple[int, ...] | RangeForm, highest: int, document: Document, field: str
) -> tuple[int, ...]:
    if isinstance(value, RangeForm):
        return _range(value, highest, document, field)
    numbers = []
    for keys, number in iter_values(value, document, field):
        _check_number(number, highest, document, keys)
        numbers.append(number)
    return tuple(numbers)


def _range(form: RangeForm, highest: int, document: Document, field: str) -> tuple[int, ...]:
    _check_number(form.start, highest, document, (field, "start"))
    _check_number(form.stop, highest, document, (field, "stop"))
    if form.start > form.stop:
        problem = f"the start, {form.start}, is beyond the stop, {form.stop}"
        raise document.error(problem, field, "start", remedy="exchange them")
    if form.step is not None and form.factor is not None:
        problem = "a range has either a step or a factor"
        raise document.error(problem, field, "factor", remedy="keep one of them")
    if form.factor is not None:
        if form.factor < 2:
            raise document.error("expected at least 2", field, "factor")
        numbers, number = [], form.start
        while number <= form.stop:
            numbers.append(number)
            number *= form.factor
        return tuple(numbers)
    if form.step is not None and form.step < 1:
        raise document.error("expected at least 1", field, "step")
    return tuple(range(form.start, form.stop + 1, form.step or 1))


def _check_number(number: int, highest: int, document: Document, keys: tuple[Key, ...]) -> None:
    if not 1 <= number <= highest:
        raise document.error(f"expected 1 to {highest}, not {number}", *keys)


def _objectives(form: SpaceForm, document: Document) -> tuple[str, ...]:
    if form.objectives is None:
        return tasks.default_objectives(form.task)
    return _names(form.objectives, metrics_of_task(form.task), document, "objectives")


def metrics_of_task(name: str) -> tuple[str, ...]:
    """The metrics that a space of a task may name: those of any task, and its own quality."""
    quality = tasks.task(name).quality
    own = quality.metric.name if quality else None
    return tuple(metric for metric in METRICS if metric == own or not is_quality(metric))


def _constraints(whole: SpaceForm, document: Document) -> tuple[Constraint, ...]:
    constraints, known = [], metrics_of_task(whole.task)
    for metric, form in sorted(whole.constraints.items()):
        keys = ("constraints", metric)
        if metric not in known:
            remedy = suggest(metric, known)
            raise document.error(f"unknown metric '{metric}'", *keys, remedy=remedy)
        if form.min is None and form.max is None:
            raise document.error("sets no bound", *keys, remedy="give a min, a max or both")
        if form.min is not None and form.max is not None and form.min > form.max:
            problem = f"the min, {form.min:g}, is above the max, {form.max:g}"
            raise document.error(problem, *keys, "min", remedy="exchange them")
        if form.max is not None and form.max < 0:
            raise document.error("no value is below zero", *keys, "max")
        _check_percentage(METRICS[metric], form, document)
        constraints.append(Constraint(metric, form.min, form.max))
    return tuple(constraints)


def _check_percentage(metric: Metric, form: BoundsForm, document: Document) -> None:
    if metric.quality and metric.unit == "%" and form.min is not None and form.min > 100:
        problem = f"no {metric.title} is above 100 %"
        raise document.error(problem, "constraints", metric.name, "min")


def _check_effect(space: SearchSpace, document: Document) -> None:
    """Refuses values that would only have the same measured again and again."""
    counted = {*space.objectives, *(c.metric for c in space.constraints)}
    if any(METRICS[name].batched for name in counted):
        return
    sizes = {"batch_sizes": space.batch_sizes, "instances": space.instances}
    for field, values in sizes.items():
        if len(values) > 1:
            raise document.error(
                f"has no effect: no objective depends on the {field.replace('_', ' ')}",
                field,
                remedy=f"keep one, or add {THROUGHPUT.name} to the objectives",
            )


def _check_files(space: SearchSpace, document: Document) -> None:
    """Refuses the size of model files for a backend without model files."""
    if MODEL_SIZE.name not in (*space.objectives, *(c.metric for c in space.constraints)):
        return
    for choice in space.backends:
        backend = registry.backend(choice.name)
        if not backend.formats and not isinstance(backend, Recording):
            raise document.error(
                f"{choice.name} has no model files, so no {MODEL_SIZE.name}",
                "backends",
                choice.name,
                remedy="take one of the two out",
            )


def _backends(form: SpaceForm, space: SearchSpace, document: Document) -> tuple[BackendChoice, ...]:
    if isinstance(form.backends, dict):
        named: list[tuple[tuple[Key, ...], str]] = [
            (("backends", name), name) for name in form.backends
        ]
    else:
        named = iter_values(form.backends, document, "backends")
    if not named:
        raise document.error("names no backend", "backends", remedy=f"known are {_known()}")
    choices = []
    for keys, name in named:
        if name not in registry.BACKENDS:
            remedy = suggest(name, registry.BACKENDS)
            raise document.error(f"unknown backend '{name}'", *keys, remedy=remedy)
        given = form.backends[name] if isinstance(form.backends, dict) else None
        choices.append(backend_choice(name, given or {}, space, document))
    return tuple(sorted(choices, key=lambda choice: choice.name))


def _known() -> str:
    return ", ".join(registry.BACKENDS)


def _widest(space: SearchSpace) -> tuple[Key, ...]:
    """The way to the field that a reader would shorten first."""
    sizes: dict[tuple[Key, ...], int] = {
        ("models",): len(space.models),
        ("threads",): len(space.threads or ()),
        ("batch_sizes",): len(space.batch_sizes),
        ("instances",): len(space.instances),
    }
    for backend in space.backends:
        sizes |= {("backends", backend.name, k.name): len(k.values) for k in backend.knobs}
    return max(sizes, key=lambda keys: sizes[keys])
