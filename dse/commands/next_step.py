"""What a command suggests to do next: one line on stderr, of commands that run as printed."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from dse.commands.log import messages

if TYPE_CHECKING:
    from dse.study.study import Study


def print_next(*steps: str) -> None:
    """Prints the suggestions, unless ``--quiet`` is given.

    Args:
        steps: commands, or what else to do, the first one first.
    """
    from dse.commands.console import print_lines

    print_lines([f"next: {'; '.join(steps)}"], messages(), whole=True)


def study_word(study: Study) -> str:
    """A study as a shell takes it."""
    return shlex.quote(study.folder.name_or_path)


def resume_command(study: Study) -> str:
    """The command that goes on exploring a study."""
    folder = study.folder
    return f"dse explore {shlex.quote(str(folder.space))} --study {study_word(study)}"
