"""The file ``models.yaml`` that says what the model files beside it are.

It holds one list, ``models``; each entry describes one file. A task adds fields of its own to those
that every entry has:

name
    The model's name in search spaces: letters, digits, ``.``, ``_`` and ``-``.
file
    Path below the folder of ``models.yaml``, ending in ``.onnx`` or ``.tflite``.
precision
    ``fp32``, ``fp16``, ``bf16`` or ``int8``.
weights
    Where the weights come from, in words; optional.
sha256
    Of the model, 64 hex digits; optional, and where it is given the model must have it. That of
    the file, or of all its files where it has weights beside it
    (`dse.core.checksums.combine_checksums`).
archive
    ``url`` and ``sha256`` of the published archive that the file comes from; ``dse models fetch``
    writes it, and takes no other archive for that address from then on.

What the file itself says must not contradict the entry.
Several entries may share a name and differ in precision or format.
"""

from __future__ import annotations

import shlex
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from dse.config import yaml_reader
from dse.core.checksums import sha256_of, sha256_of_model
from dse.core.errors import RequestError
from dse.formats.reading import read_interface
from dse.models._model_file import check_file, find_file, find_further, format_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from dse.config.yaml_reader import Document
    from dse.core.configuration import ModelFormat
    from dse.core.measurement import PublishedQuality
    from dse.core.signature import Form
    from dse.formats.interface import Interface

    Fault = tuple[str, str, str]
    """The field, what is wrong with it, and the remedy."""
    Lack = tuple[str, str]
    """A field that is needed, and why; empty where every entry needs it."""

FILE_NAME = "models.yaml"
UNSTATED = "origin not stated"

Precision = Literal["fp32", "fp16", "bf16", "int8", "int4"]


def _printable(value: str) -> str:
    if not value.isprintable():
        raise ValueError("holds a character that can't be shown")
    return value


Text = Annotated[str, Field(min_length=1), AfterValidator(_printable)]


class Strict(BaseModel):
    """A mapping with these fields and no others, each of its own type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class ArchiveEntry(Strict):
    """The published archive that a file was taken from."""

    url: Text
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class PublishedEntry(Strict):
    """A quality that others measured."""

    percent: float = Field(ge=0, le=100)
    source: Text


class ManifestEntry(Strict, ABC):
    """One file, as the manifest describes it; a task adds its own fields.

    Attributes:
        further_files: the fields that name files which the task reads beside the model.
    """

    further_files: ClassVar[tuple[str, ...]] = ()
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=128)
    file: Text
    precision: Precision
    weights: Text = UNSTATED
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-fA-F]{64}$")
    archive: ArchiveEntry | None = None

    @classmethod
    def missing(cls, given: Mapping[str, Any]) -> Iterator[Lack]:
        """The fields that an entry leaves out or empty, and has to have.

        Args:
            given: the entry as it stands in the manifest, unchecked.
        """
        for name, field in cls.model_fields.items():
            if field.is_required() and given.get(name) is None:
                yield name, ""

    @property
    def format(self) -> ModelFormat | None:
        """The format that the file's name claims."""
        return format_of(self.file)

    @property
    @abstractmethod
    def published(self) -> PublishedQuality | None:
        """The quality that others measured with this very file, if there is one."""

    @abstractmethod
    def form(self, found: Interface | None, folder: Path) -> Form:
        """How a sample becomes the file's input. The entry must have passed `read`.

        Args:
            found: what the file declares; None where it can't be read.
            folder: of the manifest.
        """

    @abstractmethod
    def faults(self, found: Interface | None, folder: Path) -> Iterator[Fault]:
        """What is wrong with the fields, among themselves and by what the files declare.

        Args: see `form`; the further files are there.
        """


Entry = TypeVar("Entry", bound=ManifestEntry)


class Manifest(Strict, Generic[Entry]):
    """The whole file."""

    models: tuple[Entry, ...] = Field(min_length=1)


def manifest_of(kind: type[Entry]) -> type[Manifest[Entry]]:
    """The whole file with entries of a task."""
    return Manifest[kind]  # type: ignore[valid-type]  # a class made at run time


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
    def read(cls, folder: Path, kind: type[ManifestEntry]) -> FolderManifest:
        """Reads a folder's manifest and checks it against the files.

        Args:
            folder: of the manifest.
            kind: the entries of a task.

        Raises:
            RequestError: the first thing that is wrong, with file, line and field.
        """
        path = folder / FILE_NAME
        if not folder.is_dir():
            remedy = "give the folder of your model files"
            raise RequestError("no such folder", file=folder, remedy=remedy)
        if not path.is_file():
            raise RequestError(
                f"no {FILE_NAME} in the folder",
                file=folder,
                remedy=f"write one with 'dse models describe {shlex.quote(str(folder))}'",
            )
        data, document = yaml_reader.load(path)
        _refuse_missing(data, kind, document)
        form = yaml_reader.check(data, manifest_of(kind), document)
        seen: dict[tuple[str, str, ModelFormat], int] = {}
        for index, entry in enumerate(form.models):
            complaints = _Complaints(document, index, entry.file)
            model_format = _check_files(folder, entry, complaints)
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
        complaints = _Complaints(self._document, index, self.entries[index].file)
        try:
            return find_further(self.folder / self.entries[index].file, model_format)
        except RequestError as error:
            raise complaints.about_file(error) from error

    def verify(self, index: int, further: tuple[Path, ...] = ()) -> str:
        """The SHA-256 of an entry's model, held against the one the manifest gives, if it does.

        Args:
            index: of the entry.
            further: the files that hold its weights; see `beside`.

        Raises:
            RequestError: they differ, or a file can't be read any more.
        """
        entry = self.entries[index]
        complaints = _Complaints(self._document, index, entry.file)
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

    def __init__(self, document: Document, index: int, file: str) -> None:
        self._document, self._index, self._file = document, index, file

    def error(self, field: str, problem: str, remedy: str) -> RequestError:
        return self._document.error(problem, "models", self._index, field, remedy=remedy)

    def about_file(self, error: RequestError) -> RequestError:
        """The error about the file that the entry names."""
        remedy = error.remedy or "get it again"
        return self.error("file", f"'{self._file}': {error.problem}", remedy)


def _refuse_missing(data: Mapping[str, Any], kind: type[Entry], document: Document) -> None:
    """Names the fields that all entries lack, at once.

    A field that is misspelt explains one that is missing: the complaint about it is left to go
    first.
    """
    entries = data.get("models")
    if not isinstance(entries, list) or not all(_is_spelt(entry, kind) for entry in entries):
        return
    lacks = [(i, *lack) for i, entry in enumerate(entries) for lack in kind.missing(entry)]
    if not lacks:
        return
    reasons = ", and ".join(dict.fromkeys(why for _, _, why in lacks if why))
    because = f": {reasons}" if reasons else ""
    if len(lacks) == 1:
        index, field, _ = lacks[0]
        raise document.error("is missing", "models", index, field, remedy=f"add it{because}")
    fields: dict[int, list[str]] = {}
    for index, field, _ in lacks:
        fields.setdefault(index, []).append(field)
    lines: dict[str, list[str]] = {}
    for index, names in fields.items():
        lines.setdefault(", ".join(names), []).append(str(document.locate("models", index)))
    told = (
        f"{'line' if len(found) == 1 else 'lines'} {', '.join(found)}: {names}"
        for names, found in lines.items()
    )
    problem = f"fields are missing in the entries of {'; '.join(told)}"
    raise document.error(problem, "models", remedy=f"add them{because}")


def _is_spelt(entry: object, kind: type[Entry]) -> bool:
    """Whether an entry has only fields that there are."""
    return isinstance(entry, dict) and entry.keys() <= kind.model_fields.keys()


def _check_files(folder: Path, entry: ManifestEntry, complaints: _Complaints) -> ModelFormat:
    """Checks the files that an entry names; finds the mistake in the entry."""
    try:
        model_format = check_file(folder, entry.file)
    except RequestError as error:
        raise complaints.about_file(error) from error
    for field in entry.further_files:
        name = str(getattr(entry, field))
        try:
            find_file(folder, name)
        except RequestError as error:
            remedy = error.remedy or "get it again"
            raise complaints.error(field, f"'{name}': {error.problem}", remedy) from error
    return model_format


def _check_contents(
    folder: Path, entry: ManifestEntry, model_format: ModelFormat, complaints: _Complaints
) -> None:
    """Checks the fields among themselves, and against what the file says of itself."""
    try:
        found = read_interface(folder / entry.file, model_format)
    except OSError as error:
        raise complaints.error(
            "file", f"can't be read: {error.strerror or error}", "put the file back"
        ) from error
    if fault := next(entry.faults(found, folder), None):
        raise complaints.error(*fault)
