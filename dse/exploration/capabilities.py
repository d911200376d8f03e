"""What can be run here: the models on offer, the runtimes installed, the qualities published."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from dse.core import registry
from dse.core.checksums import digest
from dse.core.configuration import DEVICE
from dse.core.errors import ModelError, RequestError
from dse.core.quantisation import method_knobs
from dse.environments.availability import runtime_availabilities
from dse.models.provider import NO_METHOD, provider_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dse.core.configuration import Configuration, KnobValue
    from dse.core.measurement import PublishedQuality
    from dse.core.signature import Form
    from dse.environments.availability import RuntimeAvailability
    from dse.models.provider import Provider
    from dse.space.space import SearchSpace
    from dse.tasks.task import Task

NO_QUALITY = (
    "no published quality: give a --dataset to measure it, or leave it out of the objectives"
)


class Capabilities:
    """Answers the question why a configuration can't run here.

    Args:
        task: what the models are for.
        provider: where the model files come from.
        space: names the backends that may be used.
        environment: the variables that the study sets for its workers.
        needs_published: whether a quality is wanted that only published figures can give.
        known: what runtimes have answered already in this environment, by backend.
    """

    def __init__(
        self,
        task: Task,
        provider: Provider,
        space: SearchSpace,
        environment: Mapping[str, str],
        *,
        needs_published: bool,
        known: Mapping[str, RuntimeAvailability] | None = None,
    ) -> None:
        self._task = task
        self._provider = provider
        self._environment = environment
        self._backends = [choice.name for choice in space.backends]
        self._needs_published = needs_published
        self._known = known or {}
        self._forms: dict[tuple[str, str, str], Form] = {}
        self._methods: dict[tuple[object, ...], str | None] = {}
        # Several values of a task's knob may come to the same for a model; the first one counts.
        self._first: dict[tuple[Configuration, str], dict[str, KnobValue]] = {}

    def models(self) -> tuple[str, ...]:
        """Names of the models the provider offers."""
        return self._provider.models()

    def obstacle(self, model: str, precision: str, backend: str) -> str | None:
        """Why a model can't run on a backend here; None if it can."""
        if backend in self._unusable:
            return self._unusable[backend]
        formats = registry.backend(backend).formats
        problem = self._provider.obstacle(model, precision, formats)
        if problem is None and self._needs_published and not self.published(model, precision):
            return NO_QUALITY
        return problem

    def knob_obstacle(self, point: Configuration) -> str | None:
        """Why a model can't be had, or loaded on this device with these knobs; None if it can."""
        return self._lack(point) or self._method_obstacle(point) or self._task_obstacle(point)

    def _method_obstacle(self, point: Configuration) -> str | None:
        """Why no int8 file can be made by the method of a configuration."""
        knobs = method_knobs(point)
        if not knobs:
            return None
        file = (point.model, point.precision, point.backend, *knobs.items())
        if file not in self._methods:
            provider = provider_of(self._provider, point)
            formats = registry.backend(point.backend).formats
            self._methods[file] = (
                provider.obstacle(point.model, point.precision, formats) if provider else NO_METHOD
            )
        return self._methods[file]

    def _lack(self, point: Configuration) -> str | None:
        """What the configuration asks for and the runtime's build has not, or the machine."""
        found = self._availabilities[point.backend]
        if not found.lacks:
            return None
        defaults = {knob.name: knob.default for knob in registry.backend(point.backend).knobs}
        asked = {**defaults, **dict(point.knobs), DEVICE: point.device}
        return next((one.reason for one in found.lacks if asked[one.name] == one.value), None)

    def _task_obstacle(self, point: Configuration) -> str | None:
        """Why a model can't be loaded with these knobs of the task; None if it can."""
        own = {knob.name for knob in self._task.knobs}
        knobs = {name: value for name, value in point.knobs if name in own}
        if not knobs:
            return None
        file = (point.model, point.precision, point.backend)
        if file not in self._forms:
            formats = registry.backend(point.backend).formats
            self._forms[file] = self._provider.form(point.model, point.precision, formats)
        try:
            form = self._task.with_knobs(self._forms[file], knobs)
        except ModelError as error:
            return str(error)
        others = tuple((name, value) for name, value in point.knobs if name not in own)
        first = self._first.setdefault((replace(point, knobs=others), digest(form)), knobs)
        if first != knobs:
            return f"the same as {', '.join(f'{name}={value}' for name, value in first.items())}"
        return None

    def published(self, model: str, precision: str) -> PublishedQuality | None:
        """The published quality of a variant: the provider's word, else the task's."""
        if model in self._provider.models():
            return self._provider.published(model, precision)
        return self._task.published(model, precision)

    @cached_property
    def runtimes(self) -> dict[str, str]:
        """Version of each usable backend of the space."""
        found = self._availabilities.items()
        return {name: one.version for name, one in found if one.version is not None}

    @cached_property
    def interpreters(self) -> dict[str, str]:
        """The Python of each backend of the space that has one."""
        found = self._availabilities.items()
        return {name: one.python for name, one in found if one.python is not None}

    @cached_property
    def _unusable(self) -> dict[str, str]:
        return {
            name: f"{found.error.problem}: {found.error.remedy}"
            for name, found in self._availabilities.items()
            if found.error is not None
        }

    @cached_property
    def _availabilities(self) -> dict[str, RuntimeAvailability]:
        unknown = [name for name in self._backends if name not in self._known]
        return {**self._known, **runtime_availabilities(unknown, self._environment)}

    def check(self) -> None:
        """Refuses to go on when no backend of the space is usable.

        Raises:
            RequestError: names the reason and the remedy of the first one.
        """
        if len(self._unusable) == len(self._backends):
            raise RequestError(next(iter(self._unusable.values())))
