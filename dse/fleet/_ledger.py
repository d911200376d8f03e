"""What nodes have been given, in a file: a coordinator that comes back gives it to nobody else."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from dse.core.errors import RequestError
from dse.core.paths import writing_errors
from dse.fleet._message import Message

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Taken(Message):
    """An assignment that a node was given.

    Attributes:
        id: of the assignment.
        node: which has it, as it names itself.
        fingerprint: of its CPU.
        groups: names of the groups of configurations; none where it is not for exploring.
        deadline: until when it is left to the node if that is silent, in seconds since 1970.
    """

    id: str
    node: str
    fingerprint: str
    groups: tuple[str, ...]
    deadline: float


class Ledger:
    """The assignments of a fleet; each line of its file is a JSON object.

    Args:
        file: need not exist yet.

    Raises:
        RequestError: it can't be read; names the line.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._open: dict[str, Taken] = {}
        self._whole = False  # whether the file is known to end with a whole line
        for number, line in enumerate(_lines(file), start=1):
            self._read(line, number)

    @property
    def open(self) -> Mapping[str, Taken]:
        """Those that were not given back, by their ids."""
        return self._open

    def take(self, taken: Taken) -> None:
        """Writes down that a node is given an assignment; it is on the disk before this returns.

        Raises:
            DseError: the file can't be written.
        """
        self._append({"taken": asdict(taken)})
        self._open[taken.id] = taken

    def give_back(self, id_: str, why: str) -> None:
        """Writes down that an assignment has its answer, or is waited for no more.

        Raises:
            DseError: the file can't be written.
        """
        if self._open.pop(id_, None) is not None:
            self._append({"given_back": id_, "why": why})

    def give_back_all(self, node: str, why: str) -> None:
        """Does that for all that a node has.

        Raises:
            DseError: the file can't be written.
        """
        for each in [each for each in self._open.values() if each.node == node]:
            self.give_back(each.id, why)

    def overdue(self, busy: set[str]) -> list[Taken]:
        """The assignments whose nodes are silent beyond the deadline.

        Args:
            busy: ids of the assignments whose nodes are known to be at work.
        """
        now = time.time()
        return [e for e in self._open.values() if e.id not in busy and now > e.deadline]

    def groups(self, fingerprint: str) -> set[str]:
        """The groups of a CPU that nodes have."""
        having = (e.groups for e in self._open.values() if e.fingerprint == fingerprint)
        return {name for groups in having for name in groups}

    def _append(self, entry: Mapping[str, Any]) -> None:
        with writing_errors(self._file):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.open("a+b") as stream:
                if not self._whole:
                    _cut_torn(stream)
                self._whole = False
                stream.write(json.dumps(entry).encode() + b"\n")
                stream.flush()
                os.fsync(stream.fileno())
                self._whole = True

    def _read(self, line: str, number: int) -> None:
        if not line.strip():
            return
        try:
            entry = json.loads(line)
            if "taken" in entry:
                taken = Taken.from_json(json.dumps(entry["taken"]))
                self._open[taken.id] = taken
            else:
                self._open.pop(entry["given_back"], None)
        except (ValueError, KeyError, TypeError, RecursionError, RequestError) as error:
            raise RequestError(
                "is no assignment",
                file=self._file,
                line=number,
                remedy="remove the line; what it was about may be measured twice",
            ) from error


def _lines(file: Path) -> list[str]:
    """The lines of the file; not the last one, where its writer was killed in the middle of it."""
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RequestError(f"can't be read: {error.strerror}", file=file) from error
    return text.split("\n")[:-1]


def _cut_torn(stream: BinaryIO) -> None:
    """Removes a last line without an end from an open file: nobody has acted on it."""
    stream.seek(0)
    content = stream.read()
    stream.truncate(content.rfind(b"\n") + 1)
