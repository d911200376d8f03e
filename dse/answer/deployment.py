"""What to deploy: the model file, the runtime, and code that loads the one in the other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dse.core import registry as backends
from dse.core.backend import Deployable, LoadRequest, UnsupportedError
from dse.core.checksums import model_identity, sha256_of, sha256_of_model
from dse.core.details import QualityDetails
from dse.core.errors import DseError
from dse.core.metrics import METRICS
from dse.core.paths import cache_dir, write_named
from dse.core.quantisation import artefact_name, method_knobs, methods_alike
from dse.core.signature import DTYPE_BYTES
from dse.core.worker_environment import format_variables, user_variables
from dse.measure.spec import SPEC_FILE, ModelFiles, Spec
from dse.models.provider import BUILTIN
from dse.tasks import registry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from dse.answer.choice import Answer
    from dse.core.backend import Knob
    from dse.core.configuration import Configuration
    from dse.core.signature import Form, Signature
    from dse.study.record import Record
    from dse.study.study import Study

_UNREADABLE = (
    *(OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError),
    *(OverflowError, UnsupportedError, DseError),
)
"""Errors that a damaged study may raise, or files that are gone or changed."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """What to deploy.

    Attributes:
        files: of the model, its own first; none where they are not here, or none are read.
        sha256: of the model, as `dse.models.provider.Artefact` has it; empty without files.
        origin: where they come from and how they were made, in words, or why they are not here.
        backend: name of the backend.
        version: of its runtime; empty where the study does not tell.
        code: lines of Python; none where there are no files, or the backend shows none.
    """

    files: tuple[Path, ...]
    sha256: str
    origin: str
    backend: str
    version: str
    code: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Found:
    """The files of a model that are here, and what they are fed with."""

    model: ModelFiles
    sha256: str
    origin: str
    form: Form

    @property
    def files(self) -> tuple[Path, ...]:
        return () if self.model.path is None else (self.model.path, *self.model.beside)


def deployment(
    study: Study, record: Record, metrics: Iterable[str] = (), *, build: bool = True
) -> Deployment:
    """Finds out what to deploy of a point.

    Args:
        study: has measured it.
        record: the point.
        metrics: what it was chosen by: they decide whether the code has batches and instances.
        build: whether to make builtin models anew where their files are not here.
    """
    configuration = record.configuration
    backend = backends.backend(configuration.backend)
    version = str(study.about.runtimes.get(backend.name, ""))
    if not backend.formats:
        return Deployment((), "", "reads no model file", backend.name, version)
    try:
        found = _find(study, record, build=build)
        code = tuple(_code(study, _served(configuration, metrics), found))
    except _UNREADABLE as error:
        return Deployment((), "", f"unknown: {error}", backend.name, version)
    return Deployment(found.files, found.sha256, found.origin, backend.name, version, code)


def deployment_of(study: Study, answer: Answer) -> Deployment:
    """Finds out what to deploy of the configuration that was chosen."""
    metrics = (answer.goal.name, *(kept.limit.metric for kept in answer.limits))
    return deployment(study, answer.record, metrics)


def _served(configuration: Configuration, metrics: Iterable[str]) -> Configuration:
    """The configuration as it was measured: SingleStream runs have one sample a call."""
    known = [METRICS[name] for name in metrics if name in METRICS]
    if not known or any(metric.batched for metric in known):
        return configuration
    return replace(configuration, batch_size=1, instances=1)


def _code(study: Study, served: Configuration, found: _Found) -> Iterator[str]:
    backend = backends.backend(served.backend)
    task = registry.task(study.about.task)
    signature = task.signature(found.form)
    if not isinstance(backend, Deployable) or not _plain(signature):
        return
    request = LoadRequest(served, found.model.path, {}, signature)
    lines = backend.code(request, signature.of_batch(served.batch_size))
    if lines:
        if backends.BACKENDS[backend.name].apart:
            yield f"# Run it with the Python that `dse backends` names for {backend.name}."
        yield from _preamble(served, task.knobs, user_variables(study.about.environment))
        # In one line each, whatever a file claims of its inputs.
        yield from (f"# {ascii(line)[1:-1]}" for line in task.input_lines(found.form))
        yield from lines


def _plain(signature: Signature) -> bool:
    """Whether the inputs are what can be written down: they come from a file, and become code."""
    return not signature.subgraph and all(
        one.dtype in DTYPE_BYTES and all(isinstance(size, int) for size in one.shape)
        for one in signature.inputs
    )


def _preamble(
    configuration: Configuration, of_task: Iterable[Knob], variables: Mapping[str, str]
) -> Iterator[str]:
    """What comes before the runtime is imported."""
    if configuration.batch_size == 1:
        yield "# Predicts single samples, as it was measured."
    else:
        size = configuration.batch_size
        yield f"# Predicts {size} samples a call, as its throughput was measured."
    if variables:
        given = ascii(format_variables(variables))[1:-1]  # in one line, whatever a study holds
        yield f"# Measured with variables of its own; start it with: env {given} python ..."
    knobs = dict(configuration.knobs)
    for knob in of_task:
        if knob.name in knobs:
            yield f"# Measured with {knob.name} {knobs[knob.name]}: {knob.help}."
            yield "# This loads one alone: load each of them, and take the first that is enough."
    streams = int(knobs.get("streams", 1))
    if streams > 1:
        yield f"# Measured with {streams} batches at a time: predict from as many threads."
    if configuration.instances > 1:
        yield f"# Measured with {configuration.instances} instances: a process for each."
    if configuration.pinned:
        threads = configuration.threads
        yield "import os"
        yield ""
        yield "instance = 0  # each has CPUs of its own"
        yield "cpus = sorted(os.sched_getaffinity(0))"
        yield f"os.sched_setaffinity(0, cpus[instance * {threads} : (instance + 1) * {threads}])"
        yield ""


def _find(study: Study, record: Record, *, build: bool) -> _Found:
    """The files that a worker was told; builtin models can also be built anew.

    Raises:
        ValueError: they are not here, or not what was measured.
    """
    spec = next(_specs(study, record), None)
    path = spec.model.path if spec is not None else None
    if spec is not None and path is not None and path.is_file():
        files = (path, *spec.model.beside)
        found = _Found(spec.model, sha256_of_model(files), "", spec.task.form)
        _check(study, record, found)
        return replace(found, origin=_origin(study, record, path))
    if study.about.models != BUILTIN:
        gone = f"{path} is not here any more" if path else "the study's runs are not here"
        raise ValueError(gone)
    if not build:
        raise ValueError("its file is not here; `dse show` makes it anew")
    configuration, task = record.configuration, registry.task(study.about.task)
    formats = backends.backend(configuration.backend).formats
    provider = task.with_conversions(task.provider(None), None)
    made = provider.artefact(configuration.model, configuration.precision, formats)
    model = ModelFiles(made.path, made.beside)
    found = _Found(model, made.sha256, _origin(study, record, made.path), made.form)
    _check(study, record, found)
    return found


def _specs(study: Study, record: Record) -> Iterator[Spec]:
    """What the workers of a point were told, the last one first."""
    own = record.configuration
    runs = [m.run for m in record.outcome.measurements if m.run]
    for run in dict.fromkeys(reversed(runs)):
        try:
            text = (study.folder.runs / run / SPEC_FILE).read_text(encoding="utf-8")
            spec = Spec.from_json(text)
        except _UNREADABLE:
            continue
        told = spec.configuration
        same = (told.model, told.precision, told.backend) == (own.model, own.precision, own.backend)
        if same and method_knobs(told) == method_knobs(own):
            yield spec


def _check(study: Study, record: Record, found: _Found) -> None:
    """Compares files with those that the study noted.

    Raises:
        ValueError: they are others, or it noted none.
    """
    own, task = record.configuration, registry.task(study.about.task)
    path = found.files[0]
    suffix = path.suffix.removeprefix(".")
    noted = study.about.artefacts.get(artefact_name(own, suffix))
    identity = task.identity(found.form)
    sums = {found.sha256}
    if len(found.files) == 1:  # earlier versions noted the file's own checksum
        sums.add(sha256_of(path))
    if noted is None:
        raise ValueError("the study has noted no checksum of it")
    if noted not in {model_identity(each, identity) for each in sums}:
        raise ValueError(f"{path} has changed since it was measured")


def _origin(study: Study, record: Record, path: Path) -> str:
    """Where a model's file comes from, in words."""
    if study.about.models == BUILTIN:
        return "builtin, untrained weights"
    if path.is_relative_to(cache_dir() / "hub"):
        return "downloaded from the Hugging Face hub"
    kinds = (cache_dir() / "models" / kind for kind in ("converted", "quantised"))
    if not any(map(path.is_relative_to, kinds)):
        return "yours"
    quality = record.outcome.quality
    seen = QualityDetails.of(quality.details).calibrated_on if quality is not None else None
    told = ["made here from yours", *([f"calibrated on {seen} samples"] if seen else ())]
    suffix = path.suffix.removeprefix(".")
    if alike := methods_alike(study.about.artefacts, record.configuration, suffix):
        told.append(f"the same file as with {' or '.join(alike)}")
    return ", ".join(told)


def write_code(found: Deployment, file: Path) -> None:
    """Writes the code to a file, in the place of one that is there.

    Raises:
        RequestError: what is there is no regular file.
        DseError: there is no code, or the file can't be written.
    """
    if not found.code:
        reason = f"{found.backend} shows none" if found.files else found.origin
        raise DseError(f"{file}: there is no code to write: {reason}")
    with write_named(file) as stream:
        stream.write(f"{chr(10).join(found.code)}\n".encode())


def as_dict(found: Deployment) -> dict[str, Any]:
    """The object of ``dse pick --json``."""
    return {
        "model_files": [str(path) for path in found.files],
        "sha256": found.sha256 or None,
        "origin": found.origin,
        "backend": found.backend,
        "version": found.version or None,
        "code": "\n".join(found.code) + "\n" if found.code else None,
    }
