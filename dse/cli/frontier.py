"""``dse frontier``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from dse.cli.options import derived_options, json_option, storage_option, study_argument
from dse.cli.output import write_content, write_line

if TYPE_CHECKING:
    from dse.derived.derivation import Derivation
    from dse.report.view import View


@click.command()
@study_argument
@storage_option
@derived_options
@json_option
@click.option("--csv", "as_csv", is_flag=True, help="Print a CSV table.")
@click.option(
    "--by",
    type=click.Choice(("precision", "runtime")),  # dse.report.breakdown.WAYS
    help="Show instead what each precision and method of quantization costs and wins against "
    "fp32, or what each runtime comes to.",
)
@click.option(
    "--all",
    "every",
    is_flag=True,
    help="Also show points of the frontier, or methods, that others seem ahead of.",
)
def frontier(
    study: str,
    storage: str | None,
    derivation: Derivation,
    *,
    as_json: bool,
    as_csv: bool,
    by: str | None,
    every: bool,
) -> None:
    """Show the Pareto-optimal configurations of a study.

    Your own metrics, conditions and objectives are computed from the measurements. JSON and CSV
    have all points of the frontier. Points that others dominate are in `dse report` alone.

    \b
    Examples:
      dse frontier quickstart
      dse frontier quickstart --where 'latency_p90_ms < 5 and threads == 1'
      dse frontier quickstart --by runtime
      dse frontier int8 --by precision
    """  # noqa: D301  # click keeps the lines after this mark
    if as_json and as_csv:
        raise click.UsageError("--json and --csv exclude each other; give one of them")
    from dse.report.view import View
    from dse.study.folder import existing_folder
    from dse.study.study import Study

    view = View(Study.load(existing_folder(study), storage), derivation)
    if by is not None:
        _show_by(view, by, as_json=as_json, as_csv=as_csv, every=every)
    elif as_json:
        from dse.report.summary import frontier as as_object

        click.echo(json.dumps(as_object(view)))
    elif as_csv:
        _print_table(view)
    else:
        _show(view, every=every)


def _print_table(view: View) -> None:
    from dse.report.frame import frame, known_metrics
    from dse.report.standing import standing_columns
    from dse.report.summary import notes, ordered
    from dse.report.user_metrics import figures

    points = ordered(view.frontier)
    table = frame(points, known_metrics(points, view.metrics), view.notes).assign(
        **standing_columns(view, points), **figures(view, points)
    )
    write_content(table.to_csv(index=False))
    for line in notes(view):
        write_line(line, err=True)


def _show(view: View, *, every: bool) -> None:
    from dse.commands.console import console, print_lines
    from dse.commands.frontier_text import print_frontier
    from dse.commands.next_step import print_next, study_word
    from dse.report.metric_words import metric_option

    out = console()
    if not view.frontier:
        none = "no configuration is measured and within the constraints yet"
        write_line("no configuration meets the conditions" if view.derivation.selects else none)
        print_lines(view.tally.lines(view.derivation), out, "dim")
        return
    print_frontier(view, out, "--all", every=every)
    name = study_word(view.study)
    print_next(f"dse pick {name} {metric_option(view.study.space.objectives[0])}")


def _show_by(view: View, by: str, *, as_json: bool, as_csv: bool, every: bool) -> None:
    from dse.commands.console import console
    from dse.commands.frontier_text import print_breakdown
    from dse.report.breakdown import break_down
    from dse.report.frame import table

    found = break_down(view, by, every=every)
    if as_json:
        click.echo(json.dumps({"study": view.study.folder.name, **found.as_dict()}))
    elif as_csv:
        rows = found.flat_rows()
        names = dict.fromkeys(name for row in rows for name in row)
        write_content(table(rows, list(names)).to_csv(index=False))
    else:
        print_breakdown(found, console())
