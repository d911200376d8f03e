"""Files and folders that others have made: no links, and no more bytes than there may be."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dse.core.errors import RequestError

if TYPE_CHECKING:
    from pathlib import Path

MAX_TEXT_BYTES = 1 << 20


def is_plain(path: Path, within: Path) -> bool:
    """Whether it is a regular file, and no link below ``within`` leads to it."""
    steps = [path, *path.parents][: len(path.relative_to(within).parts)]
    return path.is_file() and not any(step.is_symlink() for step in steps)


def check(path: Path, within: Path, most: int = MAX_TEXT_BYTES) -> None:
    """Refuses anything except a regular file of at most this size in bytes.

    Raises:
        RequestError: it is something else.
    """
    if not is_plain(path, within):
        raise RequestError("is missing, or no regular file", file=path)
    if path.stat().st_size > most:
        raise RequestError(f"is larger than {most >> 20} MiB", file=path)


def text_of(path: Path, within: Path) -> str:
    """The text in a file of at most `MAX_TEXT_BYTES`.

    Raises:
        RequestError: there is none.
    """
    check(path, within)
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RequestError(f"can't be read: {error}", file=path) from error


def object_of(path: Path, within: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        RequestError: there is none.
    """
    try:
        data = json.loads(text_of(path, within))
    except (ValueError, RecursionError) as error:
        raise RequestError(f"is not JSON: {error}", file=path) from error
    if not isinstance(data, dict):
        raise RequestError("is not a JSON object", file=path)
    return data


def folders(path: Path) -> list[Path]:
    """The folders in one by their names, without links and hidden ones; empty where it is none."""
    if not path.is_dir():
        return []
    seen = (each for each in path.iterdir() if not each.name.startswith("."))
    return sorted(each for each in seen if each.is_dir() and not each.is_symlink())
