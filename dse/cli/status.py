"""``dse status``."""

from __future__ import annotations

import json
from itertools import groupby
from typing import TYPE_CHECKING

import click

from dse.cli.options import json_option, storage_option, study_argument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dse.study.study import Study


@click.command()
@study_argument
@storage_option
@json_option
@click.option(
    "--verbose", is_flag=True, help="Show the whole output of failed runs, as far as it was kept."
)
def status(study: str, storage: str | None, *, as_json: bool, verbose: bool) -> None:
    """Show the progress of a study, the quality of its values, and what failed.

    Each reason for failures is shown with one example and a command that runs it again.

    \b
    Examples:
      dse status quickstart
      dse status quickstart --json
    """  # noqa: D301  # click keeps the lines after this mark
    from dse.commands.console import console, print_lines
    from dse.commands.next_step import print_next, resume_command, study_word
    from dse.core.wording import WIDTH
    from dse.core.worker_environment import format_variables
    from dse.report import running
    from dse.report.failures import is_copied
    from dse.report.health import health
    from dse.report.summary import describe_counts
    from dse.report.summary import status as numbers_of
    from dse.report.text import borrowed_lines, excluded_lines
    from dse.study.folder import existing_folder
    from dse.study.study import Study

    opened = Study.load(existing_folder(study), storage)
    numbers = {
        **numbers_of(opened),
        "health": health(opened),
        "excluded": list(opened.about.excluded),
    }
    if as_json:
        click.echo(json.dumps(numbers))
        return
    variables = opened.about.environment
    told = (*running.lines(opened), *numbers["notes"], *numbers["health"])
    lines = [
        f"study {numbers['study']}",
        f"configurations: {describe_counts(numbers)}",
        f"measurements taken: {numbers['measurements_taken']}",
        *([f"environment: {format_variables(variables)}"] if variables else []),
        *borrowed_lines(opened.about.borrowed),
        *dict.fromkeys(told),
        *excluded_lines(numbers["excluded"]),
    ]
    print_lines(lines, console(), width=WIDTH)
    for line in _failures(opened, numbers["failures"], verbose=verbose):
        print_lines([line], console(), width=WIDTH, whole=is_copied(line))
    steps = [resume_command(opened)] if numbers["configurations"]["remaining"] else []
    print_next(*steps, f"dse frontier {study_word(opened)}")


def _failures(study: Study, counts: dict[str, int], *, verbose: bool) -> Iterator[str]:
    from dse.report.failures import TAIL_LINES, explained, reasons

    for kind, found in groupby(reasons(study), key=lambda reason: reason.kind.value):
        yield f"failures, {kind}: {counts[kind]}"
        for reason in found:
            for line in explained(reason, study.folder.runs, None if verbose else TAIL_LINES):
                yield f"  {line}"
