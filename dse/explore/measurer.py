"""Has a configuration measured: remembers what is known, and runs a worker for the rest."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from dse import registry
from dse.contract import Recording
from dse.errors import ModelError, RequestError
from dse.explore.disturbances import Disturbances
from dse.explore.keys import accuracy_key, overlap, speed_key
from dse.measure.runner import Limits, run_worker
from dse.measure.spec import PROBE, InputSource, Spec, Task
from dse.tasks.cache import image_cache, label_file
from dse.types import (
    ACCURACY,
    TRANSIENT_FAILURES,
    Failure,
    FailureKind,
    Measurement,
    Outcome,
    Preprocessing,
    Source,
    canonical_json,
    digest,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from dse.contract import Backend
    from dse.explore.offers import Offers
    from dse.measure.spec import Fidelity
    from dse.models.provider import Artefact, Provider
    from dse.study.study import Study
    from dse.tasks.dataset import Dataset
    from dse.types import Configuration

Keep = Callable[[Measurement], None]
MOST_AGAIN = 2
"""How often a disturbed measurement is taken again."""
MAX_ATTEMPTS = 2
"""A transient failure is tried again once."""
ACCURACY_SECONDS_PER_IMAGE = 0.5
"""An accuracy run may take this much longer than other runs, per image of the data set."""
PLAIN = Preprocessing(resolution=32)
"""Input of the backends that need no model file."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What stays the same from one configuration to the next.

    Attributes:
        provider: where model files come from.
        offers: what is known of them.
        dataset: the labelled images; None for random inputs and published accuracies.
        metrics: the metrics that every configuration needs.
        settings: the files that the space gives each backend.
        limits: of a worker.
        fingerprint: of the CPU.
        again: whether a disturbed measurement is repeated.
        progress: called with (done, total, what) while images are decoded.
        say: tells the user something.
    """

    provider: Provider
    offers: Offers
    dataset: Dataset | None
    metrics: tuple[str, ...]
    settings: Mapping[str, Mapping[str, Path]]
    limits: Limits
    fingerprint: str
    again: bool
    progress: Callable[[int, int, str], None]
    say: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Subject:
    """A configuration with everything its measurements depend on."""

    configuration: Configuration
    backend: Backend
    artefact: Artefact | None
    settings: Mapping[str, Path]
    depends: Mapping[str, Any]

    @property
    def recorded(self) -> bool:
        """Whether every value, accuracy too, comes from a table."""
        return isinstance(self.backend, Recording)


class Measurer:
    """Turns configurations into outcomes.

    Args:
        bench: what stays the same.
        study: remembers measurements and permanent failures, and is asked for them.
    """

    def __init__(self, bench: Bench, study: Study) -> None:
        self._bench = bench
        self._study = study
        self._artefacts: dict[tuple[str, str, str], Artefact | ModelError] = {}
        self._hashes: dict[Path, str] = {}
        self._disturbances = Disturbances(bench.say, repeating=bench.again)

    def overlaps(self, one: Configuration, other: Configuration) -> bool:
        """Whether two configurations may have a measurement in common."""
        return overlap(one, other, accuracy=self._bench.dataset is not None)

    def measure(self, configuration: Configuration, run: str, keep: Keep) -> Outcome:
        """The outcome of a configuration: what is known is remembered, the rest is probed.

        Args:
            configuration: what to measure.
            run: name of its run folder.
            keep: called with each new measurement as soon as it is taken.

        Raises:
            RequestError: a model file, an image or a table can't be used.
            DseError: the cache or the run folder can't be written.
        """
        try:
            subject = self._subject(configuration)
        except ModelError as error:
            return Outcome(failure=Failure(FailureKind.LOAD, str(error)))
        tasks = [Task(metric, self._key(metric, subject)) for metric in self._bench.metrics]
        outcome = self._remembered(subject, tasks)
        missing = [task for task in tasks if outcome.measurement(task.metric) is None]
        failures = self._study.results.failures
        for task in missing:
            if outcome.failure is None and task.key in failures:
                failure = replace(failures[task.key], attempts=0)
                outcome = Outcome(outcome.measurements, failure)
        if missing and outcome.failure is None:
            taken = self._take_quietly(subject, run, tuple(missing), PROBE, keep)
            outcome = Outcome(outcome.measurements + taken.measurements, taken.failure)
        order = {metric: position for position, metric in enumerate(self._bench.metrics)}
        measurements = sorted(outcome.measurements, key=lambda m: order[m.metric])
        return Outcome(tuple(measurements), outcome.failure)

    def repeat(
        self,
        configuration: Configuration,
        metrics: Iterable[str],
        fidelity: Fidelity,
        run: str,
        keep: Keep,
    ) -> Outcome:
        """Measures something again.

        Args:
            configuration: what to measure.
            metrics: what of it.
            fidelity: how long.
            run: name of its run folder.
            keep: called with each new measurement as soon as it is taken.

        Raises:
            RequestError, DseError: see `measure`.
        """
        try:
            subject = self._subject(configuration)
        except ModelError as error:
            return Outcome(failure=Failure(FailureKind.LOAD, str(error)))
        tasks = tuple(Task(metric, self._key(metric, subject)) for metric in metrics)
        return self._take_quietly(subject, run, tasks, fidelity, keep)

    def _remembered(self, subject: _Subject, tasks: list[Task]) -> Outcome:
        """What needs no run: measurements of the memo, and the published accuracy."""
        memo = (self._study.results.measured.latest(task.key) for task in tasks)
        known = [measurement for measurement in memo if measurement is not None]
        wants_accuracy = any(task.metric == ACCURACY.name for task in tasks)
        if not wants_accuracy or self._bench.dataset is not None or subject.recorded:
            return Outcome(tuple(known))
        configuration = subject.configuration
        figure = self._bench.offers.published(configuration.model, configuration.precision)
        if figure is None:
            reason = f"no accuracy of {configuration.model} {configuration.precision} is published"
            return Outcome(tuple(known), Failure(FailureKind.UNSUPPORTED, reason, attempts=0))
        published = Measurement(
            metric=ACCURACY.name,
            value=figure.percent,
            key="published",
            source=Source.PUBLISHED,
            details={"source": figure.source},
        )
        return Outcome((*known, published))

    def _take_quietly(
        self,
        subject: _Subject,
        run: str,
        tasks: tuple[Task, ...],
        fidelity: Fidelity,
        keep: Keep,
    ) -> Outcome:
        """Takes everything, and once more what was disturbed, unless that is always in vain."""
        outcome = self._take(subject, run, tasks, fidelity, keep)
        for number in range(1, MOST_AGAIN + 1):
            again = tuple(task for task in tasks if _disturbed(outcome, task))
            if not again or outcome.failure or not self._disturbances.worth_repeating():
                break
            more = self._take(subject, f"{run}r{number}", again, fidelity, keep)
            kept = [m for m in outcome.measurements if more.measurement(m.metric) is None]
            outcome = Outcome((*kept, *more.measurements), more.failure)
        reasons = [m.details["disturbed"] for m in outcome.measurements if "disturbed" in m.details]
        self._disturbances.note(str(reasons[0]) if reasons else "")
        return outcome

    def _take(
        self,
        subject: _Subject,
        run: str,
        tasks: tuple[Task, ...],
        fidelity: Fidelity,
        keep: Keep,
    ) -> Outcome:
        """Runs workers until everything is taken or has failed for good."""

        def complete(measurement: Measurement) -> Measurement:
            return _with_calibration(measurement, subject.artefact)

        def told(measurement: Measurement) -> None:
            keep(complete(measurement))

        taken: tuple[Measurement, ...] = ()
        for attempt in range(1, MAX_ATTEMPTS + 1):
            left = tuple(t for t in tasks if t.metric not in {m.metric for m in taken})
            spec = self._spec(subject, f"{run}-{attempt}", left, fidelity)
            python = self._bench.offers.interpreters[subject.configuration.backend]
            outcome = run_worker(spec, self._limits(left), interpreter=python, keep=told)
            taken += tuple(map(complete, outcome.measurements))
            if outcome.failure is None:
                return Outcome(taken)
            done = {m.metric for m in taken}
            failed_at = next((t.key for t in left if t.metric not in done), "")
            failure = replace(outcome.failure, attempts=attempt, key=failed_at, run=spec.run)
            if failure.kind not in TRANSIENT_FAILURES:
                break
        return Outcome(taken, failure)

    def _limits(self, tasks: tuple[Task, ...]) -> Limits:
        limits, dataset = self._bench.limits, self._bench.dataset
        if dataset is None or all(task.metric != ACCURACY.name for task in tasks):
            return limits
        longer = ACCURACY_SECONDS_PER_IMAGE * len(dataset)
        return replace(limits, timeout_s=limits.timeout_s + longer)

    def _spec(
        self, subject: _Subject, run: str, tasks: tuple[Task, ...], fidelity: Fidelity
    ) -> Spec:
        artefact = subject.artefact
        preprocessing = artefact.preprocessing if artefact else PLAIN
        return Spec(
            run=run,
            folder=(self._study.folder.runs / run).absolute(),
            configuration=subject.configuration,
            model_file=artefact.path if artefact else None,
            preprocessing=preprocessing,
            inputs=self._inputs(preprocessing),
            tasks=tasks,
            fidelity=fidelity,
            settings=subject.settings,
        )

    def _inputs(self, preprocessing: Preprocessing) -> InputSource:
        dataset = self._bench.dataset
        if dataset is None:
            return InputSource()
        side = preprocessing.resolution

        def progress(done: int, total: int) -> None:
            self._bench.progress(done, total, f"images at {side} x {side}")

        pixels = image_cache(dataset, preprocessing, progress)
        return InputSource(pixels, label_file(dataset))

    def _subject(self, configuration: Configuration) -> _Subject:
        backend = registry.backend(configuration.backend)
        artefact = self._artefact(configuration, backend) if backend.formats else None
        settings = self._settings(configuration.backend)
        depends = {
            "model": configuration.model,
            "precision": configuration.precision,
            "artefact": artefact.sha256 if artefact else "",
            "preprocessing": asdict(artefact.preprocessing if artefact else PLAIN),
            "settings": {name: self._hash(path) for name, path in settings.items()},
            "backend": configuration.backend,
            "version": self._bench.offers.runtimes[configuration.backend],
        }
        return _Subject(configuration, backend, artefact, settings, depends)

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
        about = canonical_json([artefact.sha256, asdict(artefact.preprocessing)])
        self._study.remember_artefact(f"{model} {precision} {artefact.format}", digest(about))
        return artefact

    def _key(self, metric: str, subject: _Subject) -> str:
        configuration, bench = subject.configuration, self._bench
        if metric == ACCURACY.name and not subject.recorded:
            dataset = bench.dataset.fingerprint if bench.dataset else ""
            return accuracy_key(configuration, subject.backend, subject.depends, dataset)
        return speed_key(
            metric,
            configuration,
            subject.depends,
            bench.fingerprint,
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


def _disturbed(outcome: Outcome, task: Task) -> bool:
    measurement = outcome.measurement(task.metric)
    return measurement is not None and "disturbed" in measurement.details


def _with_calibration(measurement: Measurement, artefact: Artefact | None) -> Measurement:
    """An accuracy says how many of its images the model has seen before."""
    if artefact is None or not artefact.calibrated_on or measurement.metric != ACCURACY.name:
        return measurement
    details = {**measurement.details, "calibrated_on": artefact.calibrated_on}
    return replace(measurement, details=details)
