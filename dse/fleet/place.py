"""The folder of a node: its studies, the files that it was given, and what it works at."""

from __future__ import annotations

import json
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from dse.core.errors import RequestError
from dse.core.paths import atomic_write, read_regular, writing_errors

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_BYTES = 1 << 12


@dataclass(frozen=True, slots=True)
class Place:
    """A node's folder.

    Attributes:
        path: the folder; a process that measures has it as its working folder.
    """

    path: Path

    @property
    def files(self) -> Path:
        """What was sent to the node, by content."""
        return self.path / "files"

    @property
    def inputs(self) -> Path:
        """Spaces, models and data sets, made from `files`."""
        return self.path / "inputs"

    @property
    def assignments(self) -> Path:
        """A folder for each assignment in hand."""
        return self.path / "assignments"

    @property
    def scratch(self) -> Path:
        """Dask's own."""
        return self.path / "dask"

    @property
    def lock(self) -> Path:
        """Held by the node."""
        return self.path / "node.lock"

    @property
    def busy(self) -> Path:
        """Locked by the process that works at an assignment, whoever has started it."""
        return self.path / "assignment.lock"

    def create(self) -> None:
        """Makes the folder.

        Raises:
            DseError: it can't be made or written.
        """
        with writing_errors(self.path):
            for folder in (self.files, self.inputs, self.assignments, self.scratch):
                folder.mkdir(parents=True, exist_ok=True)

    def identity(self) -> str:
        """Ten hex digits that tell this node from others, the same each time.

        Raises:
            RequestError: the file that holds it is damaged.
            DseError: it can't be written.
        """
        file = self.path / "node.json"
        with suppress(FileNotFoundError):
            return _read(file)
        made = secrets.token_hex(5)
        with atomic_write(file) as stream:
            stream.write(f"{json.dumps({'node': made})}\n".encode())
        return made

    def folders(self) -> Iterator[Path]:
        """The folders of the assignments in hand."""
        yield from self.assignments.iterdir()


def _read(file: Path) -> str:
    try:
        data = json.loads(read_regular(file, MAX_BYTES))
        return str(data["node"])
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RequestError("does not name this node", file=file, remedy="remove it") from error


def default_folder() -> Path:
    """Where a node keeps its files if nobody says.

    Raises:
        RequestError: the user has no home folder.
    """
    try:
        folder = Path(platformdirs.user_data_dir("mlperf-dse"))
    except RuntimeError:
        folder = Path()
    if not folder.is_absolute():
        problem = "there is no place for the node's files, as HOME is not the path of a folder"
        raise RequestError(problem, field="--folder", remedy="give --folder DIR")
    return folder / "fleet"
