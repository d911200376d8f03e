"""``dse report``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dse.cli.options import derived_options, storage_option, study_argument
from dse.cli.output import write_line
from dse.core.errors import RequestError

if TYPE_CHECKING:
    from dse.derived.derivation import Derivation


@click.command()
@study_argument
@click.option(
    "--output",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder to write the report into [default: report in the study's folder].",
)
@storage_option
@derived_options
def report(study: str, output: Path | None, storage: str | None, derivation: Derivation) -> None:
    """Write a report of a study: a page for the browser, tables and pictures.

    The page needs no network and no other file.

    \b
    Examples:
      dse report quickstart
      dse report quickstart --output quickstart-report
    """  # noqa: D301  # click keeps the lines after this mark
    from dse.commands.next_step import print_next
    from dse.report.folder import write_report
    from dse.report.view import View
    from dse.study.folder import existing_folder
    from dse.study.study import Study

    folder = existing_folder(study)
    if output is None and not os.access(folder.path, os.W_OK):
        raise RequestError(
            "the study's folder can't be written",
            file=folder.path,
            remedy="choose another place with --output",
        )
    view = View(Study.load(folder, storage), derivation)
    page, *others = write_report(view, output or folder.report)
    for path in (page, *others):
        write_line(str(path))
    print_next(f"open {page} in a browser")
