"""What to deploy: the model file, the runtime, and code that loads the one in the other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dse.core import registry as backends
from dse.core.backend import Deployable, LoadRequest
from dse.core.checksums import canonical_json, digest, sha256_of, sha256_of_model
from dse.core.details import QualityDetails
from dse.core.errors import DseError
from dse.core.metrics import METRICS
from dse.core.paths import cache_dir
from dse.core.worker_environment import user_variables
from dse.measure.spec import SPEC_FILE, ModelFiles, Spec
from dse.tasks import registry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dse.core.configuration import Configuration
    from dse.core.metrics import Metric
    from dse.core.signature import Form
    from dse.models.provider import Artefact
    from dse.study.record import Record
    from dse.study.study import Study
    from dse.tasks.task import Task

BUILTIN = "builtin"
"""The name of the provider of builtin models, as a study notes it."""
_UNREADABLE = (*(OSError, ValueError, KeyError, TypeError, AttributeError), RecursionError)
"""Errors that a damaged spec may raise."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """What to deploy.

    Attributes:
        model: the model's files; None where they are not here, or the backend reads none.
        sha256: of the model, as `dse.models.provider.Artefact` has it; empty without files.
        origin: where they come from and how they were made, in words, or why they are not here.
        backend: name of the backend.
        version: of its runtime; empty where the study does not tell.
        code: lines of Python; none where the backend shows none, or the files are not here.
    """

    model: ModelFiles | None
    sha256: str
    origin: str
    backend: str
    version: str
    code: tuple[str, ...]


def deployment(study: Study, record: Record, goal: Metric | None = None) -> Deployment:
    """Finds out what to deploy of a point.

    Args:
        study: has measured it.
        record: the point.
        goal: what it was chosen for: it decides the batch size and instances of the code.
    """
    configuration = record.configuration
    backend = backends.backend(configuration.backend)
    version = str(study.about.runtimes.get(backend.name, ""))
    if not backend.formats:
        return Deployment(None, "", "reads no model file", backend.name, version, ())
    found = _Files.find(study, record)
    if found.model is None or not isinstance(backend, Deployable):
        sha256 = sha256_of_model(_all(found.model)) if found.model else ""
        return Deployment(found.model, sha256, found.origin, backend.name, version, ())
    served = _served(configuration, goal)
    signature = registry.task(study.about.task).signature(found.form)
    request = LoadRequest(served, found.model.path, {}, signature)
    inputs = signature.of_batch(served.batch_size)
    return Deployment(
        found.model,
        sha256_of_model(_all(found.model)),
        found.origin,
        backend.name,
        version,
        (
            *_preamble(served, user_variables(study.about.environment)),
            *backend.code(request, inputs),
        ),
    )


def _served(configuration: Configuration, goal: Metric | None) -> Configuration:
    """The configuration as the goal was measured: SingleStream runs have one sample a call."""
    if goal is None or goal.name not in METRICS or METRICS[goal.name].batched:
        return configuration
    return replace(configuration, batch_size=1, instances=1)


def _preamble(configuration: Configuration, variables: Mapping[str, str]) -> Iterator[str]:
    """What comes before the runtime is imported."""
    if configuration.instances > 1:
        yield f"# One of {configuration.instances} instances that predict at the same time."
    if variables or configuration.pinned:
        yield "import os"
        yield ""
    for name, value in variables.items():
        yield f"os.environ[{name!r}] = {value!r}"
    if configuration.pinned:
        yield "# Each instance has CPUs of its own."
        cpus = ", ".join(map(str, range(configuration.threads)))
        yield f"os.sched_setaffinity(0, {{{cpus}}})"
    if variables or configuration.pinned:
        yield ""


@dataclass(frozen=True, slots=True)
class _Files:
    """The files of a model that are here.

    Attributes:
        model: None where they are not.
        form: how a sample becomes the input.
        origin: see `Deployment`.
    """

    model: ModelFiles | None
    form: Form
    origin: str

    @classmethod
    def find(cls, study: Study, record: Record) -> _Files:
        """Looks at what a worker was told; builtin models can also be built anew."""
        task = registry.task(study.about.task)
        spec = next(_specs(study, record), None)
        built = study.about.models == BUILTIN
        if spec is not None and spec.model.path is not None and spec.model.path.is_file():
            found = cls(spec.model, spec.task.form, _origin(study, record, spec.model))
            return found if _same(study, record, found, task) else cls._changed(found)
        if built:
            return cls._of_builtin(study, record, task)
        gone = (
            "its runs are not here" if spec is None else f"{spec.model.path} is not here any more"
        )
        return cls(None, {}, f"unknown: {gone}")

    @classmethod
    def _of_builtin(cls, study: Study, record: Record, task: Task) -> _Files:
        configuration = record.configuration
        formats = backends.backend(configuration.backend).formats
        try:
            provider = task.with_conversions(task.provider(None), None)
            made = provider.artefact(configuration.model, configuration.precision, formats)
        except DseError as error:
            return cls(None, {}, f"unknown: {error}")
        found = cls(ModelFiles(made.path, made.beside), made.form, "builtin, untrained weights")
        return found if _same(study, record, found, task) else cls._other(made)

    @classmethod
    def _changed(cls, found: _Files) -> _Files:
        path = found.model.path if found.model else None
        return cls(None, {}, f"unknown: {path} has changed since it was measured")

    @classmethod
    def _other(cls, made: Artefact) -> _Files:
        return cls(None, {}, f"unknown: this version builds another {made.path.name}")


def _specs(study: Study, record: Record) -> Iterator[Spec]:
    """What the workers of a point were told, the last one first."""
    runs = [m.run for m in record.outcome.measurements if m.run]
    for run in dict.fromkeys(reversed(runs)):
        try:
            text = (study.folder.runs / run / SPEC_FILE).read_text(encoding="utf-8")
            spec = Spec.from_json(text)
        except _UNREADABLE:
            continue
        if spec.configuration.model == record.configuration.model:
            yield spec


def _all(model: ModelFiles | None) -> tuple[Any, ...]:
    return () if model is None or model.path is None else (model.path, *model.beside)


def _same(study: Study, record: Record, found: _Files, task: Task) -> bool:
    """Whether the files are those that the study noted; also where it noted none."""
    files = _all(found.model)
    name = f"{record.configuration.model} {record.configuration.precision} "
    noted = {v for key, v in study.about.artefacts.items() if key.startswith(name)}
    identity = task.identity(found.form)
    # As the study notes them; those of earlier versions have the first file's checksum alone.
    sums = {sha256_of_model(files), sha256_of(files[0])}
    return not noted or bool(
        noted & {digest(canonical_json([each, *identity.values()])) for each in sums}
    )


def _origin(study: Study, record: Record, model: ModelFiles) -> str:
    """Where the files come from, in words."""
    if study.about.models == BUILTIN:
        return "builtin, untrained weights"
    if model.path is None or not model.path.is_relative_to(cache_dir()):
        return "yours"
    quality = record.outcome.quality
    seen = QualityDetails.of(quality.details).calibrated_on if quality is not None else None
    calibrated = f", calibrated on {seen} samples" if seen else ""
    return f"made here from yours{calibrated}"


def as_dict(found: Deployment) -> dict[str, Any]:
    """The object of ``dse pick --json``."""
    files: Sequence[str] = [str(path) for path in _all(found.model)]
    return {
        "model_files": files,
        "sha256": found.sha256 or None,
        "origin": found.origin,
        "backend": found.backend,
        "version": found.version or None,
        "code": "\n".join(found.code) + "\n" if found.code else None,
    }
