"""``dse show``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from dse.cli.options import (
    code_option,
    derivation_options,
    json_option,
    storage_option,
    study_argument,
)
from dse.cli.output import write_line

if TYPE_CHECKING:
    from pathlib import Path

    from dse.derived.derivation import Derivation


@click.command()
@study_argument
@click.argument("point", metavar="ID", type=click.IntRange(min=0))
@code_option
@storage_option
@derivation_options
@json_option
def show(
    study: str,
    point: int,
    storage: str | None,
    derivation: Derivation,
    *,
    code_file: Path | None,
    as_json: bool,
) -> None:
    """Show one configuration of STUDY, how it was measured, and code to deploy it.

    \b
    Examples:
      dse show quickstart 7
      dse show quickstart 7 --code deploy.py
    """  # noqa: D301  # click keeps the lines after this mark
    from dse.answer import summary
    from dse.answer.deployment import deployment, write_code
    from dse.answer.text import code_lines, point_lines
    from dse.commands.console import console, print_lines
    from dse.core.errors import RequestError
    from dse.core.wording import WIDTH
    from dse.report.view import View
    from dse.study.folder import existing_folder
    from dse.study.study import Study

    view = View(Study.load(existing_folder(study), storage), derivation)
    records = {record.id: record for record in view.study.records.values()}
    if point not in records:
        raise RequestError(
            f"study '{view.study.folder.name}' has no point {point}",
            field="ID",
            remedy=f"`dse frontier {study}` shows some",
        )
    deployed = deployment(view.study, records[point])
    if code_file is not None:
        write_code(deployed, code_file)
    if as_json:
        click.echo(json.dumps(summary.shown(view, records[point], deployed)))
        return
    print_lines(point_lines(view, records[point], deployed), console(), width=WIDTH)
    for line in code_lines(deployed, code_file):
        write_line(line)
