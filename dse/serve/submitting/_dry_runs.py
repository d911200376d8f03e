"""Asks commands what they would do: short ones, which write nothing and start no runtime."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dse.core.errors import DseError
from dse.core.wording import format_command
from dse.machine.measuring_lock import is_measured

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dse.serve.jobs.jobs import Job
    from dse.serve.site import Site

TIMEOUT_S = 120.0
MAX_ASKED = 2000
"""Of studies with more configurations nothing is asked before the reader wants it."""
UNDISTURBED = "To leave it undisturbed, this waits until you ask"
RUNNING = ("running", "stopping")
"""The states of jobs that measure, or may."""


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a command says that it would do.

    Attributes:
        command: as a user would type it.
        found: its JSON object; None where it gave none.
        lines: what it told beside that.
        problem: why there is no object; empty where there is one, or where it was not asked.
    """

    command: str
    found: Mapping[str, Any] | None = None
    lines: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """Why commands are not asked before the reader wants it.

    Attributes:
        reason: in words that end in "this waits until you ask".
        job: that runs; None where it is something else.
    """

    reason: str
    job: Job | None = None


def held_back(site: Site, configurations: int) -> Held | None:
    """Why nothing is to be asked now; None where it may be.

    Args:
        site: whose jobs may measure.
        configurations: of the study that commands would read.
    """
    job = next((job for job in site.jobs.all() if job.state in RUNNING), None)
    if job is not None:
        return Held(UNDISTURBED, job)
    if is_measured():
        return Held(f"Something is being measured on this machine. {UNDISTURBED}")
    if configurations > MAX_ASKED:
        return Held("The study is large, so this waits until you ask")
    return None


def dry_run(site: Site, words: Sequence[str], *, ask: bool = True) -> DryRun:
    """Asks a command what it would do.

    Args:
        site: whose jobs can ask.
        words: of the command, after ``dse``.
        ask: whether to ask; else only the command is told.
    """
    words = [*words, "--dry-run"]
    command = format_command(words)
    if not ask:
        return DryRun(command)
    try:
        answer = site.jobs.ask([*words, "--json"], TIMEOUT_S)
    except DseError as error:
        return DryRun(command, problem=str(error))
    lines = [line.strip() for line in answer.err.splitlines() if line.strip()]
    try:
        found = json.loads(answer.out)
    except ValueError:
        told = lines[-1].removeprefix("dse: ") if lines else f"exit code {answer.code}"
        return DryRun(command, problem=told)
    return DryRun(command, found, tuple(line for line in lines if not line.startswith("next: ")))
