"""The files of jobs: ``ID.json`` tells what a job is, ``ID.txt`` holds what it printed."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dse.core.errors import RequestError
from dse.core.paths import atomic_write, read_regular, writing_errors
from dse.core.printable import to_printable
from dse.serve.jobs._job import Job, id_after, id_at, is_id
from dse.study.folder import NAME

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

MAX_RECORD_BYTES = 1 << 18
YEARS = range(1970, 9999)
"""In which a job can have begun: near the ends of time there are no other time zones."""
_FIELDS: dict[str, type | tuple[type, ...]] = {
    "id": str,
    "words": list,
    "study": str,
    "began": str,
    "process": dict,
    "code": (int, type(None)),
    "stops": int,
}


class JobFiles:
    """Reads and writes the records and the output of jobs.

    Args:
        folder: where they lie; made with the first job, for its owner alone.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._known: dict[str, tuple[tuple[int, int], Job]] = {}

    def ids(self, suffix: str = ".json") -> list[str]:
        """The ids of all jobs, newest first.

        Args:
            suffix: of the files to look for.

        Raises:
            RequestError: the folder can't be read.
        """
        try:
            names = os.listdir(self.folder)  # noqa: PTH208  # names are enough
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            problem = f"the jobs can't be read: {error.strerror or error}"
            raise RequestError(problem, file=self.folder) from error
        stems = (name.removesuffix(suffix) for name in names if name.endswith(suffix))
        return sorted((stem for stem in stems if is_id(stem)), reverse=True)

    def create_folder(self) -> None:
        """Makes the folder.

        Raises:
            DseError: it can't be made.
        """
        with writing_errors(self.folder):
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            self.folder.mkdir(mode=0o700, exist_ok=True)

    def new_output(self, now: datetime) -> tuple[str, int]:
        """Makes the output file of a new job, for its owner alone, and opens it.

        Returns:
            The id of the job, and a descriptor for writing at the end of the file.

        Raises:
            DseError: it can't be made.
        """
        id_ = id_at(now)
        for newest in self.ids()[:1]:
            # Its order is that of the starts, also where the clock was set back.
            id_ = max(id_, id_after(newest), key=lambda each: (is_id(each), each))
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
        while True:
            with writing_errors(self._output(id_)), suppress(FileExistsError):
                return id_, os.open(self._output(id_), flags, 0o600)
            id_ = id_after(id_)

    def write(self, job: Job) -> None:
        """Writes a record in place of the one before.

        Raises:
            DseError: it can't be written; the one before is still there.
        """
        record = {
            "id": job.id,
            "words": list(job.words),
            "study": job.study,
            "began": job.began.isoformat(),
            "process": dict(job.process),
            "code": job.code,
            "stops": job.stops,
        }
        with atomic_write(self._record(job.id)) as file:
            file.write(json.dumps(record).encode())

    def read(self, id_: str) -> Job | None:
        """A job; None where there is none, or its record is not one."""
        try:
            status = self._record(id_).stat()
            stamp = status.st_mtime_ns, status.st_ino
            known = self._known.get(id_)
            if known is None or known[0] != stamp:
                content = read_regular(self._record(id_), MAX_RECORD_BYTES)
                known = self._known[id_] = stamp, _job(id_, json.loads(content))
        except (OSError, ValueError, RecursionError):
            self._known.pop(id_, None)
            return None
        return known[1]

    def remove(self, id_: str) -> None:
        """Removes what is kept of a job.

        Raises:
            DseError: it can't be removed.
        """
        self._known.pop(id_, None)
        with writing_errors(self._record(id_)):
            self._output(id_).unlink(missing_ok=True)
            self._record(id_).unlink(missing_ok=True)

    def end_of_output(self, id_: str, most_bytes: int) -> str:
        """The end of what a job printed, whole lines, as a terminal would show them."""
        try:
            descriptor = os.open(self._output(id_), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(descriptor, "rb") as file:
                size = os.fstat(descriptor).st_size
                file.seek(max(0, size - most_bytes))
                text = file.read(most_bytes).decode(errors="replace")
        except OSError:
            return ""
        if size > most_bytes:
            text = text.partition("\n")[2] or text  # the first line is cut
        return "\n".join(_shown(line) for line in text.split("\n"))

    def _record(self, id_: str) -> Path:
        return self.folder / f"{id_}.json"

    def _output(self, id_: str) -> Path:
        return self.folder / f"{id_}.txt"


def _words(texts: Iterable[object]) -> tuple[str, ...]:
    """The words of a command.

    Raises:
        ValueError: no command can have them.
    """
    words = tuple(map(str, texts))
    if b"\0" in b"".join(map(os.fsencode, words)):  # which fails for what has no bytes
        raise ValueError("a word has a null character")
    return words


def _time(text: str) -> datetime:
    """The time in a record.

    Raises:
        ValueError: it is none, or so far away that it can't be told in other time zones.
    """
    time = datetime.fromisoformat(text)
    if time.year not in YEARS:
        raise ValueError("no job can have begun then")
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _shown(line: str) -> str:
    """A line without what was overwritten in it."""
    return to_printable(line.rstrip("\r").rpartition("\r")[2])


def _job(id_: str, record: object) -> Job:
    """The job of a record, which may be anybody's.

    Raises:
        ValueError: it is not a record of this job.
    """
    if not isinstance(record, dict) or record.get("id") != id_:
        raise ValueError("no record of this job")
    if wrong := [name for name, kind in _FIELDS.items() if not isinstance(record.get(name), kind)]:
        raise ValueError(f"{wrong[0]} is missing")
    study = record["study"]
    if study and not NAME.fullmatch(study):
        raise ValueError("no study has this name")
    return Job(
        id=id_,
        words=_words(record["words"]),
        study=study,
        began=_time(record["began"]),
        process=record["process"],
        code=record["code"],
        stops=record["stops"],
    )
