"""From a task's name to the task, imported on demand.

The shipped tasks are loaded with this module, as their qualities are among the metrics of every
command. They import no heavy library before they are asked to. Further tasks are entry points of
the group ``dse.tasks``.
"""

from __future__ import annotations

import fnmatch
import importlib
from typing import TYPE_CHECKING, Any

from dse.core.errors import RequestError
from dse.core.metrics import DEFAULT_TIMED, add_quality
from dse.core.registry import ForeignCodeError, load_foreign
from dse.tasks.published_models import unknown_model
from dse.tasks.task import Task

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from importlib.metadata import EntryPoint

    from dse.tasks.published_models import Catalogue
    from dse.tasks.task import Quality

TASKS = {
    "image-classification": "dse.tasks.image_classification.task:ImageClassification",
    "generated": "dse.tasks.generated.task:Generated",
    "question-answering": "dse.tasks.question_answering.task:QuestionAnswering",
}
"""The class of each shipped task, as ``module:name``."""
DEFAULT = "image-classification"
"""The task of a search space or a study that names none."""
WITH_PUBLISHED = (DEFAULT, "question-answering")
"""The tasks with models that are known by name, of which some files can be downloaded."""
GROUP = "dse.tasks"
"""The group of the entry points by which other packages offer tasks."""
_QUALITIES: dict[str, Quality] = {}


def task(name: str) -> Task:
    """The task of that name; from then on its quality is a metric.

    Raises:
        RequestError: no task has that name, or its package can't be used.
    """
    if name in TASKS:
        module, _, kind = TASKS[name].partition(":")
        return _enter(getattr(importlib.import_module(module), kind)())
    for point in _entry_points():
        if point.name == name:
            return _load_entry(point)
    remedy = f"known are {', '.join(task_names())}; others come with packages that offer them"
    raise RequestError(f"unknown task '{name}'", remedy=remedy)


def task_names() -> tuple[str, ...]:
    """The names of all tasks: the shipped ones first."""
    further = (point.name for point in _entry_points())
    return tuple(dict.fromkeys([*TASKS, *further]))


def quality(metric: str) -> Quality | None:
    """How the quality of a loaded task is shown; None for any other metric.

    Args:
        metric: its name.
    """
    return _QUALITIES.get(metric)


def default_objectives(name: str = DEFAULT) -> tuple[str, ...]:
    """What a search space optimises where it names no objectives.

    Args:
        name: of the task.
    """
    own = task(name).quality
    return (own.metric.name, *DEFAULT_TIMED) if own else DEFAULT_TIMED


def catalogues() -> dict[str, Catalogue]:
    """The models that are known, by the name of their task."""
    modules = {name: TASKS[name].partition(":")[0].rpartition(".")[0] for name in WITH_PUBLISHED}
    return {
        name: importlib.import_module(f"{module}.catalogue").Catalogue()
        for name, module in modules.items()
    }


def published_models(patterns: Sequence[str]) -> Catalogue:
    """The models that shell patterns choose files from; without a pattern those of `DEFAULT`.

    Raises:
        RequestError: of a pattern no file is published, or the patterns are of several tasks.
    """
    every = catalogues().values()
    for one in every:
        if all(fnmatch.filter(one.published, pattern) for pattern in patterns):
            return one
    published = [name for one in every for name in one.published]
    known = [name for one in every for name in one.known]
    for pattern in patterns:
        if fnmatch.filter(published, pattern):
            continue
        if not fnmatch.filter(known, pattern):
            raise unknown_model(pattern, published)
        raise RequestError(
            f"no file of '{pattern}' is published", remedy="explore without --models: it is built"
        )
    remedy = "fetch those of each task on their own"
    raise RequestError(f"{', '.join(patterns)} are models of several tasks", remedy=remedy)


def is_published(model: str) -> bool:
    """Whether files of a model can be downloaded.

    Args:
        model: its name.
    """
    return any(model in one.published for one in catalogues().values())


def model_details(name: str) -> tuple[str, dict[str, Any]]:
    """The task of a model that is known, and all about it, JSON-able.

    Raises:
        RequestError: there is none of that name.
    """
    every = catalogues()
    for task, one in every.items():
        if name in one.known:
            return task, one.details(name)
    raise unknown_model(name, [known for one in every.values() for known in one.known])


def _entry_points() -> Iterable[EntryPoint]:
    """The tasks of other distributions."""
    from importlib.metadata import entry_points

    return entry_points(group=GROUP)


def _load_entry(point: EntryPoint) -> Task:
    """The task of another distribution.

    Raises:
        RequestError: it can't be loaded, or lacks something that a task has.
    """
    try:
        found = _enter(load_foreign(point.value))
    except (ForeignCodeError, AttributeError, ValueError) as error:
        problem = f"can't be loaded: {error}"
    else:
        members = {*Task.__annotations__, *vars(Task)}
        missing = sorted(m for m in members if not (m.startswith("_") or hasattr(found, m)))
        if not missing and found.name == point.name:
            return found
        lacks = ", ".join(f"'{member}'" for member in missing)
        problem = f"has no {lacks}" if missing else f"has the name '{found.name}'"
    owner = f" of {point.dist.name} {point.dist.version}" if point.dist else ""
    raise RequestError(
        f"task '{point.name}'{owner}: {point.value} {problem}",
        remedy="update the package that offers it, or uninstall it",
    )


def _enter(found: Task) -> Task:
    """Makes the quality of a task one of the metrics.

    Raises:
        AttributeError: it is not a task.
        ValueError: another metric has the name.
    """
    if found.quality is not None:
        add_quality(found.quality.metric)
        _QUALITIES.setdefault(found.quality.metric.name, found.quality)
    return found


for _name in TASKS:
    task(_name)
