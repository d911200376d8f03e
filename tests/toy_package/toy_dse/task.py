"""Tagging documents: which of some tags fit a document, none or several of them."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, cast

from pydantic import Field

from dse.core.errors import RequestError
from dse.core.metrics import Metric, Scenario
from dse.models.folder import FolderProvider
from dse.models.manifest import ManifestEntry
from dse.tasks.base import BaseTask
from dse.tasks.task import InputFiles, Quality, Rules, Score

from .worker import TRUTH, mean_f1, signature_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from dse.core.measurement import PublishedQuality
    from dse.core.signature import Form, Signature
    from dse.formats.interface import Interface
    from dse.models.manifest import Fault
    from dse.models.provider import Provider
    from dse.tasks.task import Dataset, Progress

DOCUMENTS = "documents.json"
F1 = Metric("tag_f1", "F1", "maximize", "mean F1 of tags", timed=False, quality=True)


class TaggerEntry(ManifestEntry):
    """A tagger in ``models.yaml``."""

    words: int = Field(ge=1)
    vocabulary: int = Field(ge=1)
    tags: int = Field(ge=1, le=255)

    @property
    def published(self) -> PublishedQuality | None:
        """Nobody has published any."""
        return None

    def form(self, _found: Interface | None, _folder: Path) -> Form:
        """Words of a document, and how many words and tags there are in all."""
        return {"words": self.words, "vocabulary": self.vocabulary, "tags": self.tags}

    def faults(self, found: Interface | None, _folder: Path) -> Iterator[Fault]:
        """Another number of inputs than two."""
        if found is not None and len(found.inputs) != 2:
            yield "file", f"it has {len(found.inputs)} inputs, not ids and a mask", "give a tagger"


@dataclass(frozen=True, slots=True)
class Documents:
    """Documents with their tags; see `dse.tasks.task.Dataset`."""

    file: Path
    count: int
    fingerprint: str
    origin: str = DOCUMENTS
    notes: tuple[str, ...] = ()

    @property
    def description(self) -> str:
        """How many there are."""
        return f"{self.count} documents"

    def __len__(self) -> int:
        return self.count


class Tagging(BaseTask):
    """Tags documents; see `dse.tasks.task.Task`."""

    name: ClassVar[str] = "tagging"
    quality: ClassVar[Quality | None] = Quality(F1, heading="F1", decimals=3)
    rules: ClassVar[Rules | None] = Rules(
        loadgen_model="bert",
        benchmark="tagging",
        scenarios={"edge": (Scenario.SINGLE_STREAM, Scenario.OFFLINE)},
        server_bound_ms=None,
        performance_samples=16,
        accuracy_samples=24,
        min_offline_samples=16,
    )
    worker: ClassVar[str] = "toy_dse.worker:TaggingWorker"
    plain_form: ClassVar[Form] = {"words": 4, "vocabulary": 8, "tags": 2}
    noun: ClassVar[str] = "documents"
    title: ClassVar[str] = "tagging"

    def provider(self, folder: Path | None) -> Provider:
        """The taggers of a folder."""
        if folder is None:
            return super().provider(folder)
        return FolderProvider(folder, TaggerEntry)

    def open_dataset(self, folder: Path, _progress: Progress | None = None) -> Documents:
        """The documents of a folder's ``documents.json``: of each its ids, mask and tags."""
        file = folder.absolute() / DOCUMENTS
        try:
            data = file.read_bytes()
            count = len(json.loads(data))
        except (OSError, ValueError, TypeError) as error:
            raise RequestError(f"can't be read: {error}", file=file) from error
        return Documents(file, count, hashlib.sha256(data).hexdigest())

    def prepare(
        self, dataset: Dataset, _form: Form, _progress: Progress | None = None
    ) -> InputFiles:
        """The file itself."""
        documents = cast("Documents", dataset)
        return InputFiles({"documents": documents.file}, documents.fingerprint)

    def identity(self, form: Form) -> Mapping[str, Any]:
        """All of it."""
        return {"tagger": dict(form)}

    def score(self, responses: Mapping[int, bytes], folder: Path) -> Score:
        """The mean F1 of the responses, by the tags that lie beside them."""
        return mean_f1(responses, json.loads((folder / TRUTH).read_text()))

    def accuracy_text(self, score: Score, sha256: str) -> str:
        """The mean F1 and the number of documents, with the checksum of the log."""
        return f"F1={score.value!r}, total={score.details['total']}\n\nhash={sha256}\n"

    def read_accuracy(self, text: str) -> Score:
        """What `accuracy_text` wrote."""
        found = re.match(r"F1=([\d.]+), total=(\d+)\n", text)
        if found is None:
            raise ValueError("has no score of the form 'F1=..., total=...'")
        return Score(float(found[1]), details={"total": int(found[2])})

    def signature(self, form: Form) -> Signature:
        """Ids and mask."""
        return signature_of(form)

    def sample_bytes(self, form: Form) -> int:
        """The memory of ids and mask."""
        return signature_of(form).sample_bytes
