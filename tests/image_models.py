"""Image classifiers in the tests: those of a folder, and what their forms say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.models.folder import FolderProvider
from dse.models.manifest import FolderManifest
from dse.tasks.image_classification.models.manifest_entry import ImageEntry
from dse.tasks.image_classification.preprocessing import Preprocessing, from_form

if TYPE_CHECKING:
    from pathlib import Path

    from dse.models.provider import Artefact


def image_folder(folder: Path) -> FolderProvider:
    """The image classifiers that a folder's manifest describes."""
    return FolderProvider(folder, ImageEntry)


def read_manifest(folder: Path) -> tuple[ImageEntry, ...]:
    """The entries of a folder's manifest."""
    entries = FolderManifest.read(folder, ImageEntry).entries
    return tuple(entry for entry in entries if isinstance(entry, ImageEntry))


def preprocessing_of(artefact: Artefact) -> Preprocessing:
    """How an image becomes the input of a model file."""
    return from_form(artefact.form)[0]


def classes_of(artefact: Artefact) -> int | None:
    """The number of scores of a model file, where it is known."""
    return from_form(artefact.form)[1]
