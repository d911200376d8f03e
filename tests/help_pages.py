"""Writes the help of every command into docs/commands.md: ``python -m tests.help_pages``."""

from __future__ import annotations

from pathlib import Path

import click

from dse.cli import dse

PAGE = Path(__file__).parents[1] / "docs" / "commands.md"
HEAD = """# Commands

Written by `make docs` from the commands' own help; a test compares the two.

Exit codes: 0 done, 1 the work failed, 2 the request was wrong (one line on stderr), 130 interrupted
with everything saved.
"""


def render() -> str:
    """The page as it must stand in docs/."""
    names = ["", *sorted(dse.commands)]
    return HEAD + "".join(_section(name) for name in names)


def _section(name: str) -> str:
    command: click.Command = dse.commands[name] if name else dse
    words = f"dse {name}".strip()
    settings = {**dse.context_settings, "terminal_width": 100}
    context = click.Context(command, info_name=words, **settings)
    return f"\n## `{words}`\n\n```text\n{command.get_help(context)}\n```\n"


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
