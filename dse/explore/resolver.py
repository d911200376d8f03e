"""Configurations with everything that their measurements depend on: model file, images, keys."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from dse.core import registry
from dse.core.backend import Recording
from dse.core.checksums import canonical_json, digest, sha256_of
from dse.core.errors import ModelError, RequestError
from dse.core.metrics import ACCURACY, MODEL_SIZE
from dse.core.worker_environment import deliberate
from dse.explore.keys import accuracy_key, size_key, speed_key
from dse.measure.spec import RUN_LENGTHS, InputSource, Spec
from dse.tasks.image_classification.data.pixel_cache import image_cache, label_file
from dse.tasks.image_classification.judging import judged_by
from dse.tasks.image_classification.preprocessing import Preprocessing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from dse.core.backend import Backend
    from dse.core.configuration import Configuration, KnobValue
    from dse.core.measurement import FidelityName, Measurement
    from dse.explore.capabilities import Capabilities
    from dse.machine.system import System
    from dse.measure.runner import Limits
    from dse.measure.spec import Fidelity, MetricRequest
    from dse.models.provider import Artefact, Provider
    from dse.study.study import Study
    from dse.tasks.image_classification.data.dataset import Dataset

PLAIN = Preprocessing(resolution=32)
"""Input of the backends that need no model file."""
MAX_LISTED = 3
"""Files of weights that are named."""
SAMPLES_BYTES = 256 << 20
"""The most memory that the samples of a run take, where a model may take samples of any size."""


@dataclass(frozen=True, slots=True)
class MeasurementContext:
    """What stays the same from one configuration to the next.

    Attributes:
        provider: where model files come from.
        offers: what is known of them.
        dataset: the labelled images; None for random inputs and published accuracies.
        metrics: the metrics that every configuration needs.
        settings: the files that the space gives each backend.
        limits: of a worker.
        system: the CPU, as the study has it.
        again: whether a disturbed measurement is repeated.
        progress: called with (done, total, what) while images are decoded.
        say: tells the user something.
        duration_s: shortest duration of each run in seconds; None for that of its fidelity.
        environment: the variables that workers start with for the study's sake.
    """

    provider: Provider
    offers: Capabilities
    dataset: Dataset | None
    metrics: tuple[str, ...]
    settings: Mapping[str, Mapping[str, Path]]
    limits: Limits
    system: System
    again: bool
    progress: Callable[[int, int, str], None]
    say: Callable[[str], None]
    duration_s: float | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ResolvedConfiguration:
    """A configuration with everything its measurements depend on.

    `judged_by` is kept with its accuracy, see `dse.tasks.image_classification.judging`.
    """

    configuration: Configuration
    backend: Backend
    artefact: Artefact | None
    settings: Mapping[str, Path]
    depends: Mapping[str, Any]
    judged_by: Mapping[str, KnobValue] = field(default_factory=dict)

    @property
    def recorded(self) -> bool:
        """Whether every value, accuracy too, comes from a table."""
        return isinstance(self.backend, Recording)

    @property
    def preprocessing(self) -> Preprocessing:
        """How an image becomes its input."""
        return self.artefact.preprocessing if self.artefact else PLAIN

    @property
    def origin(self) -> Mapping[str, KnobValue]:
        """The model file in words: its name, its weights, the images that calibrated it."""
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
        """An accuracy says what it is judged by."""
        if not self.judged_by or measurement.metric != ACCURACY.name:
            return measurement
        return replace(measurement, details={**measurement.details, **self.judged_by})


class Resolver:
    """Finds out what a configuration's measurements depend on.

    Args:
        bench: what stays the same.
        study: remembers which files it was measured with.
    """

    def __init__(self, bench: MeasurementContext, study: Study) -> None:
        self._bench = bench
        self._study = study
        self._artefacts: dict[tuple[str, str, str], Artefact | ModelError] = {}
        self._hashes: dict[Path, str] = {}

    def spec(
        self,
        subject: ResolvedConfiguration,
        run: str,
        tasks: tuple[MetricRequest, ...],
        fidelity: FidelityName,
    ) -> Spec:
        """What a worker is told.

        Raises:
            RequestError, DseError: an image can't be read, the cache can't be written.
        """
        artefact = subject.artefact
        return Spec(
            run=run,
            folder=(self._study.folder.runs / run).absolute(),
            configuration=subject.configuration,
            model_file=artefact.path if artefact else None,
            beside=artefact.beside if artefact else (),
            preprocessing=subject.preprocessing,
            inputs=self._inputs(subject.preprocessing),
            tasks=tasks,
            fidelity=self._fitting(RUN_LENGTHS[fidelity], artefact),
            settings=subject.settings,
            signature=artefact.signature if artefact else None,
            classes=artefact.classes if artefact else None,
            environment=self._bench.environment,
        )

    def _fitting(self, fidelity: Fidelity, artefact: Artefact | None) -> Fidelity:
        """A fidelity with the duration that was asked for, and samples that memory can hold."""
        if self._bench.duration_s is not None:
            fidelity = replace(fidelity, min_duration_ms=math.ceil(1e3 * self._bench.duration_s))
        if artefact is not None and artefact.signature is not None:
            affordable = SAMPLES_BYTES // max(1, artefact.signature.sample_bytes)
            samples = max(1, min(fidelity.performance_samples, affordable))
            fidelity = replace(fidelity, performance_samples=samples)
        return fidelity

    def _inputs(self, preprocessing: Preprocessing) -> InputSource:
        dataset = self._bench.dataset
        if dataset is None:
            return InputSource()
        side = preprocessing.resolution

        def progress(done: int, total: int) -> None:
            self._bench.progress(done, total, f"images at {side} x {side}")

        pixels = image_cache(dataset, preprocessing, progress)
        return InputSource(pixels, label_file(dataset), dataset=dataset.fingerprint)

    def resolve(self, configuration: Configuration) -> ResolvedConfiguration:
        """A configuration with its model file, which is made if need be.

        Raises:
            ModelError: there is no such file, or it can't be made.
            RequestError: the study was measured with another file.
        """
        backend = registry.backend(configuration.backend)
        artefact = self._artefact(configuration, backend) if backend.formats else None
        settings = self._settings(configuration.backend)
        depends: dict[str, Any] = {
            "model": configuration.model,
            "precision": configuration.precision,
            "artefact": artefact.sha256 if artefact else "",
            "preprocessing": (artefact.preprocessing if artefact else PLAIN).as_dict(),
            "settings": {name: self._hash(path) for name, path in settings.items()},
            "backend": configuration.backend,
            "version": self._bench.offers.runtimes[configuration.backend],
        }
        if artefact is not None and artefact.signature is not None:
            depends["signature"] = artefact.signature.as_dict()
        # Left out where nothing was set: keys stay what they were.
        if variables := deliberate(self._bench.environment):
            depends["environment"] = variables
        judged = self._judged_by(configuration, artefact) if artefact else {}
        return ResolvedConfiguration(configuration, backend, artefact, settings, depends, judged)

    def _judged_by(
        self, configuration: Configuration, artefact: Artefact
    ) -> Mapping[str, KnobValue]:
        published = self._bench.offers.published(configuration.model, configuration.precision)
        sets = self._bench.system.instruction_sets
        return judged_by(configuration, artefact, published, self._bench.dataset, sets)

    def _settings(self, backend: str) -> Mapping[str, Path]:
        settings = self._bench.settings.get(backend, {})
        for name, path in settings.items():
            self._study.remember_artefact(f"{backend}'s {name}", self._hash(path))
        return settings

    def _artefact(self, configuration: Configuration, backend: Backend) -> Artefact:
        name = (configuration.model, configuration.precision, "/".join(backend.formats))
        if name not in self._artefacts:
            try:
                self._artefacts[name] = self._made(name[0], name[1], backend)
            except ModelError as error:
                self._artefacts[name] = error
        found = self._artefacts[name]
        if isinstance(found, ModelError):
            raise found
        return found

    def _made(self, model: str, precision: str, backend: Backend) -> Artefact:
        provider = self._bench.provider
        if self._bench.dataset is not None:
            # Making the file may need the images: here their decoding shows how far it is.
            self._inputs(provider.preprocessing(model, precision, backend.formats))
        artefact = provider.artefact(model, precision, backend.formats)
        earlier = ""
        if artefact.beside and artefact.signature is None:
            earlier = _identity(artefact, sha256_of(artefact.path))
        name = f"{model} {precision} {artefact.format}"
        self._study.remember_artefact(name, _identity(artefact, artefact.sha256), earlier)
        return artefact

    def key(self, metric: str, subject: ResolvedConfiguration) -> str:
        """The key under which a measurement is remembered."""
        configuration, bench = subject.configuration, self._bench
        if metric == ACCURACY.name and not subject.recorded:
            dataset = bench.dataset.fingerprint if bench.dataset else ""
            sets = bench.system.instruction_sets
            return accuracy_key(configuration, subject.backend, subject.depends, dataset, sets)
        if metric == MODEL_SIZE.name and subject.artefact:
            return size_key(subject.artefact.sha256)
        return speed_key(
            metric,
            configuration,
            subject.depends,
            bench.system.fingerprint,
            recorded=subject.recorded,
        )

    def _hash(self, path: Path) -> str:
        if path not in self._hashes:
            try:
                content = path.read_bytes()
            except OSError as error:
                raise RequestError(f"can't be read: {error.strerror}", file=path) from error
            self._hashes[path] = hashlib.sha256(content).hexdigest()
        return self._hashes[path]


def _identity(artefact: Artefact, sha256: str) -> str:
    """What a study notes of a model: what its measurements take from files."""
    about: list[Any] = [sha256, artefact.preprocessing.as_dict()]
    if artefact.signature is not None:
        about.append(artefact.signature.as_dict())
    return digest(canonical_json(about))


def _listed(artefact: Artefact) -> str:
    """The files of a model's weights, in words."""
    names = [path.relative_to(artefact.path.parent).as_posix() for path in artefact.beside]
    return ", ".join(names) if len(names) <= MAX_LISTED else f"{len(names)} files"
