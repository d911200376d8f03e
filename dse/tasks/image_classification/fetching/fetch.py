"""Fetches published files of chosen variants into a folder of models."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from dse.core.checksums import sha256_of
from dse.core.errors import RequestError
from dse.core.paths import atomic_write, exclusive, remove_leftovers
from dse.core.signature import shape_text
from dse.download import archive
from dse.download.archive import ARCHIVE_BOUNDS, ArchiveError
from dse.download.connection import on_mirror
from dse.download.resumable import DOWNLOAD_LIMITS, download, ignore_progress
from dse.formats.reading import parse_interface
from dse.models.fetched import LOCK, FetchedFolder, file_name
from dse.tasks.image_classification.fetching.urls import download_source, published_files
from dse.tasks.image_classification.models.catalogue import CATALOGUE, variant
from dse.tasks.image_classification.models.contradictions import takes_pixels
from dse.tasks.image_classification.models.manifest_entry import ImageEntry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from dse.download.resumable import DownloadLimits, Progress
    from dse.formats.interface import Interface
    from dse.models.manifest import ManifestEntry
    from dse.tasks.image_classification.fetching.urls import DownloadSource
    from dse.tasks.image_classification.models.catalogue import Variant

_LAYOUTS = {"tflite": "NHWC", "onnx": "NCHW"}
"""The layout of published files by their format."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A published file.

    Attributes:
        model: name in the catalogue.
        precision: a published precision.
    """

    model: str
    precision: str

    @property
    def variant(self) -> Variant:
        """The architecture."""
        return CATALOGUE[self.model]

    @property
    def source(self) -> DownloadSource:
        """Where the file is published."""
        return download_source(self.variant, self.precision)

    @property
    def url(self) -> str:
        """Address of the file, or of the archive that contains it."""
        return self.source.url

    @property
    def member(self) -> str:
        """Name of the published file."""
        return self.source.member

    @property
    def file(self) -> str:
        """Name of the file in the folder."""
        return file_name(self.model, self.precision, self.source.model_format)

    def __str__(self) -> str:
        return f"{self.model} {self.precision}"


@dataclass(frozen=True, slots=True)
class FetchResult:
    """The result for a wanted file.

    Attributes:
        wanted: the file.
        new_bytes: its size if it was fetched now; 0 if it was there already or is unavailable.
        error: why it is unavailable; None if it is there.
    """

    wanted: Wanted
    new_bytes: int = 0
    error: ArchiveError | None = None


def choose(patterns: Sequence[str] = (), precisions: Sequence[str] = ()) -> tuple[Wanted, ...]:
    """The published files that match shell patterns and precisions; all if none are given.

    Raises:
        RequestError: a pattern matches no model, or no match is published.
    """
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in CATALOGUE):
            variant(pattern)  # complains
    chosen = tuple(
        Wanted(model, precision)
        for model, precision in published_files()
        if (not patterns or any(fnmatchcase(model, pattern) for pattern in patterns))
        and (not precisions or precision in precisions)
    )
    if not chosen:
        which = " or ".join(dict.fromkeys(precisions))
        raise RequestError(
            f"no {which} file of {', '.join(patterns)} is published",
            remedy="'dse models list' shows what is",
        )
    return chosen


def group_by_archive(wanted: Sequence[Wanted]) -> dict[str, list[Wanted]]:
    """Groups the wanted files by their address, that of an archive of two of them in some cases."""
    groups: dict[str, list[Wanted]] = {}
    for one in wanted:
        groups.setdefault(one.url, []).append(one)
    return groups


def fetch_published(
    folder: Path,
    wanted: Sequence[Wanted],
    mirror: str | None = None,
    progress: Progress = ignore_progress,
    limits: DownloadLimits = DOWNLOAD_LIMITS,
) -> Iterator[FetchResult]:
    """Fetches files into a folder and describes them in its manifest, one archive at a time.

    Undamaged files are not fetched again. Several processes may fetch into one folder.

    Args:
        folder: the folder; it is created if necessary.
        wanted: the files, from `choose`.
        mirror: see `dse.download.connection.on_mirror`.
        progress: callback for the progress of a download.
        limits: limits of each download.

    Yields:
        The result for each file, as soon as it is known.

    Raises:
        RequestError: the folder is a file, its manifest is wrong, or it describes another file for
            a wanted one.
        DseError: a server can't be reached, or the folder or the cache can't be written to.
    """
    if folder.exists() and not folder.is_dir():
        raise RequestError("is not a folder", file=folder, field="--output")
    fetched = FetchedFolder(folder, ImageEntry)
    for one in wanted:
        _find(fetched, one)  # complain before anything is downloaded
    for url, group in group_by_archive(wanted).items():
        with exclusive(folder / LOCK):
            results = _fetch_archive(fetched, url, group, mirror, progress, limits)
        yield from results


def _fetch_archive(
    fetched: FetchedFolder,
    url: str,
    group: Sequence[Wanted],
    mirror: str | None,
    progress: Progress,
    limits: DownloadLimits,
) -> list[FetchResult]:
    """Fetches the wanted files of one archive; the caller holds the folder's lock."""
    entries = {one: _find(fetched, one) for one in group}
    missing = [
        one for one, entry in entries.items() if entry is None or not fetched.is_intact(entry)
    ]
    results = {one: FetchResult(one) for one in group}
    if missing:
        try:
            with download(on_mirror(url, mirror), progress, limits) as path:
                checksum = _check_archive(fetched, url, path)
                models = _read_models(path, missing)
                declared = {one: _check_model(one, models[one.member]) for one in missing}
                for one in missing:
                    _check_place(fetched, one, models[one.member], entries[one])
                for one in missing:
                    _write(fetched.folder / one.file, models[one.member])
                    results[one] = FetchResult(one, new_bytes=len(models[one.member]))
                new = [one for one in missing if entries[one] is None]
                fetched.add(
                    [_entry(one, declared[one], models[one.member], checksum) for one in new]
                )
        except ArchiveError as error:
            results |= {one: FetchResult(one, error=error) for one in missing}
    return list(results.values())


def _find(fetched: FetchedFolder, one: Wanted) -> ManifestEntry | None:
    return fetched.find(one.model, one.precision, one.source.model_format)


def _read_models(path: Path, wanted: Sequence[Wanted]) -> dict[str, bytes]:
    """The content of the wanted files by name.

    Raises:
        ArchiveError: a file is not there, or too large; or the archive is unfit.
    """
    if wanted[0].source.archived:
        return archive.extract(path, {one.member for one in wanted})
    if path.stat().st_size > ARCHIVE_BOUNDS.file_bytes:
        raise ArchiveError(
            f"{wanted[0].member} is larger than {ARCHIVE_BOUNDS.file_bytes >> 20} MiB"
        )
    return {wanted[0].member: path.read_bytes()}


def _check_archive(fetched: FetchedFolder, url: str, path: Path) -> str:
    """The archive's SHA-256.

    Raises:
        ArchiveError: it has changed since it was first fetched.
    """
    found, known = sha256_of(path), fetched.archive(url)
    if known is not None and known.sha256 != found:
        raise ArchiveError(
            f"{url} has changed: it has SHA-256 {found}, and had {known.sha256} when it was "
            f"first fetched ({fetched.manifest}); if the change is meant, remove its entries there"
        )
    return found


def _check_model(one: Wanted, data: bytes) -> Interface:
    """Checks that a file is the wanted model, and returns what it declares.

    Raises:
        ArchiveError: it is another model.
    """
    model_format, known = one.source.model_format, one.variant
    size, classes = known.resolution, known.classes
    found = parse_interface(data, model_format)
    if found is None or len(found.inputs) != 1:
        kind = {"tflite": "TFLite", "onnx": "ONNX"}[model_format]
        raise ArchiveError(f"{one.member}: it is no {kind} model with one input, or damaged")
    (given,) = found.inputs
    image = (3, size, size) if model_format == "onnx" else (size, size, 3)
    dtypes = ("float32",) if one.precision == "fp32" else ("uint8", "float32")
    if given.dtype not in dtypes or given.shape not in ((1, *image), (None, *image)):
        wanted = f"{' or '.join(dtypes)} {shape_text((1, *image))}"
        raise ArchiveError(f"{one.member}: its input is {given.words}, not {wanted}")
    if not any((each.shape or ())[-1:] == (classes,) for each in found.outputs):
        outputs = ", ".join(each.words for each in found.outputs)
        raise ArchiveError(f"{one.member}: its output is {outputs}, not {classes} scores")
    return found


def _check_place(
    fetched: FetchedFolder, one: Wanted, data: bytes, entry: ManifestEntry | None
) -> None:
    """Checks that a file is the one of its entry and replaces no other file.

    Raises:
        ArchiveError: it has changed, or would replace another file.
    """
    checksum = sha256(data).hexdigest()
    if entry is not None and (entry.sha256 or "").lower() != checksum:
        raise ArchiveError(
            f"{one.member} has changed: it has SHA-256 {checksum}, and had {entry.sha256} when it "
            f"was first fetched ({fetched.manifest}); if that is meant, remove its entry there"
        )
    path = fetched.folder / one.file
    if entry is None and path.exists() and not (path.is_file() and sha256_of(path) == checksum):
        raise ArchiveError(f"{path} is in the way: another file has that name; move it away")


def _write(path: Path, data: bytes) -> None:
    remove_leftovers(path)
    with atomic_write(path) as file:
        file.write(data)


def _entry(one: Wanted, declared: Interface, data: bytes, archive_sha256: str) -> dict[str, Any]:
    """The manifest's entry, with the type of the input that the file declares."""
    (given,), pixels, source = declared.inputs, one.variant.preprocessing, one.source
    origin = f"{one.member} of the published archive" if source.archived else "as published"
    entry = {
        "name": one.model,
        "file": one.file,
        "precision": one.precision,
        "layout": _LAYOUTS[source.model_format],
        "dtype": given.dtype,
        "resolution": pixels.resolution,
        "mean": list(pixels.mean),
        "scale": list(pixels.scale),
        "crop": pixels.crop,
        "interpolation": pixels.interpolation,
        "label_offset": pixels.label_offset,
        "classes": one.variant.classes,
        "weights": origin,
        "sha256": sha256(data).hexdigest(),
        "archive": {"url": one.url, "sha256": archive_sha256},
    }
    stated = given.quantisation
    if given.dtype == "uint8" and (stated is None or takes_pixels(given.dtype, stated)):
        del entry["mean"], entry["scale"]
    return entry
