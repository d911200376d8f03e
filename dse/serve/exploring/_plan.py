"""What an exploration would measure: a dry run of the command, shown before it starts."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dse.core.errors import RequestError
from dse.core.printable import to_printable
from dse.core.wording import format_command
from dse.serve.exploring._space_form import with_whole_paths, write_space
from dse.space.finding import known_spaces
from dse.space.reading import read_space

if TYPE_CHECKING:
    from dse.serve.exploring._explore_form import Asked
    from dse.serve.jobs.jobs import Job, Jobs

TIMEOUT_S = 120.0
"""The longest time for a dry run: it may read a data set."""


@dataclass(frozen=True, slots=True)
class ShownPlan:
    """A plan, as a page shows it.

    Attributes:
        command: that is run, as a user would type it.
        space: the space, as YAML.
        file: where a space that was made is written when it starts; empty for a known one.
        lines: what the dry run says.
        can_start: whether there is something to measure.
    """

    command: str
    space: str
    file: str
    lines: tuple[str, ...]
    can_start: bool


def make_plan(asked: Asked, jobs: Jobs) -> ShownPlan:
    """Asks what would be measured; nothing is begun, and nothing is written that stays.

    Raises:
        RequestError: it can't be explored so.
        DseError: the dry run has failed.
    """
    if asked.space is None:
        answer = jobs.ask([*asked.words, "--dry-run"], TIMEOUT_S)
        replaced = ""
    else:
        with tempfile.TemporaryDirectory(prefix="dse-plan-") as folder:
            file = Path(folder) / f"{asked.study}.yaml"
            file.write_text(with_whole_paths(asked.space), encoding="utf-8")
            answer = jobs.ask([*asked.words_with(str(file)), "--dry-run"], TIMEOUT_S)
            replaced = str(file)
    if not answer.out.strip():
        problem = answer.reason.removeprefix("dse: ")
        if replaced:
            problem = problem.replace(replaced, str(asked.file))
        raise RequestError(problem)
    return ShownPlan(
        command=format_command(asked.words),
        space=space_shown(asked),
        file=str(asked.file or ""),
        lines=tuple(map(to_printable, answer.out.splitlines())),
        can_start=answer.code == 0,
    )


def space_shown(asked: Asked) -> str:
    """The space of a plan as YAML: as it was made, or as its file says."""
    if asked.space is not None:
        return asked.text
    return read_space(known_spaces()[asked.known]).as_yaml()


def start(asked: Asked, jobs: Jobs) -> Job:
    """Starts an exploration; a space that was made is written before.

    Where the very same command runs already, as after a double click, that is it.

    Raises:
        RequestError: one runs for the study, or another space has the name of this one.
        DseError: a file can't be written.
    """
    if (other := jobs.running(asked.study)) and other.words != asked.words:
        problem = f"`{other.command}` still runs"
        raise RequestError(problem, field="name", remedy="stop it first, or choose another name")
    if asked.file is not None:
        write_space(asked.file, asked.text)
    return jobs.start_once(asked.words, asked.study)
