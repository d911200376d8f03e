"""What a command suggests to do next: one line on stderr, of commands that run as printed."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from dse.commands.log import messages
from dse.core.wording import format_command
from dse.study.database_url import without_password

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from dse.study.study import Study


def print_next(*steps: str | None) -> None:
    """Prints the suggestions, unless there is none or ``--quiet`` is given.

    Args:
        steps: commands, or what else to do, the first one first.
    """
    from dse.commands.console import print_lines

    if known := list(filter(None, steps)):
        print_lines([f"next: {'; '.join(known)}"], messages(), whole=True)


def study_word(study: Study) -> str:
    """A study as a shell takes it."""
    return shlex.quote(study.folder.name_or_path)


def resume_command(study: Study) -> str | None:
    """The command that goes on exploring a study; None where its files can't be told."""
    from dse.space.finding import known_spaces

    folder, space = study.folder, study.space
    if folder.name == folder.name_or_path and folder.name in known_spaces():
        return f"dse explore {folder.name}"
    if any(space.settings(backend.name) for backend in space.backends):
        return None  # they lie beside the space that was explored, not beside its copy
    return f"dse explore {shlex.quote(str(folder.space))} --study {study_word(study)}"


def command(name: str, study: str, storage: str | None, *options: str) -> str:
    """A command on a study; the storage's URL is shown without its password.

    Args:
        name: of the command.
        study: as it was given.
        storage: the URL that was given, if one was.
        options: further words.
    """
    kept = ["--storage", without_password(storage)] if storage else []
    return format_command([name, study, *kept, *options])


def repeat(
    name: str,
    words: Sequence[str],
    storage: str | None,
    *more: str,
    without: Collection[str] = (),
) -> str:
    """A command as it was given, with some flags added or left out.

    Args:
        name: of the command.
        words: that it was given.
        storage: the URL among them, whose password is not shown.
        more: words that are added.
        without: flags that are left out.
    """
    kept = [word for word in words if word not in without]
    if storage:
        kept = [word.replace(storage, without_password(storage)) for word in kept]
    return format_command([name, *kept, *more])
