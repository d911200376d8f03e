"""The models that answer questions, as ``dse models`` shows and downloads them.

The files are those of MLPerf's reference (github.com/mlcommons/inference, language/bert), with the
vocabulary that all of them have; the other models are built.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, ClassVar

from dse.core.checksums import sha256_of
from dse.core.errors import RequestError
from dse.core.paths import atomic_write, exclusive, remove_leftovers
from dse.download.archive import ArchiveError
from dse.download.connection import check_mirror, on_mirror
from dse.download.resumable import DOWNLOAD_LIMITS, download
from dse.formats.reading import MAX_MODEL_BYTES, read_interface
from dse.models.fetched import LOCK, FetchedFolder, file_name
from dse.tasks.question_answering._architectures import ENCODERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from dse.download.resumable import DownloadLimits, Progress
    from dse.models.describing import Describer
    from dse.models.manifest import ManifestEntry
    from dse.tasks.question_answering._architectures import Encoder

LIMITS = replace(DOWNLOAD_LIMITS, max_bytes=MAX_MODEL_BYTES)
_ZENODO = "https://zenodo.org/record"
VOCABULARY = "vocab.txt"
VOCABULARY_URL = f"{_ZENODO}/3733868/files/vocab.txt"
VOCABULARY_SHA256 = "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """A published file.

    Attributes:
        model: its name among the builtin models, of the same architecture.
        precision: of the file.
        url: where it is published.
    """

    model: str
    precision: str
    url: str

    @property
    def file(self) -> str:
        """Name of the file in the folder."""
        return file_name(self.model, self.precision, "onnx")

    def __str__(self) -> str:
        return f"{self.model} {self.precision}"


FILES = (
    PublishedFile("bert-large", "fp32", f"{_ZENODO}/3733910/files/model.onnx"),
    PublishedFile("bert-large", "int8", f"{_ZENODO}/3750364/files/bert_large_v1_1_fake_quant.onnx"),
)
"""They take 1.3 GB each."""


@dataclass(frozen=True, slots=True)
class FetchResult:
    """The result for a wanted file; see `dse.tasks.published_models.FetchedModel`."""

    wanted: PublishedFile
    new_bytes: int = 0
    error: ArchiveError | None = None


class Catalogue:
    """See `dse.tasks.published_models.Catalogue`."""

    next_command: ClassVar[str] = "dse explore bert --models {folder} --dataset SQUAD"

    @property
    def describer(self) -> Describer:
        """How other models are described."""
        from dse.tasks.question_answering._describing import DESCRIBER

        return DESCRIBER

    @property
    def known(self) -> Sequence[str]:
        """All models, by name."""
        return tuple(ENCODERS)

    @property
    def published(self) -> Sequence[str]:
        """The models of which files can be downloaded."""
        return tuple(dict.fromkeys(one.model for one in FILES))

    def rows(self) -> list[dict[str, Any]]:
        """Size, zeros and published F1 of each encoder."""
        return [_summary(name, encoder) for name, encoder in ENCODERS.items()]

    def details(self, name: str) -> dict[str, Any]:
        """All that is known of an encoder."""
        encoder = ENCODERS[name]
        details = _summary(name, encoder)
        del details["published_percent"]
        urls = {one.precision: one.url for one in FILES if one.model == name}
        return {
            **details,
            "heads": encoder.heads,
            "inner": encoder.inner,
            "sequence_length": encoder.sequence_length,
            "inputs": [one.name for one in encoder.form.inputs],
            "published": {
                precision: {
                    "percent": one.value,
                    "source": one.source,
                    "url": urls.get(precision),
                }
                for precision, one in encoder.published.items()
            },
        }

    def fetch(
        self,
        patterns: Sequence[str],
        precisions: Sequence[str],
        output: Path,
        mirror: str | None,
        progress: Callable[[str, int, int | None], None],
        limits: DownloadLimits = LIMITS,
    ) -> Iterator[FetchResult]:
        """Downloads published files and the vocabulary; see `FetchedFolder`.

        Undamaged files are not fetched again. Several processes may fetch into one folder.

        Raises:
            RequestError: the mirror's URL is wrong, the folder is a file, its manifest is wrong, or
                it describes another file for a wanted one.
            DseError: a server can't be reached, or the folder or the cache can't be written to.
        """
        from dse.tasks.question_answering._manifest_entry import QuestionAnsweringEntry

        checked = check_mirror(mirror) if mirror is not None else None
        if output.exists() and not output.is_dir():
            raise RequestError("is not a folder", file=output, field="--output")
        fetched = FetchedFolder(output, QuestionAnsweringEntry)
        wanted = [
            one
            for one in FILES
            if any(fnmatchcase(one.model, pattern) for pattern in patterns)
            and (not precisions or one.precision in precisions)
        ]
        for number, one in enumerate(wanted, start=1):

            def tell(done: int, total: int | None, number: int = number) -> None:
                progress(f"{number}/{len(wanted)}", done, total)

            with exclusive(output / LOCK):
                yield _Fetching(fetched, checked, tell, limits).fetch(one)


@dataclass(frozen=True, slots=True)
class _Fetching:
    """Fetches into a folder, whose lock the caller holds."""

    fetched: FetchedFolder
    mirror: str | None
    progress: Progress
    limits: DownloadLimits

    def fetch(self, one: PublishedFile) -> FetchResult:
        """Fetches a file, if it is not there undamaged, and describes it in the manifest."""
        entry = self.fetched.find(one.model, one.precision, "onnx")
        try:
            self._fetch_vocabulary()
            if entry is not None and self.fetched.is_intact(entry):
                return FetchResult(one)
            with self._download(one.url) as path:
                checksum = self._check(one, path, entry)
                _copy(path, self.fetched.folder / one.file)
                size = path.stat().st_size
            if entry is None:
                self.fetched.add([_describe(one, checksum)])
        except ArchiveError as error:
            return FetchResult(one, error=error)
        return FetchResult(one, size)

    def _download(self, url: str) -> AbstractContextManager[Path]:
        return download(on_mirror(url, self.mirror), self.progress, self.limits)

    def _fetch_vocabulary(self) -> None:
        """Fetches the vocabulary, if it is not there.

        Raises:
            ArchiveError: it is another one, there or at its address.
        """
        place = self.fetched.folder / VOCABULARY
        if place.exists():
            if not place.is_file() or sha256_of(place) != VOCABULARY_SHA256:
                raise ArchiveError(f"{place} is in the way: it is another vocabulary; move it away")
            return
        with self._download(VOCABULARY_URL) as path:
            if (found := sha256_of(path)) != VOCABULARY_SHA256:
                raise ArchiveError(f"{VOCABULARY_URL} has SHA-256 {found}, not {VOCABULARY_SHA256}")
            _copy(path, place)

    def _check(self, one: PublishedFile, path: Path, entry: ManifestEntry | None) -> str:
        """Checks that a download is the wanted model and may be put in its place.

        Returns:
            Its SHA-256.

        Raises:
            ArchiveError: it is something else, or has changed since it was first fetched.
        """
        from dse.tasks.question_answering._manifest_entry import QuestionAnsweringEntry

        found, known = sha256_of(path), self.fetched.archive(one.url)
        if known is not None and known.sha256 != found:
            raise ArchiveError(
                f"{one.url} has changed: it has SHA-256 {found}, and had {known.sha256} when it "
                f"was first fetched ({self.fetched.manifest}); if the change is meant, remove its "
                "entry there"
            )
        interface = read_interface(path, "onnx")
        described = QuestionAnsweringEntry.model_validate(_describe(one, found))
        if fault := next(described.faults(interface, self.fetched.folder), None):
            raise ArchiveError(f"{one.url}: {fault[1]}")
        place = self.fetched.folder / one.file
        if entry is None and place.exists() and not (place.is_file() and sha256_of(place) == found):
            raise ArchiveError(f"{place} is in the way: another file has that name; move it away")
        return found


def _summary(name: str, encoder: Encoder) -> dict[str, Any]:
    return {
        "name": name,
        "layers": encoder.layers,
        "width": encoder.width,
        "zeros_percent": encoder.pruning.percent,
        "zeros_block": encoder.pruning.block,
        "published_percent": {name: one.value for name, one in encoder.published.items()},
    }


def _copy(source: Path, target: Path) -> None:
    remove_leftovers(target)
    with source.open("rb") as file, atomic_write(target) as copy:
        shutil.copyfileobj(file, copy)


def _describe(one: PublishedFile, sha256: str) -> dict[str, Any]:
    """The manifest's entry."""
    published = ENCODERS[one.model].published[one.precision]
    return {
        "name": one.model,
        "file": one.file,
        "precision": one.precision,
        "vocabulary": VOCABULARY,
        "weights": "as published",
        "published_f1": {"percent": published.value, "source": published.source},
        "sha256": sha256,
        "archive": {"url": one.url, "sha256": sha256},
    }
