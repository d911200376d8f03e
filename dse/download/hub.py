"""Model files of the Hugging Face hub: ``hf:owner/repo[/file.onnx][@revision]``.

Through huggingface_hub, with its cache and its settings (``HF_HOME``, ``HF_ENDPOINT``,
``HF_HUB_OFFLINE``, ``HF_TOKEN``). A revision is turned into a commit first, and everything comes
from that commit. Only the model's own file and those that hold its data are fetched.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from dse.core.errors import DseError, RequestError
from dse.core.paths import cache_dir
from dse.core.requirements import Requirement
from dse.formats.file_kind import FORMAT_BY_SUFFIX
from dse.formats.gathered import copy_files
from dse.formats.reading import describe

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dse.formats.description import ModelDescription

HUB_PREFIX = "hf:"
MAIN = "main"
MAX_MODEL_BYTES = 8 << 30
"""The limit of all files of a model together."""
REFERENCE_FORM = "write hf:owner/repo, hf:owner/repo/file.onnx or hf:owner/repo/file.onnx@revision"
MAX_LISTED = 12
SILENCE_S = 30.0
"""The time within which the hub must say what a repository holds."""
_NEED = Requirement("models of the Hugging Face hub", ("huggingface_hub",), "huggingface")
_PART = re.compile(r"[A-Za-z0-9._-]{1,96}")


@dataclass(frozen=True, slots=True)
class Reference:
    """A model of the hub as the user names it.

    Attributes:
        repo: ``owner/name``.
        file: path in the repository; empty for the only model there.
        revision: a branch, a tag or a commit.
    """

    repo: str
    file: str = ""
    revision: str = MAIN


@dataclass(frozen=True, slots=True)
class FetchedModel:
    """A model of the hub, in the cache.

    Attributes:
        path: of its own file; the others lie beside it.
        origin: what it is, with the commit.
        described: what the file says of itself.
    """

    path: Path
    origin: str
    described: ModelDescription


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """A repository at one commit.

    Attributes:
        reference: what was asked for.
        commit: 40 hex digits.
        sizes: of each file that can be had, in bytes.
        cached: whether that is what the cache has, and not the hub.
    """

    reference: Reference
    commit: str
    sizes: Mapping[str, int]
    cached: bool = False

    def lacking(self, remedy: str) -> tuple[str, str]:
        """Who does not have a file that is needed, and the remedy: this one, or to go online."""
        if self.cached:
            return f"the cache of {self.reference.repo}", "unset HF_HUB_OFFLINE to fetch it"
        return self.reference.repo, remedy


def parse_reference(text: str) -> Reference:
    """Reads a reference.

    Raises:
        RequestError: it is not a reference.
    """
    name, at, revision = text.removeprefix(HUB_PREFIX).partition("@")
    owner, _, rest = name.partition("/")
    repo, slash, file = rest.partition("/")
    good = all(_PART.fullmatch(part) and part.strip(".") for part in (owner, repo))
    inner = PurePosixPath(file).parts
    if not good or {"..", "/"} & set(inner) or not text.isprintable() or (at and not revision):
        raise RequestError(f"'{text}' names no model of the hub", remedy=REFERENCE_FORM)
    if slash and PurePosixPath(file).suffix.lower() not in FORMAT_BY_SUFFIX:
        known = " or ".join(FORMAT_BY_SUFFIX)
        raise RequestError(f"'{file}' is not a model file", remedy=f"name one that ends in {known}")
    return Reference(f"{owner}/{repo}", file, revision or MAIN)


def fetch_model(reference: Reference) -> FetchedModel:
    """The files of a model, from the cache or the hub.

    Raises:
        RequestError: there is no such model, or it is not clear which one is meant.
        DseError: the hub can't be reached, or the model is larger than `MAX_BYTES`.
        UnavailableError: huggingface_hub is not installed.
    """
    if not _NEED.met:
        raise _NEED.error()
    from huggingface_hub import is_offline_mode

    snapshot = _list_cache(reference) if is_offline_mode() else _list_hub(reference)
    file = _choose_file(snapshot)
    _check_size(snapshot, [file])
    path = _download(snapshot, file)
    described = describe(path)
    folder = PurePosixPath(file).parent
    files = [file, *(str(folder / name) for name in described.beside)]
    _check_size(snapshot, files)
    beside = [_download(snapshot, name) for name in files[1:]]
    if beside:
        path = _gather(snapshot, dict(zip(files, [path, *beside], strict=True)))
    origin = f"{HUB_PREFIX}{reference.repo}/{file}@{snapshot.commit}"
    return FetchedModel(path.absolute(), origin, described)


def _list_hub(reference: Reference) -> _Snapshot:
    """What the hub has at a revision."""
    from huggingface_hub import HfApi

    with _translate_errors(reference):
        info = HfApi().model_info(
            reference.repo, revision=reference.revision, files_metadata=True, timeout=SILENCE_S
        )
    if info.sha is None:
        raise DseError(f"{reference.repo}: the hub names no commit")
    return _Snapshot(
        reference, info.sha, {one.rfilename: one.size or 0 for one in info.siblings or ()}
    )


def _list_cache(reference: Reference) -> _Snapshot:
    """What the cache has of a revision."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    with _translate_errors(reference):
        try:
            found = snapshot_download(
                reference.repo, revision=reference.revision, local_files_only=True
            )
        except LocalEntryNotFoundError as error:
            raise RequestError(
                f"{reference.repo} at '{reference.revision}' is not in the cache",
                remedy="unset HF_HUB_OFFLINE to fetch it",
            ) from error
    folder = Path(found)
    files = [path for path in folder.rglob("*") if path.is_file()]
    sizes = {path.relative_to(folder).as_posix(): path.stat().st_size for path in files}
    return _Snapshot(reference, folder.name, sizes, cached=True)


def _choose_file(snapshot: _Snapshot) -> str:
    """The model file that is meant."""
    reference = snapshot.reference
    models = sorted(
        name for name in snapshot.sizes if PurePosixPath(name).suffix.lower() in FORMAT_BY_SUFFIX
    )
    listed = ", ".join(models[:MAX_LISTED])
    if len(models) > MAX_LISTED:
        listed += f" and {len(models) - MAX_LISTED} more"
    if reference.file in models:
        return reference.file
    if not models:
        kinds = " or ".join(FORMAT_BY_SUFFIX)
        who, remedy = snapshot.lacking("name a repository that has one")
        raise RequestError(f"{who} has no {kinds} file", remedy=remedy)
    if reference.file:
        who, remedy = snapshot.lacking(f"it has {listed}")
        raise RequestError(f"{who} has no file '{reference.file}'", remedy=remedy)
    if len(models) > 1:
        raise RequestError(
            f"{reference.repo} has {len(models)} model files: {listed}",
            remedy=f"name one, as {HUB_PREFIX}{reference.repo}/{models[0]}",
        )
    return models[0]


def _check_size(snapshot: _Snapshot, files: list[str]) -> None:
    repo = snapshot.reference.repo
    for file in files:
        if file not in snapshot.sizes:
            who, remedy = snapshot.lacking("name another model")
            raise RequestError(
                f"{files[0]} has its data in '{file}', which {who} does not have", remedy=remedy
            )
    if sum(snapshot.sizes[file] for file in files) > MAX_MODEL_BYTES:
        raise DseError(
            f"{repo}: the files of {files[0]} are larger than {MAX_MODEL_BYTES >> 30} GiB"
        )


def _download(snapshot: _Snapshot, file: str) -> Path:
    """A file of a snapshot, which is fetched if need be."""
    from huggingface_hub import hf_hub_download

    reference = snapshot.reference
    with _translate_errors(reference):
        # By the name of the revision: so the cache knows which commit that was.
        path = Path(hf_hub_download(reference.repo, file, revision=reference.revision))
        if snapshot.commit not in path.parts:
            path = Path(hf_hub_download(reference.repo, file, revision=snapshot.commit))
    return path


def _gather(snapshot: _Snapshot, files: Mapping[str, Path]) -> Path:
    """Files of a snapshot in one folder, and the path of the first one."""
    repo = snapshot.reference.repo.replace("/", "--")
    return copy_files(files, cache_dir() / "hub" / repo / snapshot.commit)


@contextmanager
def _translate_errors(reference: Reference) -> Iterator[None]:
    """Says in one line what huggingface_hub says in many."""
    from huggingface_hub import errors

    repo = reference.repo
    try:
        yield
    except errors.RepositoryNotFoundError as error:
        raise RequestError(
            f"the hub has no model '{repo}'",
            remedy="correct the name; for one that is private or gated set HF_TOKEN",
        ) from error
    except errors.RevisionNotFoundError as error:
        raise RequestError(
            f"{repo} has no revision '{reference.revision}'",
            remedy="name a branch, a tag or a commit",
        ) from error
    except errors.HFValidationError as error:
        raise RequestError(f"'{repo}' names no model of the hub", remedy=REFERENCE_FORM) from error
    # The first by way of huggingface_hub: which library it comes from differs with the version.
    except (errors.HTTPError, OSError) as error:  # type: ignore[attr-defined]
        raise DseError(
            f"{repo} can't be fetched: {error}; with HF_HUB_OFFLINE=1 what is in the cache is used"
        ) from error
