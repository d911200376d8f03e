"""Writes the help of every command into docs/commands.md: ``python -m tests.help_pages``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dse.cli import dse

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parents[1] / "docs" / "commands.md"
HEAD = """# Commands

Written by `make docs` from the commands' own help; a test compares the two.

Exit codes: 0 done, 1 the work failed, 2 the request was wrong (one line on stderr), 130 interrupted
with everything saved.
"""


def render() -> str:
    """The page as it must stand in docs/."""
    return HEAD + "".join(_section(words, command) for words, command in commands())


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command with its words, groups before what is in them."""
    waiting: list[tuple[str, click.Command]] = [("dse", dse)]
    while waiting:
        words, command = waiting.pop(0)
        yield words, command
        if isinstance(command, click.Group):
            waiting[:0] = [(f"{words} {name}", one) for name, one in inner(command).items()]


def inner(group: click.Group) -> dict[str, click.Command]:
    """The commands of a group by their names, in the order of these."""
    context = click.Context(group)
    found = {name: group.get_command(context, name) for name in group.list_commands(context)}
    return {name: command for name, command in sorted(found.items()) if command}


def _section(words: str, command: click.Command) -> str:
    settings = {**dse.context_settings, "terminal_width": 90}
    context = click.Context(command, info_name=words, **settings)
    return f"\n## `{words}`\n\n```text\n{command.get_help(context)}\n```\n"


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
