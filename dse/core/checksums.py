"""Checksums of JSON values and of files.

Standard library only.
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


def canonical_json(value: Any) -> str:
    """The canonical text of a JSON value: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(value: Any) -> str:
    """The first 16 hex digits of the SHA-256 of a JSON value's canonical text."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:16]


def model_identity(sha256: str, form: Mapping[str, Any]) -> str:
    """What a study notes of a model: its checksum, and how a sample becomes its input.

    Args:
        sha256: of the model.
        form: what of it changes a measurement, as `dse.tasks.task.Task.identity` gives it.
    """
    return digest(canonical_json([sha256, *form.values()]))


def combine_checksums(checksums: Sequence[str]) -> str:
    """Combines the SHA-256 of a model's files, 64 hex digits each, into that of the model.

    The model's own file comes first. The checksum of a single file stays as it is; those of several
    files are joined, and the text is hashed.
    """
    if len(checksums) == 1:
        return checksums[0]
    return hashlib.sha256("".join(checksums).encode()).hexdigest()


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, 64 hex digits; an unchanged file is not read again.

    Raises:
        OSError: the file can't be read.
    """
    found = path.stat()
    return _sha256(path, found.st_ino, found.st_size, found.st_mtime_ns)


def sha256_of_model(files: Sequence[Path]) -> str:
    """SHA-256 of a model, 64 hex digits; see `dse.core.checksums.combine_checksums`.

    Args:
        files: its files, its own first.

    Raises:
        OSError: a file can't be read.
    """
    return combine_checksums([sha256_of(path) for path in files])


@lru_cache(maxsize=1024)
def _sha256(path: Path, _inode: int, _size: int, _mtime_ns: int) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
