"""What commands write themselves: lines, and the content of files."""

from __future__ import annotations

import sys

import click

from dse.core.printable import to_printable


def write_line(text: str, *, err: bool = False) -> None:
    """Writes one line; whatever is in it can't steer the terminal.

    Args:
        text: without a line end.
        err: to stderr instead of stdout.
    """
    click.echo(to_printable(text), err=err)


def write_content(text: str) -> None:
    """Writes what may be kept as a file: as it is, and on a terminal as lines."""
    if sys.stdout.isatty():
        text = "".join(f"{to_printable(line)}\n" for line in text.splitlines())
    click.echo(text, nl=False)
