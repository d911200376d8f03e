"""What failed in a study, and why: each reason once, with an example that can be run again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dse.measure.reproduce import command

if TYPE_CHECKING:
    from pathlib import Path

    from dse.core.measurement import Failure, FailureKind
    from dse.study.record import Record
    from dse.study.study import Study

REASON_WIDTH = 120
"""Characters of a failure's first line that tell one reason from another."""
TAIL_LINES = 5


@dataclass(frozen=True, slots=True)
class Reason:
    """Failures of one kind whose first lines agree.

    Attributes:
        kind: theirs.
        text: the first line.
        count: how many configurations failed so.
        record: one of them, if possible one that was run.
        failure: of that one.
    """

    kind: FailureKind
    text: str
    count: int
    record: Record
    failure: Failure


def reasons(study: Study) -> list[Reason]:
    """Why configurations have failed: by kind, the most frequent reason first."""
    grouped: dict[tuple[FailureKind, str], list[tuple[Record, Failure]]] = {}
    for record in sorted(study.records.values(), key=lambda r: r.id):
        failure = record.outcome.failure
        if failure is not None:
            # Runtimes tell the same reason of each node and shape in further lines.
            first = failure.message.strip().partition("\n")[0]
            key = failure.kind, printable(first[:REASON_WIDTH])
            grouped.setdefault(key, []).append((record, failure))
    found = []
    for (kind, text), failed in grouped.items():
        record, failure = next((each for each in failed if each[1].run), failed[0])
        found.append(Reason(kind, text, len(failed), record, failure))
    return sorted(found, key=lambda reason: (reason.kind, -reason.count))


def explained(reason: Reason, runs: Path, tail_lines: int | None = TAIL_LINES) -> list[str]:
    """A reason as lines: the example, the end of its stderr, and how to run it again.

    Args:
        reason: why it failed.
        runs: the folder of the run folders.
        tail_lines: of the stderr; None for all that is kept.
    """
    record, failure = reason.record, reason.failure
    example = printable(f"#{record.id} {record.configuration}")
    tail = failure.stderr_tail.splitlines()
    shown = tail if tail_lines is None else tail[-tail_lines:]
    return [
        f"{reason.count} x {reason.text} (such as {example})",
        *(f"    | {printable(line)}" for line in shown),
        f"    {_again(failure, runs)}",
    ]


def _again(failure: Failure, runs: Path) -> str:
    if not failure.run:
        return "no worker was started for it"
    again = command(runs / failure.run)
    if again is None:
        return f"its run folder {runs / failure.run} is gone: it can't be run again by itself"
    return f"run it again: {again}"


def printable(text: str) -> str:
    """A text without what would steer a terminal."""
    return "".join(c if c.isprintable() else " " if c == "\t" else "?" for c in text)
