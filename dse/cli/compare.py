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
    help="Compare configurations of at least these accuracies (top-1, F1), such as 65,70 "
    "[default: the multiples of 5 that are reached].",
)
@click.option(
    "--by",
    metavar="METRIC",
    help="Sort by latency, throughput, energy, or the name of another metric that is compared "
    "[default: the first one, latency if it is known].",
)
@click.option(
    "--task",
    metavar="NAME",
    help="Compare results of this task only, such as question-answering.",
)
@click.option(
    "--accelerators",
    is_flag=True,
    help="Also rank systems with an accelerator, such as a GPU or TPU.",
)
@click.option(
    "--all", "every", is_flag=True, help="Show every system, accuracy, criterion and note."
)
@click.option(
    "--agreement", is_flag=True, help="Also show how far accuracies lie from published ones."
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
    by: str | None,
    task: str | None,
    *,
    accelerators: bool,
    every: bool,
    agreement: bool,
    points: bool,
    as_json: bool,
    as_csv: bool,
    picture: Path | None,
) -> None:
    """Compare studies, CPUs and published results side by side.

    Shows which system is best at a given accuracy: by latency and by throughput, also per core, GHz
    and watt, and per price if --facts gives it. A system is a study, a name of 'dse import', a
    table of published results or a submission tree. JSON and CSV have all systems.

    \b
    Examples:
      dse compare quickstart v3.0
      dse compare v3.0 --accuracy 70 --by throughput
      dse compare bert.csv --accuracy 89.97 --by throughput_per_core
      dse compare desktop board --facts facts.yaml --picture both.png
    """  # noqa: D301  # click keeps the lines after this mark
    if as_json and as_csv:
        raise click.UsageError("--json and --csv exclude each other; give one of them")
    from dse.compare.choice import sort_by
    from dse.compare.comparison import compare as compared
    from dse.compare.picture import draw_frontiers
    from dse.compare.systems import gather_systems
    from dse.report.picture import check_name
    from dse.results.read import read_results

    if picture is not None:
        check_name(picture)
    results = [each for source in sources for each in read_results(source, storage, task=task)]
    gathered = gather_systems(results, derivation)
    comparison = compared(gathered, accuracies, accelerators=accelerators)
    order = sort_by(comparison, by)
    if as_json:
        from dse.compare.choice import next_command
        from dse.compare.summary import as_object

        following = {"next": next_command(comparison, order)}
        click.echo(json.dumps(as_object(comparison, order) | following))
    elif as_csv:
        from dse.compare.summary import as_csv as table

        write_content(table(comparison))
    else:
        from dse.commands.compare_text import show, show_points
        from dse.commands.console import console

        if points:
            show_points(comparison, console())
        show(comparison, order, console(), every=every, agreement=agreement)
    if picture is not None:
        draw_frontiers(comparison.ranked, picture)
        write_line(f"picture: {picture}", err=True)
