"""LoadGen's logs as a submission wants them: the accuracy log cut short, with a hash of it all."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dse.core.errors import DseError
from dse.loadgen.logs import ACCURACY, DETAIL

if TYPE_CHECKING:
    from pathlib import Path

SUMMARY = "mlperf_log_summary.txt"
KEPT = (SUMMARY, DETAIL)
"""Logs that go in as they are; LoadGen's trace stays out."""
VIEWABLE_BYTES = 4096
"""Of the accuracy log from its start, and as many from its end.

Source: ``truncate_accuracy_log.py`` of https://github.com/mlcommons/inference.
"""
CUT = "\n\n...\n\n"


@dataclass(frozen=True, slots=True)
class AccuracyLog:
    """An accuracy log.

    Attributes:
        whole: the file.
        sha256: of all of it.
        shown: what of it goes into the tree.
    """

    whole: Path
    sha256: str
    shown: bytes


def accuracy_log(folder: Path) -> AccuracyLog:
    """Reads the accuracy log of a run.

    Raises:
        DseError: it can't be read.
    """
    file = folder / ACCURACY
    data = read_bytes(file)
    shown = data
    if len(data) >= VIEWABLE_BYTES:
        shown = data[:VIEWABLE_BYTES] + CUT.encode() + data[-VIEWABLE_BYTES:]
    return AccuracyLog(file, hashlib.sha256(data).hexdigest(), shown)


def read_bytes(file: Path) -> bytes:
    """The contents of a file.

    Raises:
        DseError: it can't be read.
    """
    try:
        return file.read_bytes()
    except OSError as error:
        raise DseError(f"{file}: can't be read: {error.strerror or error}") from error
