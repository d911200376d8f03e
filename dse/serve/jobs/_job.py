"""A command that was started from the page, as it is known."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from dse.core.wording import format_command
from dse.machine.process_identity import is_alive

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{4,5}")
_PARTS = 65536
"""Of a second, which an id tells."""
INTERRUPTED = (130, -2)
"""The exit codes of a command that was interrupted: its own, and that of the signal."""

State = Literal["running", "stopping", "done", "failed", "interrupted", "ended"]


@dataclass(frozen=True, slots=True)
class Job:
    """A command that was started from the page.

    Attributes:
        id: sorts by time, and is one by `is_id`.
        words: of the command, after ``dse``.
        study: the name of the study that it works on; empty for none.
        began: when, with its time zone.
        process: the identity of its process.
        code: its exit code, negative for a signal; None while it runs, or where the server that
            began it was gone when it ended.
        stops: how often it was asked to stop.
    """

    id: str
    words: tuple[str, ...]
    study: str
    began: datetime
    process: Mapping[str, str | int]
    code: int | None
    stops: int = 0

    @property
    def state(self) -> State:
        """What it does, or how it ended; ``ended`` where nobody saw how.

        A job whose process can't be asked, because another machine has it, counts as ended.
        """
        if self.code is not None:
            if self.code in INTERRUPTED:
                return "interrupted"
            return "failed" if self.code else "done"
        if is_alive(self.process):
            return "stopping" if self.stops else "running"
        return "ended"

    @property
    def runs(self) -> bool:
        """Whether it has not ended, as far as that can be told."""
        return self.state in ("running", "stopping")

    @property
    def command(self) -> str:
        """The command as a user would type it."""
        return format_command(self.words)


def is_id(text: str) -> bool:
    """Whether a text may be the id of a job."""
    return _ID.fullmatch(text) is not None


def id_at(time: datetime) -> str:
    """The id of a job that begins at a time, unless another one has it."""
    return f"{time:%Y%m%d-%H%M%S}-{time.microsecond * _PARTS // 1_000_000:04x}"


def id_after(id_: str) -> str:
    """An id that comes after another one in their order."""
    date, time, parts = id_.split("-")
    number = int(parts[:4], 16) + 1
    if number < _PARTS:
        return f"{date}-{time}-{number:04x}"
    return f"{date}-{int(time) + 1:06d}-0000"
