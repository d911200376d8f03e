"""The file ``models.yaml`` that says what the model files beside it are.

It holds one list, ``models``; each entry describes one file::

    models:
      - name: mobilenet-v1-0.25-128
        file: mobilenet_v1_0.25_128_quant.tflite
        precision: int8
        layout: NHWC
        dtype: uint8
        weights: TensorFlow model garden, 2018-08-02
      - name: my-classifier
        file: exports/my_classifier.onnx
        precision: fp32
        layout: NCHW
        dtype: float32
        resolution: 256
        mean: [123.675, 116.28, 103.53]
        scale: [58.395, 57.12, 57.375]
        label_offset: 0

The fields of an entry:

name
    The model's name in search spaces: letters, digits, ``.``, ``_`` and ``-``. A name of the
    catalogue says that the file is that very architecture.
file
    Path below the folder of ``models.yaml``, ending in ``.onnx`` or ``.tflite``.
precision
    ``fp32``, ``fp16``, ``bf16`` or ``int8``.
layout
    ``NHWC`` or ``NCHW``.
dtype
    Of the input: ``float32``, ``float16``, ``uint8`` or ``int8``.
resolution
    Pixels on a side. A name of the catalogue has its own.
mean, scale
    A pixel from 0 to 255 becomes (pixel - mean) / scale; a number, or one per channel, red first.
    Needed with ``float32`` and ``float16``. Integer inputs take pixels as they are unless both are
    given, or must be; see `dse.tasks.image_classification.models.contradictions`.
crop
    Central part of the image that is used, above 0 and up to 1; 0.875 if not given.
interpolation
    ``bilinear`` (if not given) or ``bicubic``.
label_offset
    1 where the first score is for a background class, else 0. A name of the catalogue has its own.
classes
    Number of scores, background included; optional.
weights
    Where the weights come from, in words; optional.
sha256
    Of the model, 64 hex digits; optional, and where it is given the model must have it. That of
    the file, or of all its files where it has weights beside it
    (`dse.core.checksums.combine_checksums`).
published_accuracy
    ``percent`` and ``source`` of a top-1 accuracy that others measured with this file; optional.
    Without it, a name of the catalogue brings the catalogue's figure.
archive
    ``url`` and ``sha256`` of the published archive that the file comes from; ``dse models fetch``
    writes it, and takes no other archive for that address from then on.

What the file itself says must not contradict the entry.
Several entries may share a name and differ in precision or format.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from dse.config import yaml_reader
from dse.core.checksums import sha256_of, sha256_of_model
from dse.core.errors import RequestError
from dse.formats import data_files, file_kind
from dse.formats.interface import read_interface
from dse.tasks.image_classification.models import contradictions
from dse.tasks.image_classification.models.catalogue import CATALOGUE
from dse.tasks.image_classification.models.published import PublishedAccuracy
from dse.tasks.image_classification.preprocessing import InputDtype, Layout, Preprocessing

if TYPE_CHECKING:
    from dse.config.yaml_reader import Document
    from dse.core.configuration import ModelFormat
    from dse.tasks.image_classification.models.catalogue import Variant

FILE_NAME = "models.yaml"
UNSTATED = "origin not stated"

Precision = Literal["fp32", "fp16", "bf16", "int8"]


def _per_channel(value: Any) -> Any:
    """A number as three of them; a list as a tuple, which the strict check asks for."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return (value,) * 3
    return tuple(value) if isinstance(value, list) else value


def _printable(value: str) -> str:
    if not value.isprintable():
        raise ValueError("holds a character that can't be shown")
    return value


Text = Annotated[str, Field(min_length=1), AfterValidator(_printable)]
Channels = Annotated[tuple[float, float, float], BeforeValidator(_per_channel)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class PublishedEntry(_Strict):
    """An accuracy that others measured."""

    percent: float = Field(ge=0, le=100)
    source: Text


class ArchiveEntry(_Strict):
    """The published archive that a file was taken from."""

    url: Text
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class ManifestEntry(_Strict):
    """One file, as the manifest describes it."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=128)
    file: Text
    precision: Precision
    layout: Layout
    dtype: InputDtype
    resolution: int | None = Field(default=None, ge=1, le=4096)
    mean: Channels | None = None
    scale: Channels | None = None
    crop: float = Field(default=0.875, gt=0, le=1)
    interpolation: Literal["bilinear", "bicubic"] = "bilinear"
    label_offset: int | None = Field(default=None, ge=0, le=1)
    classes: int | None = Field(default=None, ge=2)
    weights: Text = UNSTATED
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-fA-F]{64}$")
    published_accuracy: PublishedEntry | None = None
    archive: ArchiveEntry | None = None

    @field_validator("scale")
    @classmethod
    def _no_zero(cls, value: Channels | None) -> Channels | None:
        if value is not None and 0 in value:
            raise ValueError("a scale of 0 divides by zero")
        return value

    @property
    def variant(self) -> Variant | None:
        """The catalogue's architecture of that name."""
        return CATALOGUE.get(self.name)

    @property
    def format(self) -> ModelFormat | None:
        """The format that the file's name claims."""
        return file_kind.FORMAT_BY_SUFFIX.get(PurePosixPath(self.file).suffix.lower())

    @property
    def published(self) -> PublishedAccuracy | None:
        """The entry's own figure, or else the catalogue's."""
        if own := self.published_accuracy:
            return PublishedAccuracy(own.percent, own.source)
        return self.variant.published.get(self.precision) if self.variant else None

    @property
    def pixels(self) -> int:
        """Of an image's side; 0 where neither the entry nor the catalogue says."""
        return self.resolution or (self.variant.resolution if self.variant else 0)

    @property
    def scores(self) -> int | None:
        """How many there are, where the entry or the catalogue says."""
        return self.classes or (self.variant.classes if self.variant else None)

    def preprocessing(self) -> Preprocessing:
        """How an image becomes the file's input. The entry must have passed `read`.

        The quantisation is the file's to tell.
        """
        known = self.variant.preprocessing if self.variant else None
        offset = known.label_offset if known and self.label_offset is None else self.label_offset
        return Preprocessing(
            resolution=self.pixels,
            layout=self.layout,
            dtype=self.dtype,
            mean=self.mean or (0.0, 0.0, 0.0),
            scale=self.scale or (1.0, 1.0, 1.0),
            crop=self.crop,
            interpolation=self.interpolation,
            label_offset=offset or 0,
        )


class Manifest(_Strict):
    """The whole file."""

    models: tuple[ManifestEntry, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class FolderManifest:
    """The manifest of a folder, and what each file it names says of itself, but no weights.

    Attributes:
        folder: where it lies.
        entries: in its order.
    """

    folder: Path
    entries: tuple[ManifestEntry, ...]
    _document: Document

    @classmethod
    def read(cls, folder: Path) -> FolderManifest:
        """Reads a folder's manifest and checks it against the files.

        Raises:
            RequestError: the first thing that is wrong, with file, line and field.
        """
        path = folder / FILE_NAME
        if not path.is_file():
            raise RequestError(
                f"no {FILE_NAME} in the folder",
                file=folder,
                remedy="write one that describes the model files in it",
            )
        form, document = yaml_reader.read_document(path, Manifest)
        seen: dict[tuple[str, str, ModelFormat], int] = {}
        for index, entry in enumerate(form.models):
            complaints = _Complaints(document, index)
            model_format = _check_file(folder, entry, complaints)
            _check_values(entry, complaints)
            _check_contents(folder, entry, model_format, complaints)
            identity = (entry.name, entry.precision, model_format)
            if identity in seen:
                first = document.locate("models", seen[identity])
                raise complaints.error(
                    "name",
                    f"a second {entry.precision} {model_format} file for '{entry.name}'",
                    f"the first is in line {first}; give one of them another name",
                )
            seen[identity] = index
        return cls(folder, form.models, document)

    def beside(self, index: int, model_format: ModelFormat) -> tuple[Path, ...]:
        """The further files that hold the weights of an entry; see `dse.formats.data_files`.

        Raises:
            RequestError: one of them is missing, too short, or outside the model's folder.
        """
        complaints = _Complaints(self._document, index)
        return _beside(self.folder, self.entries[index], model_format, complaints)

    def verify(self, index: int, further: tuple[Path, ...] = ()) -> str:
        """The SHA-256 of an entry's model, held against the one the manifest gives, if it does.

        Args:
            index: of the entry.
            further: the files that hold its weights; see `beside`.

        Raises:
            RequestError: they differ, or a file can't be read any more.
        """
        entry, complaints = self.entries[index], _Complaints(self._document, index)
        path, given = self.folder / entry.file, (entry.sha256 or "").lower()
        try:
            found = sha256_of_model([path, *further])
            alone = bool(further) and given == sha256_of(path)
        except OSError as error:
            raise complaints.error(
                "file", f"can't be read: {error.strerror or error}", "put the file back"
            ) from error
        if alone:
            problem = f"that of '{entry.file}' alone; with the weights beside it the model has"
            raise complaints.error("sha256", f"{problem} {found}", "correct the manifest")
        if given and found != given:
            with_all = " with the weights beside it" if further else ""
            problem = f"'{entry.file}'{with_all} has {found}"
            raise complaints.error("sha256", problem, "get the file again, or correct the manifest")
        return found


class _Complaints:
    """Makes the errors of one entry."""

    def __init__(self, document: Document, index: int) -> None:
        self._document, self._index = document, index

    def error(self, field: str, problem: str, remedy: str) -> RequestError:
        return self._document.error(problem, "models", self._index, field, remedy=remedy)


def _check_file(folder: Path, entry: ManifestEntry, complaints: _Complaints) -> ModelFormat:
    """Checks that the file is there, inside the folder, and what its name says."""
    windows = PureWindowsPath(entry.file)  # knows both separators, and drives
    if windows.anchor or ".." in windows.parts:
        raise complaints.error(
            "file", f"'{entry.file}' is outside the folder", "give a path below the folder"
        )
    model_format = entry.format
    if model_format is None:
        known = " or ".join(file_kind.FORMAT_BY_SUFFIX)
        raise complaints.error("file", f"unknown kind of file '{entry.file}'", f"use {known}")
    path = folder / entry.file
    try:
        if not path.resolve().is_relative_to(folder.resolve()):
            raise complaints.error(
                "file", f"'{entry.file}' links to outside the folder", "put the file itself there"
            )
        found = path.stat()
        problem = "no regular file"
        if stat.S_ISREG(found.st_mode):
            problem = file_kind.why_mismatched(path, model_format) or ""
    except FileNotFoundError:
        problem = "no such file"
    except (OSError, RuntimeError, ValueError) as error:  # also links in a circle, odd characters
        problem = f"can't be read: {getattr(error, 'strerror', None) or error}"
    if problem:
        remedy = "correct the path, or put the file there"
        raise complaints.error("file", f"'{entry.file}': {problem}", remedy)
    _beside(folder, entry, model_format, complaints)
    return model_format


def _beside(
    folder: Path, entry: ManifestEntry, model_format: ModelFormat, complaints: _Complaints
) -> tuple[Path, ...]:
    """The further files of a model; finds the mistake in the entry."""
    try:
        return data_files.find_data_files(folder / entry.file, model_format)
    except RequestError as error:
        problem = f"'{entry.file}': {error.problem}"
        raise complaints.error("file", problem, error.remedy or "get it again") from error
    except OSError as error:
        problem = f"'{entry.file}': can't be read: {error.strerror or error}"
        raise complaints.error("file", problem, "put the file back") from error


def _check_values(entry: ManifestEntry, complaints: _Complaints) -> None:
    """Checks the fields against each other and against the catalogue."""
    known = entry.variant
    expected = {
        "resolution": known.resolution if known else None,
        "label_offset": known.preprocessing.label_offset if known else None,
        "classes": known.classes if known else None,
    }
    for field, value in expected.items():
        given = getattr(entry, field)
        if given is None and value is None and field != "classes":
            raise complaints.error(
                field, "is missing", f"add it, since '{entry.name}' is not in the catalogue"
            )
        if None not in (given, value) and given != value:
            raise complaints.error(
                field, f"'{entry.name}' has {value}, not {given}", "correct it or rename the model"
            )
    for field, channels in (("mean", entry.mean), ("scale", entry.scale)):
        if entry.dtype not in contradictions.INTEGERS and channels is None:
            remedy = f"add it, since a {entry.dtype} input needs it"
            raise complaints.error(field, "is missing", remedy)


def _check_contents(
    folder: Path, entry: ManifestEntry, model_format: ModelFormat, complaints: _Complaints
) -> None:
    """Checks the fields against what the file says of itself."""
    try:
        found = read_interface(folder / entry.file, model_format)
    except OSError as error:
        raise complaints.error(
            "file", f"can't be read: {error.strerror or error}", "put the file back"
        ) from error
    if complaint := contradictions.contradiction(entry, found):
        raise complaints.error(*complaint)
