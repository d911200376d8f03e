"""Question answering in the parent: its models, data sets and rules.

Whatever is heavy is imported where it is used: every command and every worker loads this module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from dse.core.backend import Knob, read_numbers
from dse.core.configuration import PRECISIONS
from dse.core.metrics import Scenario
from dse.tasks.base import BaseTask
from dse.tasks.question_answering._form import QuestionForm
from dse.tasks.question_answering._plausibility import PUBLISHED, f1_notes
from dse.tasks.question_answering._quality import F1_QUALITY
from dse.tasks.task import InputFiles, Rules

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from dse.core.configuration import Configuration, KnobValue
    from dse.core.measurement import Measurement, PublishedQuality
    from dse.core.plausibility import Note
    from dse.core.signature import Form, Signature
    from dse.models.provider import Artefact, Provider
    from dse.tasks.prior import Priors
    from dse.tasks.question_answering._squad import Questions
    from dse.tasks.task import Dataset, Progress, Quality, Score


class QuestionAnswering(BaseTask):
    """Finds the answers to questions in paragraphs; see `dse.tasks.task.Task`."""

    name: ClassVar[str] = "question-answering"
    quality: ClassVar[Quality | None] = F1_QUALITY
    rules: ClassVar[Rules | None] = Rules(
        loadgen_model="bert",
        benchmark="bert-99",
        scenarios={"edge": (Scenario.SINGLE_STREAM, Scenario.OFFLINE)},
        server_bound_ms=130.0,
        performance_samples=10_833,
        accuracy_samples=10_833,
        min_offline_samples=10_833,
        scored_items=10_570,
        reference_model="bert-large",
        compliance_tests=("TEST01",),
        compared_bytes=4,
    )
    worker: ClassVar[str] = "dse.tasks.question_answering.worker:QuestionAnsweringWorker"
    plain_form: ClassVar[Form] = QuestionForm(any_length=True).to_form()
    noun: ClassVar[str] = "questions"
    max_sample_s: ClassVar[float] = 3.0
    title: ClassVar[str] = "question answering"
    dataset_files: ClassVar[str] = "a file in the form of SQuAD v1.1, such as `dev-v1.1.json`"
    knobs: ClassVar[tuple[Knob, ...]] = (
        Knob(
            "buckets",
            (),
            "",
            "lengths it is loaded for",
            # Padding counts in quantised activations, and sums are added up in another order.
            numeric=True,
            numbers=(16, 4096),
        ),
    )

    def provider(self, folder: Path | None) -> Provider:
        """The models of a folder, or the builtin architectures with untrained weights."""
        if folder is None:
            from dse.tasks.question_answering._builtin import BuiltinProvider

            return BuiltinProvider()
        from dse.models.folder import FolderProvider
        from dse.tasks.question_answering._manifest_entry import QuestionAnsweringEntry

        return FolderProvider(folder, QuestionAnsweringEntry)

    def with_conversions(self, provider: Provider, dataset: Dataset | None) -> Provider:
        """A provider of trained models that also makes int8 files of what it has."""
        from dse.tasks.question_answering._calibration import with_conversions

        return with_conversions(provider, cast("Questions | None", dataset))

    def open_dataset(self, folder: Path, _progress: Progress | None = None) -> Questions:
        """See `dse.tasks.question_answering._squad.open_dataset`."""
        from dse.tasks.question_answering._squad import open_dataset

        return open_dataset(folder)

    def prepare(self, dataset: Dataset, form: Form, progress: Progress | None = None) -> InputFiles:
        """The tokens of the questions and their paragraphs, with the right answers."""
        from dse.tasks.question_answering._features import feature_file

        questions = cast("Questions", dataset)
        features = feature_file(questions, QuestionForm.from_form(form), progress)
        return InputFiles({"features": features}, questions.fingerprint, self.noun)

    def describe(self, form: Form) -> str:
        """Questions by the tokens of a sample."""
        return f"questions of {form['sequence_length']} tokens"

    def input_lines(self, form: Form) -> Sequence[str]:
        """The tokens of a sample, and what each input tells of them."""
        return QuestionForm.from_form(form).input_lines

    def identity(self, form: Form) -> Mapping[str, Any]:
        """All of it but where the vocabulary lies."""
        return {"question_answering": QuestionForm.from_form(form).identity}

    def details(
        self,
        _configuration: Configuration,
        artefact: Artefact,
        published: PublishedQuality | None,
        _dataset: Dataset | None,
        _instruction_sets: Sequence[str] | None,
    ) -> Mapping[str, KnobValue]:
        """The published F1, which a measured one is judged by, and what calibrated the file."""
        figure = {} if published is None else {PUBLISHED: published.value}
        seen = artefact.calibrated_on
        return {**figure, **({"calibrated_on": seen} if seen else {})}

    def notes(self, quality: Measurement) -> tuple[Note, ...]:
        """See `dse.tasks.question_answering._plausibility.f1_notes`."""
        return f1_notes(quality)

    def published(self, model: str, precision: str) -> PublishedQuality | None:
        """The figure of the builtin architecture of that name."""
        from dse.tasks.question_answering._architectures import ENCODERS

        return ENCODERS[model].published.get(precision) if model in ENCODERS else None

    def published_variant(self, name: str) -> tuple[str, str] | None:
        """A builtin architecture in a precision, as submissions of `dse` name it."""
        from dse.tasks.question_answering._architectures import ENCODERS

        model, _, precision = name.rpartition("-")
        return (model, precision) if model in ENCODERS and precision in PRECISIONS else None

    def priors(self) -> Priors:
        """What names tell of encoders."""
        from dse.tasks.question_answering._prior import priors

        return priors()

    def signature(self, form: Form) -> Signature:
        """Numbers of the tokens, and what else the model takes of each."""
        return QuestionForm.from_form(form).signature

    def with_knobs(self, form: Form, knobs: Mapping[str, KnobValue]) -> Form:
        """With the lengths that the model is loaded for."""
        own = QuestionForm.from_form(form)
        return own.with_buckets(read_numbers(knobs.get("buckets", ""))).to_form()

    def sample_bytes(self, form: Form) -> int:
        """The memory of a loaded sample, and of the tokens that it is made from."""
        return QuestionForm.from_form(form).sample_bytes

    def manifest_entry(self, form: Form, sha256: str) -> Mapping[str, Any]:
        """The vocabulary's name and the length of a sample."""
        own = QuestionForm.from_form(form)
        named = {"vocabulary": own.vocabulary.name} if own.vocabulary else {}
        return {**named, "sequence_length": own.sequence_length, "sha256": sha256}

    def score(self, responses: Mapping[int, bytes], folder: Path) -> Score:
        """See `dse.tasks.question_answering._rules.score`."""
        from dse.tasks.question_answering._rules import score

        return score(responses, folder)

    def accuracy_text(self, score: Score, sha256: str) -> str:
        """See `dse.tasks.question_answering._rules.accuracy_text`."""
        from dse.tasks.question_answering._rules import accuracy_text

        return accuracy_text(score, sha256)

    def read_accuracy(self, text: str) -> Score:
        """See `dse.tasks.question_answering._rules.read_accuracy`."""
        from dse.tasks.question_answering._rules import read_accuracy

        return read_accuracy(text)

    def response_faults(self, responses: Mapping[int, bytes]) -> Iterator[str]:
        """See `dse.tasks.question_answering._scoring.find_faults`."""
        from dse.tasks.question_answering._scoring import find_faults

        return find_faults(responses)
