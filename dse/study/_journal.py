"""The measurements of a run, in its own folder: there they outlive a storage that went away."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from dse.core.errors import DseError
from dse.study.record import measurement_from_dict

if TYPE_CHECKING:
    from pathlib import Path

    from dse.core.measurement import Measurement

FILE = "measurements.jsonl"


def append(runs: Path, session: str, measurement: Measurement) -> None:
    """Adds a measurement to the journal of its run; it is on the disk when this returns.

    The session tells openings of the study apart: the folder may outlive the storage, and the names
    of its runs come again.

    Raises:
        DseError: it can't be written. A part of the line may be there and counts for
            nothing, so that it can be tried again.
    """
    path = runs / measurement.run / FILE
    entry = {"session": session, "measurement": measurement.as_dict()}
    line = json.dumps(entry).encode() + b"\n"
    try:
        path.parent.mkdir(exist_ok=True)
        _append(path, line)
    except OSError as error:
        raise DseError(f"{path}: can't be written: {error.strerror or error}") from error


def _append(path: Path, line: bytes) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
    with os.fdopen(descriptor, "r+b", buffering=0) as file:
        end = file.seek(0, os.SEEK_END)
        if end:
            file.seek(end - 1)
            if file.read(1) != b"\n":
                line = b"\n" + line
        # A disk that fills up takes the beginning of a line, and refuses the rest of it.
        while line:
            line = line[file.write(line) :]
        os.fsync(file.fileno())


def read(runs: Path, run: str, session: str) -> list[Measurement]:
    """The measurements of all tries of a run, in the order taken; see `append` for the session."""
    tries = sorted(runs.glob(f"{run}-*/{FILE}"), key=lambda p: (len(p.parent.name), p.parent.name))
    found: list[Measurement] = []
    for path in tries:
        for line in path.read_bytes().splitlines():
            try:
                entry = json.loads(line)
                mine = entry["session"] == session
                measurement = measurement_from_dict(entry["measurement"])
            except (LookupError, TypeError, ValueError):
                continue  # cut short as it was written: it was never stored, nor counted
            # Written twice where the first time seemed to fail.
            if mine and measurement not in found:
                found.append(measurement)
    return found
