"""What a task is where nothing special is known of it: the common half of most tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NoReturn

from dse.core.errors import RequestError
from dse.tasks.prior import NO_PRIORS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from dse.core.backend import Knob
    from dse.core.configuration import Configuration, KnobValue
    from dse.core.measurement import Measurement, PublishedQuality
    from dse.core.plausibility import Note
    from dse.core.signature import Form
    from dse.models.provider import Artefact, Provider
    from dse.tasks.prior import Priors
    from dse.tasks.task import Dataset, InputFiles, Progress, Quality, Rules, Score


class BaseTask:
    """A task without builtin models, data sets, published figures and a benchmark of MLPerf.

    See `dse.tasks.task.Task` for the methods; a task overrides what it has.
    """

    name: ClassVar[str]
    quality: ClassVar[Quality | None] = None
    rules: ClassVar[Rules | None] = None
    probes: ClassVar[tuple[tuple[str, str], ...]] = ()
    noun: ClassVar[str] = "samples"
    max_sample_s: ClassVar[float] = 0.5
    dataset_files: ClassVar[str] = "the data set"
    knobs: ClassVar[tuple[Knob, ...]] = ()

    def provider(self, folder: Path | None) -> Provider:
        """Refused: there are no models."""
        if folder is None:
            raise RequestError(
                f"the task {self.name} has no builtin models", remedy="give --models"
            )
        raise RequestError(f"the task {self.name} takes no folder of models", field="--models")

    def with_conversions(self, provider: Provider, _dataset: Dataset | None) -> Provider:
        """The provider as it is."""
        return provider

    def open_dataset(self, _folder: Path, _progress: Progress | None = None) -> Dataset:
        """Refused: no answer is right."""
        self._refuse()

    def prepare(
        self, _dataset: Dataset, _form: Form, _progress: Progress | None = None
    ) -> InputFiles:
        """Refused: there is no data set."""
        self._refuse()

    def with_knobs(self, form: Form, _knobs: Mapping[str, KnobValue]) -> Form:
        """The form as it is."""
        return form

    def describe(self, _form: Form) -> str:
        """The noun alone."""
        return self.noun

    def input_lines(self, _form: Form) -> Sequence[str]:
        """Nothing."""
        return ()

    def identity(self, form: Form) -> Mapping[str, object]:
        """The whole form."""
        return {"form": dict(form)}

    def details(
        self,
        _configuration: Configuration,
        _artefact: Artefact,
        _published: PublishedQuality | None,
        _dataset: Dataset | None,
        _instruction_sets: Sequence[str] | None,
    ) -> Mapping[str, KnobValue]:
        """Nothing."""
        return {}

    def warnings(
        self, _configurations: Iterable[Configuration], _provider: Provider
    ) -> Sequence[str]:
        """Nothing."""
        return ()

    def score(self, _responses: Mapping[int, bytes], _folder: Path) -> Score:
        """Refused: no answer is right."""
        self._refuse()

    def accuracy_text(self, _score: Score, _sha256: str) -> str:
        """Refused: no answer is right."""
        self._refuse()

    def read_accuracy(self, _text: str) -> Score:
        """Refused: no answer is right."""
        self._refuse()

    def response_faults(self, _responses: Mapping[int, bytes]) -> Iterator[str]:
        """Nothing."""
        return iter(())

    def notes(self, _quality: Measurement) -> tuple[Note, ...]:
        """Nothing."""
        return ()

    def published(self, _model: str, _precision: str) -> PublishedQuality | None:
        """Nothing."""
        return None

    def published_variant(self, _name: str) -> tuple[str, str] | None:
        """Nothing."""
        return None

    def priors(self) -> Priors:
        """Nothing."""
        return NO_PRIORS

    def manifest_entry(self, form: Form, sha256: str) -> Mapping[str, object]:
        """The form as it is, and the hash."""
        return {**form, "sha256": sha256}

    def _refuse(self) -> NoReturn:
        raise RequestError(f"the task {self.name} has no data set", remedy="leave --dataset out")
