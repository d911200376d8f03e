"""What a task must offer: what a model is for, how it is fed, how its answers are scored.

A task has two halves, as a backend has. `Task` is used in the parent, which may import Pillow or
a tokeniser; `TaskWorker` in the worker, beside nothing but numpy, LoadGen and the runtime. What
travels from one to the other is a `Form` and `InputFiles`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from dse.core.backend import Batch, Knob, Outputs, Scores
    from dse.core.configuration import Configuration, KnobValue
    from dse.core.measurement import Measurement, PublishedQuality
    from dse.core.metrics import Metric, Scenario
    from dse.core.plausibility import Note
    from dse.core.signature import Form, Signature
    from dse.models.provider import Artefact, Provider
    from dse.tasks.prior import Priors

    Progress = Callable[[int, int], None]
    """Called with (done, total)."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The numbers by which MLPerf judges runs of a task.

    Attributes:
        loadgen_model: the section of LoadGen's mlperf.conf.
        benchmark: the name under which submissions compete.
        scenarios: required ones, by category (``edge``, ``datacenter``).
        server_bound_ms: the latency that 99 % of Server's queries keep; None without Server.
        performance_samples: samples that stay loaded during a timed run.
        accuracy_samples: samples of the whole data set.
        scored_items: what is scored of the whole data set, where several samples may belong to one
            item, as to a question; None where each sample is scored.
        min_offline_samples: the fewest samples of an Offline run.
        reference_model: how the names of the model begin that the closed division takes; empty
            where nothing is known of that division.
        compliance_tests: those of MLPerf's that the closed division asks for.
        compared_bytes: how much of a response these compare, from its start; None for all of it.
    """

    loadgen_model: str
    benchmark: str
    scenarios: Mapping[str, tuple[Scenario, ...]]
    server_bound_ms: float | None
    performance_samples: int
    accuracy_samples: int
    min_offline_samples: int
    scored_items: int | None = None
    reference_model: str = ""
    compliance_tests: tuple[str, ...] = ()
    compared_bytes: int | None = None

    @property
    def all_items(self) -> int:
        """How many items a quality of the whole data set is the mean of."""
        return self.scored_items or self.accuracy_samples


@dataclass(frozen=True, slots=True)
class Quality:
    """The metric that tells how good a model's answers are.

    Attributes:
        metric: its name, unit, direction and title.
        heading: short, for tables.
        decimals: digits after the point that are shown.
        target: what the closed division asks of the reference model; None without such a rule.
    """

    metric: Metric
    heading: str
    decimals: int
    target: float | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """The quality of the answers of one accuracy run.

    Attributes:
        value: in the unit of the task's quality.
        interval: the 95 % confidence interval; None where it is not known.
        details: what else tells of it, stored with the measurement; ``total`` where something else
            than samples is scored, such as questions with several samples each: how many.
        right: whether each of what is scored was answered right, in order; None where an answer is
            more than right or wrong, and where that is not known.

    Raises:
        ValueError: the value or an end of the interval is not finite.
    """

    value: float
    interval: tuple[float, float] | None = None
    details: Mapping[str, KnobValue] = field(default_factory=dict)
    right: Sequence[bool] | None = None

    def __post_init__(self) -> None:
        for number in (self.value, *(self.interval or ())):
            if not math.isfinite(number):
                raise ValueError(f"the score of the answers is {number}, not a finite number")


@dataclass(frozen=True, slots=True)
class InputFiles:
    """The samples of a data set as the worker reads them.

    Attributes:
        files: by a name that the task's worker knows; empty for made-up samples.
        dataset: fingerprint of the data set; empty where there is none.
        noun: what a sample is, in the plural; the number of them is stored under this name.
    """

    files: Mapping[str, Path] = field(default_factory=dict)
    dataset: str = ""
    noun: str = ""


class Inputs(Protocol):
    """Samples by index, as a model takes them.

    Attributes:
        count: the number of samples.
    """

    count: int

    def call(self, indices: Sequence[int], out: Batch | None = None) -> Batch:
        """What a call for these samples is made with.

        Args:
            indices: of the samples, at least one.
            out: where they go instead of into new arrays; shaped like what is returned.

        Returns:
            One C-contiguous array with a row for each sample; or, for a model with a signature, a
            tuple with an array for each input in its order, which has a row for each sample where
            the model takes batches.
        """
        ...


class TaskWorker(Protocol):
    """A task in the worker; made from a form and the files of the samples."""

    def __init__(self, form: Form, files: InputFiles) -> None: ...

    @property
    def signature(self) -> Signature | None:
        """The model's inputs, where the form tells them; None for one input, batch first."""
        ...

    @property
    def scores(self) -> Scores | None:
        """The output that counts, where one does; None where all are computed."""
        ...

    def inputs(self, count: int, seed: int) -> Inputs:
        """The samples of the data set, or ``count`` made-up ones where there is no data set."""
        ...

    def different_batches(self, inputs: Inputs, size: int, seed: int) -> Iterator[Batch]:
        """Five batches that differ as much as inputs of the model can, the first samples third.

        The second and the fourth begin with the first sample of the third, and differ from it in
        each further one: they show whether a batch is answered by its first sample alone.
        """
        ...

    def check(self, outputs: Outputs, size: int) -> None:
        """Holds the outputs of a call against what the task expects of a batch.

        Raises:
            UnsupportedError: they have another shape, or are not finite where they must be.
        """
        ...

    def encode(self, outputs: Outputs, count: int) -> Sequence[bytes]:
        """The responses to the first ``count`` samples of a call, each of any length.

        Raises:
            UnsupportedError: the outputs hold no answer.
        """
        ...

    def score(self, responses: Mapping[int, bytes], count: int) -> Score:
        """The quality of the responses to the first ``count`` samples of the data set, by index.

        Raises:
            ValueError: a response can't be read, or they don't cover these samples.
        """
        ...

    def save_truth(self, folder: Path, count: int) -> None:
        """Writes what `Task.score` scores by, for the first ``count`` samples."""
        ...


class Dataset(Protocol):
    """What is asked, with what is right about each item: one sample, or several of them."""

    @property
    def fingerprint(self) -> str:
        """64 hex digits; changes with anything that an answer or a score depends on."""
        ...

    @property
    def description(self) -> str:
        """What it holds, in words: "500 images of 10 labels"."""
        ...

    @property
    def origin(self) -> str:
        """Where the right answers come from, in words."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out or taken for granted, a few words each."""
        ...

    def __len__(self) -> int: ...


class Task(Protocol):
    """A task in the parent. Stateless."""

    name: ClassVar[str]
    quality: ClassVar[Quality | None]
    """None where no answer is right, as with generated inputs."""
    rules: ClassVar[Rules | None]
    """None where MLPerf has no such benchmark."""
    worker: ClassVar[str]
    """The class of the other half, as ``module:name``."""
    plain_form: ClassVar[Form]
    """The form of samples for backends that read no model file."""
    probes: ClassVar[tuple[tuple[str, str], ...]]
    """Two builtin models, each with its precision, that the machine's noise is measured with: short
    ones, as disturbances show most there. Empty where there are no builtin models."""
    noun: ClassVar[str]
    """What a sample is, in the plural: "images", "questions"."""
    title: ClassVar[str]
    """The task in words: "image classification"."""
    max_sample_s: ClassVar[float]
    """The longest that an item of a data set may take in an accuracy run, in seconds."""
    dataset_files: ClassVar[str]
    """What the folder of a data set holds, in words: "the images and `val_map.txt`"."""
    knobs: ClassVar[tuple[Knob, ...]]
    """Parameters of how a model is loaded, whatever the backend: each stands beside its own."""

    def provider(self, folder: Path | None) -> Provider:
        """The models of a folder, or the builtin ones.

        Raises:
            RequestError: the folder can't be used, or there are no builtin models.
        """
        ...

    def with_conversions(self, provider: Provider, dataset: Dataset | None) -> Provider:
        """A provider that also makes further formats and precisions of what the given one has."""
        ...

    def open_dataset(self, folder: Path, progress: Progress | None = None) -> Dataset:
        """Opens a folder as a data set.

        Raises:
            RequestError: it is not one.
        """
        ...

    def prepare(self, dataset: Dataset, form: Form, progress: Progress | None = None) -> InputFiles:
        """The files from which the worker reads the samples in this form; made if need be.

        Raises:
            RequestError, DseError: a sample can't be read, the cache can't be written.
        """
        ...

    def describe(self, form: Form) -> str:
        """Samples in this form, in words: "images at 224 x 224"."""
        ...

    def input_lines(self, form: Form) -> Sequence[str]:
        """How a sample becomes the input, for who deploys a model: lines of a comment."""
        ...

    def identity(self, form: Form) -> Mapping[str, Any]:
        """What of a form enters the keys of measurements, by name."""
        ...

    def details(
        self,
        configuration: Configuration,
        artefact: Artefact,
        published: PublishedQuality | None,
        dataset: Dataset | None,
        instruction_sets: Sequence[str] | None,
    ) -> Mapping[str, KnobValue]:
        """What is known of a quality before it is measured, and stored with it to judge it by.

        Args:
            configuration: what is measured.
            artefact: the file that is measured.
            published: what others measured of the variant, where anything is known.
            dataset: the samples; None where there are none.
            instruction_sets: of the CPU; None where they are not known.
        """
        ...

    def warnings(
        self, configurations: Iterable[Configuration], provider: Provider
    ) -> Sequence[str]:
        """What looks wrong with the models of configurations, a line each."""
        ...

    def score(self, responses: Mapping[int, bytes], folder: Path) -> Score:
        """Scores the responses of an accuracy run again.

        Args:
            responses: by the index of their samples; those of a compliance run are not all.
            folder: of the run; holds what `TaskWorker.save_truth` wrote.

        Raises:
            OSError, ValueError: it can't be read, or does not fit the responses.
        """
        ...

    def accuracy_text(self, score: Score, sha256: str) -> str:
        """The text of accuracy.txt as MLPerf's checkers read it."""
        ...

    def read_accuracy(self, text: str) -> Score:
        """What an ``accuracy.txt`` says; the inverse of `accuracy_text`.

        The details hold ``total``, the number of what is scored, where the text tells it.

        Raises:
            ValueError: it has another form; the message says which is expected.
        """
        ...

    def response_faults(self, responses: Mapping[int, bytes]) -> Iterator[str]:
        """What is wrong with the responses of an accuracy log, a line for each kind of fault.

        Their indices are checked by whoever asks.
        """
        ...

    def notes(self, quality: Measurement) -> tuple[Note, ...]:
        """What speaks against a measured quality, the most telling first."""
        ...

    def priors(self) -> Priors:
        """What is known of models before anything is measured."""
        ...

    def published(self, model: str, precision: str) -> PublishedQuality | None:
        """The published quality of a model by its name; None where none is known."""
        ...

    def published_variant(self, name: str) -> tuple[str, str] | None:
        """The model and the precision that a published result is of, by the task's own names.

        Args:
            name: as in the column ``Model`` of MLPerf's result tables.

        Returns:
            Model and precision; None for a name of another form.
        """
        ...

    def manifest_entry(self, form: Form, sha256: str) -> Mapping[str, Any]:
        """What a ``models.yaml`` says of a model, but for its name, file and precision.

        Args:
            form: of the model.
            sha256: of its files.
        """
        ...

    def signature(self, form: Form) -> Signature:
        """What a model of this form is fed with; a name that the form does not tell is empty."""
        ...

    def with_knobs(self, form: Form, knobs: Mapping[str, KnobValue]) -> Form:
        """The form of a model that is loaded with these values of knobs, the task's and others.

        Raises:
            ModelError: the model can't be loaded with them.
        """
        ...

    def sample_bytes(self, form: Form) -> int:
        """The memory that a loaded sample takes, with what it is made from."""
        ...
