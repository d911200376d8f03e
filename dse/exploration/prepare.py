"""What measuring needs beside a study: opened, checked, and the same for every command."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dse.core import registry
from dse.core.backend import Recording
from dse.core.errors import RequestError
from dse.environments.config import with_given_name
from dse.exploration._costs import refuse_unmeasurable
from dse.exploration.capabilities import Capabilities
from dse.exploration.resolver import MeasurementContext
from dse.machine.cgroups import memory_left
from dse.machine.detect import detect
from dse.machine.procfs import read_meminfo
from dse.study.metadata import NO_ACCURACY, PUBLISHED, StudyMetadata
from dse.tasks.registry import task as find_task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from dse.machine.system import System
    from dse.measure.runner import Limits
    from dse.models.provider import Provider
    from dse.space.space import SearchSpace
    from dse.study.study import Study
    from dse.tasks.task import Dataset, Task

MEMORY_SHARE = 0.9
"""The share of the memory that is free at the start; the system and this process need the rest."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is measured, with what, and where.

    Attributes:
        task: what the models are for.
        space: the search space.
        provider: where model files come from.
        dataset: the samples with the right answers; None for made-up inputs and published
            qualities.
        offers: what is known of models and runtimes.
        system: the description of this CPU.
        environment: the variables that the study sets for its workers.
    """

    task: Task
    space: SearchSpace
    provider: Provider
    dataset: Dataset | None
    offers: Capabilities
    system: System
    environment: Mapping[str, str]

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that every configuration needs."""
        return metrics_of(self.space)

    def about(self, planned: int, excluded: tuple[str, ...]) -> StudyMetadata:
        """The description of a study of all this.

        Args:
            planned: the number of configurations that can run here.
            excluded: what can't, a line for each reason.
        """
        accuracy = PUBLISHED if wants_quality(self.task, self.metrics) else NO_ACCURACY
        return StudyMetadata(
            system=self.system.as_dict(),
            space=self.space.as_dict(),
            planned=planned,
            excluded=excluded,
            accuracy=self.dataset.fingerprint if self.dataset is not None else accuracy,
            models=self.provider.name,
            runtimes=self.offers.runtimes,
            task=self.task.name,
            environment=self.environment,
        )

    @property
    def dataset_lines(self) -> list[str]:
        """What there is to say of the data set; empty without one."""
        if self.dataset is None:
            return []
        found = f"{self.dataset.description}, from {self.dataset.origin}"
        return [f"data set: {line}" for line in (found, *self.dataset.notes)]

    @property
    def system_lines(self) -> list[str]:
        """The CPU, and the runtimes that can be used on it."""
        runtimes = ", ".join(f"{name} {version}" for name, version in self.offers.runtimes.items())
        return [f"CPU: {self.system.title}, {self.system.available_words}", f"runtimes: {runtimes}"]

    def context(
        self,
        study: Study,
        limits: Limits,
        progress: Callable[[int, int, str], None],
        *,
        again: bool,
        settings: Mapping[str, Mapping[str, Path]] | None = None,
        duration_s: float | None = None,
    ) -> MeasurementContext:
        """What measurements of all this have in common; its other arguments are these."""
        return MeasurementContext(
            task=self.task,
            provider=self.provider,
            offers=self.offers,
            dataset=self.dataset,
            metrics=self.metrics,
            settings=settings or {},
            limits=limits,
            system=study.system,
            again=again,
            progress=progress,
            duration_s=duration_s,
            environment=self.environment,
        )

    @property
    def memory_bytes(self) -> int:
        """The bytes that a worker may allocate, as far as the system tells."""
        return int(MEMORY_SHARE * free_memory_bytes(self.system))

    @property
    def memory_words(self) -> str:
        """Where that comes from, to be said where it is too little; empty for all of a machine."""
        limit = self.system.memory_limit_bytes
        return f" (the control group grants {limit >> 20} MiB)" if limit else ""


def prepare(
    space: SearchSpace, models: Path | None, dataset: Path | None, environment: Mapping[str, str]
) -> Prepared:
    """Opens models and data set, and looks which runtimes there are.

    Args:
        space: what is to be measured.
        models: a folder of model files; None for the builtin models.
        dataset: the folder of a data set, if there is one.
        environment: the variables that the study sets for its workers.

    Raises:
        RequestError: one of them can't be used, no runtime of the space can, or the space asks for
            what can't be measured here.
    """
    refuse_unmeasurable(space)
    task = find_task(space.task)
    given = task.provider(models)
    metrics = metrics_of(space)
    samples = _dataset(task, dataset, given, metrics)
    provider = task.with_conversions(given, samples)
    needs_published = samples is None and wants_quality(task, metrics)
    offers = Capabilities(task, provider, space, environment, needs_published=needs_published)
    offers.check()
    return Prepared(task, space, provider, samples, offers, with_given_name(detect()), environment)


def metrics_of(space: SearchSpace) -> tuple[str, ...]:
    """The metrics that every configuration of a space needs."""
    return tuple(dict.fromkeys([*space.objectives, *(c.metric for c in space.constraints)]))


def wants_quality(task: Task, metrics: Iterable[str]) -> bool:
    """Whether the quality of a task is among metrics."""
    return task.quality is not None and task.quality.metric.name in metrics


def settings_of(space: SearchSpace, backends: Iterable[str]) -> Mapping[str, Mapping[str, Path]]:
    """The files that a space gives its backends, by backend and name.

    Raises:
        RequestError: one is missing, or holds no record that can be replayed.
    """
    return {backend: _settings(space, backend) for backend in backends}


def _dataset(
    task: Task, folder: Path | None, provider: Provider, metrics: tuple[str, ...]
) -> Dataset | None:
    if folder is None:
        return None
    if task.quality is None:
        raise RequestError(
            f"no answer is right or wrong in the task {task.name}",
            field="--dataset",
            remedy="leave it out",
        )
    measures = f"--dataset measures {task.quality.metric.title}"
    if not provider.trained:
        raise RequestError(
            f"{measures}, but the builtin models have untrained weights",
            remedy="give trained models with --models, or leave --dataset out",
        )
    if not wants_quality(task, metrics):
        raise RequestError(
            f"{measures}, which the search space neither optimises nor constrains",
            remedy=f"add {task.quality.metric.name} to its objectives, or leave --dataset out",
        )
    return task.open_dataset(folder)


def _settings(space: SearchSpace, backend: str) -> dict[str, Path]:
    origin, document = space.origin or Path(), space.document
    given, found = space.settings(backend), registry.backend(backend)
    for name in found.settings:
        if name not in given:
            problem = f"the backend {backend} needs a file as '{name}'"
            remedy = f"write {backend}: {{{name}: FILE}}"
            raise document.error(problem, "backends", backend, remedy=remedy)
    paths = {name: (origin / str(value)).absolute() for name, value in given.items()}
    for name, path in paths.items():
        if not path.is_file():
            raise document.error(f"{path} is not a file", "backends", backend, name)
    if isinstance(found, Recording):
        found.check(paths, metrics_of(space))
    return paths


def free_memory_bytes(system: System, root: Path = Path("/")) -> int:
    """What can be allocated without swapping, within the control groups' limits; 0 if unknown."""
    free = read_meminfo(root).get("MemAvailable", system.memory_bytes or 0)
    granted = memory_left(root)
    return free if granted is None else min(free or granted, granted)
