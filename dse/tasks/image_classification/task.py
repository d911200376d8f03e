"""Image classification in the parent: its models, data sets and rules.

Whatever is heavy is imported where it is used: every command and every worker loads this module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from dse.core.metrics import Scenario
from dse.tasks.base import BaseTask
from dse.tasks.image_classification._quality import TOP_1
from dse.tasks.image_classification.preprocessing import (
    Preprocessing,
    from_form,
    preprocessing_lines,
    sample_bytes,
    signature,
)
from dse.tasks.task import InputFiles, Rules

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from dse.core.configuration import Configuration, KnobValue
    from dse.core.measurement import Measurement, PublishedQuality
    from dse.core.plausibility import Note
    from dse.core.signature import Form, Signature
    from dse.models.provider import Artefact, Provider
    from dse.tasks.image_classification.data.dataset import Dataset as Images
    from dse.tasks.prior import Priors
    from dse.tasks.task import Dataset, Progress, Quality, Score

_EDGE = (Scenario.SINGLE_STREAM, Scenario.MULTI_STREAM, Scenario.OFFLINE)


class ImageClassification(BaseTask):
    """Classifies images by ImageNet's labels; see `dse.tasks.task.Task`."""

    name: ClassVar[str] = "image-classification"
    quality: ClassVar[Quality | None] = TOP_1
    rules: ClassVar[Rules | None] = Rules(
        loadgen_model="resnet50",
        benchmark="resnet",
        scenarios={"edge": _EDGE, "datacenter": (Scenario.SERVER, Scenario.OFFLINE)},
        server_bound_ms=15.0,
        performance_samples=1024,
        accuracy_samples=50_000,
        min_offline_samples=24_576,
        reference_model="resnet50-v1.5",
        compliance_tests=("TEST01", "TEST04"),
    )
    worker: ClassVar[str] = "dse.tasks.image_classification.worker:ImageClassificationWorker"
    plain_form: ClassVar[Form] = Preprocessing(resolution=32).as_dict()
    probes: ClassVar[tuple[tuple[str, str], ...]] = (
        ("mobilenet-v1-0.25-128", "fp32"),
        ("mobilenet-v2-0.35-128", "fp32"),
    )
    noun: ClassVar[str] = "images"
    max_sample_s: ClassVar[float] = 0.5
    title: ClassVar[str] = "image classification"
    dataset_files: ClassVar[str] = "the images and `val_map.txt`"

    def provider(self, folder: Path | None) -> Provider:
        """The models of a folder, or the builtin architectures with untrained weights."""
        if folder is None:
            from dse.tasks.image_classification.models.builtin import BuiltinProvider

            return BuiltinProvider()
        from dse.models.folder import FolderProvider
        from dse.tasks.image_classification.models.manifest_entry import ImageEntry

        return FolderProvider(folder, ImageEntry)

    def with_conversions(self, provider: Provider, dataset: Dataset | None) -> Provider:
        """A provider of trained models that also makes TFLite and int8 files of what it has."""
        from dse.tasks.image_classification.models.calibration import with_conversions

        return with_conversions(provider, cast("Images | None", dataset))

    def open_dataset(self, folder: Path, progress: Progress | None = None) -> Images:
        """A folder of labelled images; see `dse.tasks.image_classification.data.dataset`."""
        from dse.tasks.image_classification.data.dataset import open_dataset

        return open_dataset(folder, progress)

    def prepare(self, dataset: Dataset, form: Form, progress: Progress | None = None) -> InputFiles:
        """The pixels of the images at a model's resolution, and their labels."""
        from dse.tasks.image_classification.data.pixel_cache import image_cache, label_file

        images = cast("Images", dataset)
        pixels = image_cache(images, from_form(form)[0], progress)
        files = {"pixels": pixels, "labels": label_file(images)}
        return InputFiles(files, images.fingerprint, self.noun)

    def describe(self, form: Form) -> str:
        """Images at their resolution."""
        side = from_form(form)[0].resolution
        return f"images at {side} x {side}"

    def input_lines(self, form: Form) -> Sequence[str]:
        """The crop, the size, the layout and the numbers of an image, and how a label is read."""
        return preprocessing_lines(from_form(form)[0])

    def identity(self, form: Form) -> Mapping[str, Any]:
        """The preprocessing; the number of scores decides nothing that is measured."""
        return {"preprocessing": from_form(form)[0].as_dict()}

    def details(
        self,
        configuration: Configuration,
        artefact: Artefact,
        published: PublishedQuality | None,
        dataset: Dataset | None,
        instruction_sets: Sequence[str] | None,
    ) -> Mapping[str, KnobValue]:
        """See `dse.tasks.image_classification._judging.judged_by`."""
        from dse.tasks.image_classification._judging import judged_by

        images = cast("Images | None", dataset)
        return judged_by(configuration, artefact, published, images, instruction_sets)

    def warnings(
        self, configurations: Iterable[Configuration], provider: Provider
    ) -> Sequence[str]:
        """The model files whose mean and scale are written for other pixels."""
        from dse.tasks.image_classification._judging import normalisations

        return normalisations(configurations, provider)

    def published(self, model: str, precision: str) -> PublishedQuality | None:
        """The catalogue's figure for the architecture of that name."""
        from dse.tasks.image_classification.models.catalogue import CATALOGUE

        return CATALOGUE[model].published.get(precision) if model in CATALOGUE else None

    def signature(self, form: Form) -> Signature:
        """One input: a batch of images."""
        return signature(form)

    def sample_bytes(self, form: Form) -> int:
        """The memory of a loaded image, and of the pixels that it is made from."""
        return sample_bytes(form)

    def manifest_entry(self, form: Form, sha256: str) -> Mapping[str, Any]:
        """Layout, type, resolution and all else of the preprocessing."""
        from dse.tasks.image_classification._rules import manifest_entry

        return manifest_entry(form, sha256)

    def score(self, responses: Mapping[int, bytes], folder: Path) -> Score:
        """The accuracy of logged labels, counted again."""
        from dse.tasks.image_classification._rules import score

        return score(responses, folder)

    def accuracy_text(self, score: Score, sha256: str) -> str:
        """See `dse.tasks.image_classification._rules.accuracy_text`."""
        from dse.tasks.image_classification._rules import accuracy_text

        return accuracy_text(score, sha256)

    def read_accuracy(self, text: str) -> Score:
        """See `dse.tasks.image_classification._rules.read_accuracy`."""
        from dse.tasks.image_classification._rules import read_accuracy

        return read_accuracy(text)

    def response_faults(self, responses: Mapping[int, bytes]) -> Iterator[str]:
        """Which logged labels are none of ImageNet's."""
        from dse.tasks.image_classification._rules import response_faults

        return response_faults(responses)

    def notes(self, quality: Measurement) -> tuple[Note, ...]:
        """See `dse.tasks.image_classification._plausibility.accuracy_notes`."""
        from dse.tasks.image_classification._plausibility import accuracy_notes

        return accuracy_notes(quality)

    def priors(self) -> Priors:
        """What the catalogue tells of architectures."""
        from dse.tasks.image_classification._prior import priors

        return priors()

    def published_variant(self, name: str) -> tuple[str, str] | None:
        """See `dse.tasks.image_classification._published_names`."""
        from dse.tasks.image_classification._published_names import published_variant

        return published_variant(name)
