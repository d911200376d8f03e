"""Reads text that somebody else wrote: within bounds, and with a line number in a complaint."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from dse.core.errors import RequestError

if TYPE_CHECKING:
    from pathlib import Path


def read_text(file: Path, max_bytes: int, remedy: str) -> tuple[str, str]:
    """The text of a file, and the SHA-256 of its bytes.

    Raises:
        RequestError: it can't be read, is larger, or is not UTF-8.
    """
    try:
        with file.open("rb") as stream:
            data = stream.read(max_bytes + 1)
    except OSError as error:
        raise RequestError(f"can't be read: {error.strerror or error}", file=file) from error
    if len(data) > max_bytes:
        raise RequestError(f"is larger than {max_bytes >> 20} MiB", file=file, remedy=remedy)
    try:
        return data.decode("utf-8-sig"), hashlib.sha256(data).hexdigest()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise RequestError("not UTF-8", file=file, line=line, remedy=remedy) from error
