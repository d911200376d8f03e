"""Configurations with everything that their measurements depend on: model file, samples, keys."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from dse.core import registry
from dse.core.backend import Recording
from dse.core.checksums import canonical_json, model_identity, sha256_of_model
from dse.core.errors import ModelError, RequestError
from dse.core.metrics import MODEL_SIZE, is_quality
from dse.core.quantisation import artefact_name, method_knobs
from dse.core.worker_environment import user_variables
from dse.exploration._keys import quality_key, size_key, speed_key
from dse.measure.spec import RUN_LENGTHS, ModelFiles, Spec, TaskSpec
from dse.models.provider import NO_METHOD, provider_of
from dse.tasks.task import InputFiles

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from dse.core.backend import Backend
    from dse.core.configuration import Configuration, KnobValue
    from dse.core.measurement import FidelityName, Measurement
    from dse.core.signature import Form
    from dse.exploration.capabilities import Capabilities
    from dse.machine.system import System
    from dse.measure.runner import Limits
    from dse.measure.spec import Fidelity, MetricRequest
    from dse.models.provider import Artefact, Provider
    from dse.study.study import Study
    from dse.tasks.task import Dataset, Task

MAX_LISTED = 3
"""The most files of weights that are named."""
MAX_SAMPLES_BYTES = 256 << 20
"""The most memory that the samples of a run take, where MLPerf has no rules for the task."""


@dataclass(frozen=True, slots=True)
class MeasurementContext:
    """What stays the same from one configuration to the next.

    Attributes:
        task: what the models are for.
        provider: where model files come from.
        offers: what is known of them.
        dataset: the samples with the right answers; None for made-up inputs.
        metrics: the metrics that every configuration needs.
        settings: the files that the space gives each backend.
        limits: of a worker.
        system: the CPU, as the study has it.
        again: whether a disturbed measurement is repeated.
        progress: called with (done, total, what) while samples are prepared.
        duration_s: shortest duration of each run in seconds; None for that of its fidelity.
        environment: the variables that the study sets for its workers.
    """

    task: Task
    provider: Provider
    offers: Capabilities
    dataset: Dataset | None
    metrics: tuple[str, ...]
    settings: Mapping[str, Mapping[str, Path]]
    limits: Limits
    system: System
    again: bool
    progress: Callable[[int, int, str], None]
    duration_s: float | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ResolvedConfiguration:
    """A configuration with everything its measurements depend on.

    Attributes:
        configuration: what is measured.
        backend: that runs it.
        artefact: its model file; None where the backend reads none.
        form: how a sample becomes its input.
        settings: the files that the space gives the backend, by name.
        depends: what the keys of its measurements are made from.
        details: what is stored with its quality, see `dse.tasks.task.Task.details`.
    """

    configuration: Configuration
    backend: Backend
    artefact: Artefact | None
    form: Form
    settings: Mapping[str, Path]
    depends: Mapping[str, Any]
    details: Mapping[str, KnobValue] = field(default_factory=dict)

    @property
    def recorded(self) -> bool:
        """Whether every value, the quality too, comes from a table."""
        return isinstance(self.backend, Recording)

    @property
    def origin(self) -> Mapping[str, KnobValue]:
        """The model file in words: its name, its weights, the samples that calibrated it."""
        artefact = self.artefact
        if artefact is None:
            return {}
        return {
            "model_file": artefact.path.name,
            "weights": artefact.weights,
            "calibrated_on": artefact.calibrated_on,
            "made_from": artefact.made_from,
            **({"model_data": _listed(artefact)} if artefact.beside else {}),
        }

    def complete(self, measurement: Measurement) -> Measurement:
        """A measurement as it is stored: a quality with the details to judge it by."""
        if not self.details or not is_quality(measurement.metric):
            return measurement
        return replace(measurement, details={**measurement.details, **self.details})


class Resolver:
    """Finds out what a configuration's measurements depend on, and makes the files for them.

    `ensure_artefact` does what may take minutes; after it, `resolve` only looks up.

    Args:
        context: what stays the same.
        study: knows which files it was measured with.
    """

    def __init__(self, context: MeasurementContext, study: Study) -> None:
        self._context = context
        self._study = study
        self._artefacts: dict[tuple[object, ...], Artefact | ModelError] = {}
        self._inputs: dict[str, InputFiles] = {}
        self._hashes: dict[Path, str] = {}
        self._checked: set[str] = set()

    def ready(self, configuration: Configuration) -> bool:
        """Whether `ensure_artefact` has nothing left to do. Cheap."""
        form = self._context.task.plain_form
        if registry.backend(configuration.backend).formats:
            artefact = self._artefacts.get(_name(configuration))
            if artefact is None or isinstance(artefact, ModelError):
                return artefact is not None
            form = artefact.form
        files = self._inputs.get(canonical_json(form))
        return files is not None and all(path.exists() for path in files.files.values())

    def ensure_artefact(self, configuration: Configuration) -> None:
        """Makes the model file and prepares its samples, as far as they are missing.

        A model file that can't be made stays a `ModelError` of the configuration.

        Raises:
            ModelError: the model file can't be made.
            RequestError: a file or a sample can't be used.
            DseError: the cache can't be written.
        """
        name, formats = _name(configuration), registry.backend(configuration.backend).formats
        if not formats:
            self._prepare(self._form(configuration))
            return
        model, precision = configuration.model, configuration.precision
        provider = provider_of(self._context.provider, configuration)
        if provider is None:
            self._artefacts[name] = ModelError(NO_METHOD)
        elif name not in self._artefacts:
            if self._context.dataset is not None:
                # Making the file may need the samples: here their preparation is shown.
                self._prepare(provider.form(model, precision, formats))
            try:
                self._artefacts[name] = provider.artefact(model, precision, formats)
            except ModelError as error:
                self._artefacts[name] = error
        self._prepare(self._form(configuration))

    def resolve(self, configuration: Configuration) -> ResolvedConfiguration:
        """A configuration with its model file. Makes and stores nothing.

        `ensure_artefact` must have been called for it.

        Raises:
            ModelError: its model file could not be made, or can't be loaded with its knobs.
            RequestError: a file of the backend's settings can't be read.
        """
        backend, context = registry.backend(configuration.backend), self._context
        artefact = self._found(configuration) if backend.formats else None
        own, knobs = self._form(configuration), dict(configuration.knobs)
        settings = context.settings.get(configuration.backend, {})
        depends: dict[str, Any] = {
            "model": configuration.model,
            "precision": configuration.precision,
            "artefact": artefact.sha256 if artefact else "",
            **context.task.identity(own),
            "settings": {name: self._hash(path) for name, path in settings.items()},
            "backend": configuration.backend,
            "version": context.offers.runtimes[configuration.backend],
        }
        # Left out where nothing was set: keys stay what they were.
        if variables := user_variables(context.environment):
            depends["environment"] = variables
        # Which samples go to which shape decides how long they take.
        if context.dataset is not None and any(one.name in knobs for one in context.task.knobs):
            depends["samples"] = context.dataset.fingerprint
        form = context.task.with_knobs(own, knobs)
        details = self._details(configuration, artefact) if artefact else {}
        return ResolvedConfiguration(
            configuration, backend, artefact, form, settings, depends, details
        )

    def check(self, resolved: ResolvedConfiguration) -> None:
        """Has the study note the files of a configuration, or compare them with what it noted.

        Raises:
            RequestError: the study was measured with other files.
        """
        backend, artefact = resolved.configuration.backend, resolved.artefact
        for name, path in resolved.settings.items():
            self._check(f"{backend}'s {name}", self._hash(path))
        if artefact is None:
            return
        name = artefact_name(resolved.configuration, artefact.format)
        if name not in self._checked:
            identity = self._context.task.identity(resolved.form)
            self._check(name, model_identity(artefact.sha256, identity))

    def check_unchanged(self, resolved: ResolvedConfiguration) -> None:
        """Sees to it that the model still is the one whose measurements they are called. Cheap.

        Raises:
            RequestError: a file of it was replaced since, or can't be read.
        """
        if resolved.artefact is None:
            return
        path = resolved.artefact.path
        try:
            found = sha256_of_model(resolved.artefact.files)
        except OSError as error:
            raise RequestError(f"can't be read: {error.strerror}", file=path) from error
        if found != resolved.artefact.sha256:
            raise RequestError(
                f"has changed while study '{self._study.folder.name}' measured it",
                file=path,
                remedy="put the old one back, or choose another --study",
            )

    def spec(
        self,
        resolved: ResolvedConfiguration,
        run: str,
        requests: tuple[MetricRequest, ...],
        fidelity: FidelityName,
    ) -> Spec:
        """What a worker is told."""
        artefact, task = resolved.artefact, self._context.task
        return Spec(
            run=run,
            folder=(self._study.folder.runs / run).absolute(),
            configuration=resolved.configuration,
            model=ModelFiles(artefact.path, artefact.beside) if artefact else ModelFiles(),
            task=TaskSpec(
                worker=task.worker,
                form=resolved.form,
                inputs=self._inputs[canonical_json(self._form(resolved.configuration))],
                rules=task.rules,
                name=task.name,
            ),
            requests=requests,
            fidelity=self._fit(RUN_LENGTHS[fidelity], resolved.form),
            settings=resolved.settings,
            environment=self._context.environment,
        )

    def key(self, metric: str, resolved: ResolvedConfiguration) -> str:
        """The key under which a measurement is remembered."""
        configuration, context = resolved.configuration, self._context
        if is_quality(metric) and not resolved.recorded:
            dataset = context.dataset.fingerprint if context.dataset else ""
            sets = context.system.instruction_sets
            depends, knobs = resolved.depends, (*resolved.backend.knobs, *context.task.knobs)
            return quality_key(metric, configuration, knobs, depends, dataset, sets)
        if metric == MODEL_SIZE.name and resolved.artefact:
            return size_key(resolved.artefact.sha256)
        return speed_key(
            metric,
            configuration,
            resolved.depends,
            context.system.fingerprint,
            recorded=resolved.recorded,
        )

    def _found(self, configuration: Configuration) -> Artefact:
        found = self._artefacts[_name(configuration)]
        if isinstance(found, ModelError):
            raise found
        return found

    def _form(self, configuration: Configuration) -> Form:
        """How a sample becomes the input of the model file, whatever the knobs are."""
        if not registry.backend(configuration.backend).formats:
            return self._context.task.plain_form
        return self._found(configuration).form

    def _prepare(self, form: Form) -> None:
        """Prepares the samples of the data set in a form, where there is a data set."""
        context = self._context

        def progress(done: int, total: int) -> None:
            context.progress(done, total, context.task.describe(form))

        files = InputFiles()
        if context.dataset is not None:
            files = context.task.prepare(context.dataset, form, progress)
        self._inputs[canonical_json(form)] = files

    def _details(self, configuration: Configuration, artefact: Artefact) -> Mapping[str, KnobValue]:
        context = self._context
        published = context.offers.published(configuration.model, configuration.precision)
        sets = context.system.instruction_sets
        return context.task.details(configuration, artefact, published, context.dataset, sets)

    def _fit(self, fidelity: Fidelity, form: Form) -> Fidelity:
        """A fidelity with the duration that was asked for, and samples that memory can hold."""
        context = self._context
        if context.duration_s is not None:
            fidelity = replace(fidelity, min_duration_ms=math.ceil(1e3 * context.duration_s))
        if context.task.rules is None:
            affordable = MAX_SAMPLES_BYTES // max(1, context.task.sample_bytes(form))
            samples = max(1, min(fidelity.performance_samples, affordable))
            fidelity = replace(fidelity, performance_samples=samples)
        return fidelity

    def _check(self, name: str, sha256: str) -> None:
        if name not in self._checked:
            self._study.check_artefact(name, sha256)
            self._checked.add(name)

    def _hash(self, path: Path) -> str:
        if path not in self._hashes:
            try:
                content = path.read_bytes()
            except OSError as error:
                raise RequestError(f"can't be read: {error.strerror}", file=path) from error
            self._hashes[path] = hashlib.sha256(content).hexdigest()
        return self._hashes[path]


def _name(configuration: Configuration) -> tuple[object, ...]:
    """What a model file is asked for by."""
    formats, knobs = registry.backend(configuration.backend).formats, method_knobs(configuration)
    return configuration.model, configuration.precision, *formats, *knobs.items()


def _listed(artefact: Artefact) -> str:
    """The files of a model's weights, in words."""
    names = [path.relative_to(artefact.path.parent).as_posix() for path in artefact.beside]
    return ", ".join(names) if len(names) <= MAX_LISTED else f"{len(names)} files"
