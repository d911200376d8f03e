"""Results as JSON files, written as soon as they are there: a benchmark can be stopped any time."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dse.core.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FOLDER = Path(__file__).parents[1] / "decided"
"""Where results go unless another folder is named."""


def made(
    folder: Path, count: int, make: Callable[[int, Path], Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The results of a benchmark's runs: those that are stored, and the others made now.

    Args:
        folder: has a file for each run, named by its number.
        count: the number of runs.
        make: makes a run, from its number, in a folder for temporary files.
    """
    results = []
    for number in range(1, count + 1):
        file = folder / f"{number:03}.json"
        if not file.exists():
            say(f"{folder.name} {number} of {count}")
            with tempfile.TemporaryDirectory(prefix="dse-decisions-") as name:
                write(file, make(number, Path(name)))
        results.append(read(file))
    return results


def stored(folder: Path) -> list[dict[str, Any]]:
    """The results of all runs that are stored, in their order; none where there is no folder."""
    return [read(file) for file in sorted(folder.glob("[0-9]*.json"))]


def write(file: Path, data: Mapping[str, Any]) -> None:
    """Writes a JSON object; the file is whole or not there."""
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_suffix(".part")
    beside.write_text(json.dumps(data, separators=(",", ":")) + "\n", encoding="utf-8")
    beside.replace(file)


def read(file: Path) -> dict[str, Any]:
    """Reads a JSON object.

    Raises:
        RequestError: the file can't be read.
    """
    try:
        data: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RequestError(f"can't be read: {error}", file=file, remedy="delete it") from error
    return data


def append(file: Path, data: Mapping[str, Any]) -> None:
    """Adds a line with a JSON object, which is on the disk when this returns."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("ab") as stream:
        stream.write((json.dumps(data, separators=(",", ":")) + "\n").encode())
        stream.flush()
        os.fsync(stream.fileno())


def lines(file: Path) -> list[dict[str, Any]]:
    """The objects that were added; one that was cut off is removed from the file.

    Raises:
        RequestError: the file can't be read.
    """
    if not file.exists():
        return []
    data = file.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if whole != data:
        file.write_bytes(whole)
    try:
        return [json.loads(line) for line in whole.splitlines()]
    except ValueError as error:
        raise RequestError(f"can't be read: {error}", file=file, remedy="delete it") from error


def say(line: str) -> None:
    """Prints a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
