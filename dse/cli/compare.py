"""``dse compare``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dse.cli.options import PERCENTS, derived_options, json_option, storage_option
from dse.cli.output import write_content, write_line

if TYPE_CHECKING:
    from dse.derived.derivation import Derivation


@click.command()
@click.argument("sources", metavar="STUDY|FILE...", nargs=-1, required=True)
@storage_option
@derived_options
@click.option(
    "--accuracy",
    "accuracies",
    metavar="PERCENT",
    type=PERCENTS,
    default=(),
    help="Compare configurations of at least these top-1 accuracies, such as 65,70 [default: the "
    "multiples of 5 that are reached].",
)
@click.option("--points", is_flag=True, help="Also show the points of the frontiers.")
@json_option
@click.option(
    "--csv", "as_csv", is_flag=True, help="Print the points of the frontiers as a CSV table."
)
@click.option(
    "--picture",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Draw the frontiers into this file (.png, .svg or .pdf).",
)
def compare(
    sources: tuple[str, ...],
    storage: str | None,
    derivation: Derivation,
    accuracies: tuple[float, ...],
    *,
    points: bool,
    as_json: bool,
    as_csv: bool,
    picture: Path | None,
) -> None:
    """Compare studies, CPUs and published results side by side.

    Shows which system is the most efficient one at a given accuracy: by latency and by throughput,
    also per core, GHz and watt, and per price if --facts gives it; and how far accuracies differ
    from the published ones of the same variants. A system is a study, what 'dse import' has
    stored, a table of published results or a submission tree.
    """
    if as_json and as_csv:
        raise click.UsageError("--json and --csv exclude each other; give one of them")
    from dse.compare.comparison import compare as compared
    from dse.compare.picture import draw_frontiers
    from dse.compare.systems import gather_systems
    from dse.report.picture import check_name
    from dse.results.read import read_results

    if picture is not None:
        check_name(picture)
    results = [each for source in sources for each in read_results(source, storage)]
    comparison = compared(gather_systems(results, derivation), accuracies)
    if as_json:
        from dse.compare.summary import as_object

        click.echo(json.dumps(as_object(comparison)))
    elif as_csv:
        from dse.compare.summary import as_csv as table

        write_content(table(comparison))
    else:
        from dse.commands.compare_text import points as show_points
        from dse.commands.compare_text import show
        from dse.commands.console import console

        if points:
            show_points(comparison, console())
        show(comparison, console())
    if picture is not None:
        draw_frontiers(comparison.systems, picture)
        write_line(f"picture: {picture}", err=True)
