"""``dse frontier``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from dse.cli.options import json_option, storage_option, study_argument

if TYPE_CHECKING:
    from dse.study.study import Study


@click.command()
@study_argument
@storage_option
@json_option
@click.option("--csv", "as_csv", is_flag=True, help="Print a CSV table.")
def frontier(study: str, storage: str | None, *, as_json: bool, as_csv: bool) -> None:
    """Show the Pareto-optimal configurations of a study."""
    if as_json and as_csv:
        raise click.UsageError("--json and --csv exclude each other; give one of them")
    from dse.study.folder import existing_folder
    from dse.study.study import Study

    opened = Study.load(existing_folder(study), storage)
    if as_json:
        from dse.report.summary import frontier as as_object

        click.echo(json.dumps(as_object(opened)))
    elif as_csv:
        from dse.report.frame import frame, known_metrics
        from dse.report.summary import ordered

        points = ordered(opened.frontier())
        table = frame(points, known_metrics(points, opened.about.metrics))
        click.echo(table.to_csv(index=False), nl=False)
    else:
        _show(opened)


def _show(opened: Study) -> None:
    from dse.report.pictures import print_picture
    from dse.report.summary import notes
    from dse.report.text import console, frontier_table, marks

    points = opened.frontier()
    if not points:
        click.echo("no configuration is measured and within the constraints yet")
        return
    out = console()
    out.print(frontier_table(points, opened.about.metrics, marks(opened.results)))
    for note in notes(opened):
        out.print(note, style="dim", markup=False)
    print_picture(opened, console(stderr=True))
