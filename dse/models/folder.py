"""The provider of the user's own model files: a folder with a manifest."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from dse.config.messages import suggest
from dse.core.errors import RequestError
from dse.formats.counts import counts_of_file
from dse.formats.gathered import gather_files
from dse.formats.reading import read_interface
from dse.models.manifest import FILE_NAME, FolderManifest, ManifestEntry
from dse.models.provider import Artefact

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dse.core.configuration import ModelFormat
    from dse.core.inference_cost import ModelCounts
    from dse.core.measurement import PublishedQuality
    from dse.core.signature import Form, Signature

LOG = logging.getLogger(__name__)


class FolderProvider:
    """A `Provider` of what a folder's ``models.yaml`` describes; see `dse.models.manifest`.

    Args:
        folder: holds the manifest and, at any depth, the files.
        kind: the entries of the task that the models are for.

    Raises:
        RequestError: the manifest is missing or wrong, or a file it names is.
    """

    name = "file"
    trained = True

    def __init__(self, folder: Path, kind: type[ManifestEntry]) -> None:
        self.folder = folder.absolute()
        self._manifest = FolderManifest.read(self.folder, kind)
        self._entries = self._manifest.entries

    def models(self) -> tuple[str, ...]:
        """Names in the manifest's order, each once."""
        return tuple(dict.fromkeys(entry.name for entry in self._entries))

    def precisions(self, model: str) -> tuple[str, ...]:
        """The precisions of a model's files, in the manifest's order."""
        found = tuple(dict.fromkeys(e.precision for e in self._entries if e.name == model))
        if not found:
            raise self._error(f"no model '{model}'", suggest(model, self.models()))
        return found

    def obstacle(self, model: str, precision: str, formats: tuple[ModelFormat, ...]) -> str | None:
        """Why no file in one of these formats can be had; None if one can."""
        own = [entry for entry in self._entries if entry.name == model]
        if not own:
            return f"{FILE_NAME} has no model '{model}'"
        exact = [entry.format for entry in own if entry.precision == precision]
        if not exact:
            return f"{FILE_NAME} has no {precision} file"
        if not set(exact) & set(formats):
            wanted = " or ".join(formats) or "any other format"
            return f"{FILE_NAME} has no {precision} file as {wanted}"
        return None

    def published(self, model: str, precision: str) -> PublishedQuality | None:
        """The published quality of a file with that name and precision."""
        for entry in self._entries:
            if (entry.name, entry.precision) == (model, precision):
                return entry.published
        return None

    def counts(self, model: str, signature: Callable[[Form], Signature]) -> ModelCounts | None:
        """What can be counted in a file of a model: in fp32 if it has one, else in the first."""
        own = [entry for entry in self._entries if entry.name == model]
        for entry in sorted(own, key=lambda entry: entry.precision != "fp32"):
            if entry.format is None:
                continue
            try:
                inputs = signature(self._form(entry, entry.format))
                found = counts_of_file(self.folder / entry.file, entry.format, inputs)
            except (OSError, RequestError) as error:
                # Who measures the model is told.
                LOG.info("%s is not counted: %s", entry.file, error)
                continue
            if found is not None:
                return found
        return None

    def form(self, model: str, precision: str, formats: tuple[ModelFormat, ...]) -> Form:
        """How a sample becomes the input of the file that `artefact` would give."""
        _, entry, found = self._entry(model, precision, formats)
        return self._form(entry, found)

    def artefact(self, model: str, precision: str, formats: tuple[ModelFormat, ...]) -> Artefact:
        """The file in the first of the formats that the manifest has."""
        return self._artefact(*self._entry(model, precision, formats))

    def _entry(
        self, model: str, precision: str, formats: tuple[ModelFormat, ...]
    ) -> tuple[int, ManifestEntry, ModelFormat]:
        """The entry of the first of the formats that the manifest has, and its position."""
        for wanted in formats:
            for index, entry in enumerate(self._entries):
                if (entry.name, entry.precision, entry.format) == (model, precision, wanted):
                    return index, entry, wanted
        self.precisions(model)
        problem = self.obstacle(model, precision, formats)
        offered = ", ".join(f"{e.precision} {e.format}" for e in self._entries if e.name == model)
        raise self._error(problem or "no such file", f"it has {offered}")

    def _artefact(self, index: int, entry: ManifestEntry, found: ModelFormat) -> Artefact:
        own = self.folder / entry.file
        beside = self._manifest.beside(index, found)
        path = gather_files(own, beside)
        return Artefact(
            path=path,
            format=found,
            sha256=self._manifest.verify(index, beside),
            form=self._form(entry, found),
            weights=entry.weights,
            published=entry.published,
            beside=tuple(path.parent / file.relative_to(own.parent) for file in beside),
        )

    def _form(self, entry: ManifestEntry, found: ModelFormat) -> Form:
        try:
            declared = read_interface(self.folder / entry.file, found)
        except OSError as error:
            reason = error.strerror or error
            raise RequestError(f"can't be read: {reason}", file=error.filename) from error
        return entry.form(declared, self.folder)

    def _error(self, problem: str, remedy: str | None) -> RequestError:
        return RequestError(problem, file=self.folder / FILE_NAME, remedy=remedy)
