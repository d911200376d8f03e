"""What failed in a study, and why: each reason once, with an example that can be run again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dse.core.measurement import FailureKind
from dse.core.printable import to_printable
from dse.core.reasons import boil_down, generalise
from dse.core.remedies import find_remedy
from dse.measure.reproduce import command
from dse.measure.spec import STDERR_FILE

if TYPE_CHECKING:
    from pathlib import Path

    from dse.core.measurement import Failure
    from dse.study.record import Record
    from dse.study.study import Study

TAIL_LINES = 5
_MESSAGE, _PRINTED = "    > ", "    | "
_OUTPUT, _AGAIN = "its whole output: ", "run it again: "


@dataclass(frozen=True, slots=True)
class Reason:
    """Failures of one kind whose messages come down to the same words.

    Attributes:
        kind: theirs.
        text: what the message of the example comes down to.
        count: how many configurations failed so.
        record: one of them, if possible one that was run.
        failure: of that one.
        remedy: what helps, where that is known.
    """

    kind: FailureKind
    text: str
    count: int
    record: Record
    failure: Failure
    remedy: str | None

    def as_dict(self, runs: Path) -> dict[str, Any]:
        """A JSON object, with the whole message; ``runs`` is the folder of the run folders."""
        return {
            "kind": self.kind.value,
            "reason": self.text,
            "remedy": self.remedy,
            "count": self.count,
            "example": self.record.id,
            "message": self.failure.message,
            "stderr_tail": self.failure.stderr_tail,
            "run": str(runs / self.failure.run) if self.failure.run else None,
        }


def reasons(study: Study) -> list[Reason]:
    """Why configurations have failed: by kind, the most frequent reason first."""
    grouped: dict[tuple[FailureKind, str], list[tuple[Record, Failure]]] = {}
    for record in sorted(study.records.values(), key=lambda r: r.id):
        failure = record.outcome.failure
        if failure is not None:
            key = failure.kind, generalise(failure.message)
            grouped.setdefault(key, []).append((record, failure))
    found = []
    for (kind, _), failed in grouped.items():
        record, failure = next((each for each in failed if each[1].run), failed[0])
        text, remedy = boil_down(failure.message), find_remedy(failure)
        found.append(Reason(kind, text, len(failed), record, failure, remedy))
    return sorted(found, key=lambda reason: (reason.kind, -reason.count))


def explained(reason: Reason, runs: Path, tail_lines: int | None = TAIL_LINES) -> list[str]:
    """A reason as lines: the example, what helps, the end of its stderr, how to run it again.

    What a runtime refuses is foreseen: its message says why, and not where in the code that was
    found. Where the reason is cut, the whole message follows.

    Args:
        reason: why it failed.
        runs: the folder of the run folders.
        tail_lines: of the stderr; None for all that is kept, and the whole message.
    """
    record, failure = reason.record, reason.failure
    foreseen = reason.kind is FailureKind.UNSUPPORTED
    cut = foreseen and reason.text.endswith("…")
    message = failure.message.strip().splitlines() if tail_lines is None or cut else []
    tail = failure.stderr_tail.splitlines()
    shown = tail if tail_lines is None else [] if foreseen else tail[-tail_lines:]
    lines = [
        f"{reason.count} x {reason.text} (such as #{record.id} {record.configuration})",
        *([f"    remedy: {reason.remedy}"] if reason.remedy else []),
        *(f"{_MESSAGE}{line}" for line in message),
        *(f"{_PRINTED}{line}" for line in shown),
        *(f"    {line}" for line in _run_lines(failure, runs)),
    ]
    return list(map(to_printable, lines))


def _run_lines(failure: Failure, runs: Path) -> list[str]:
    """Where the run's whole output is, and how to run it again."""
    folder = runs / failure.run
    if not failure.run:
        return ["no worker was started for it"]
    again = command(folder)
    if again is None:
        return [f"its run folder {folder} is gone: it can't be run again by itself"]
    return [f"{_OUTPUT}{folder / STDERR_FILE}", f"{_AGAIN}{again}"]


def is_copied(line: str) -> bool:
    """Whether a line of `explained` is a path or a command to copy, or what a runtime printed."""
    return line.strip().startswith((_PRINTED.strip(), _OUTPUT, _AGAIN))
