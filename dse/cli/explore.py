"""``dse explore``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dse.cli.completion import complete_space
from dse.cli.options import (
    DURATION,
    environment_option,
    memory_limit_option,
    run_timeout_option,
    sampler_option,
    seed_option,
    settle_option,
    stop_gain_option,
    storage_option,
)


@click.command()
@click.argument("space", metavar="SPACE", shell_complete=complete_space)
@click.option(
    "--study", metavar="NAME", help="Name or folder of the study [default: the name of SPACE]."
)
@click.option(
    "--dataset",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Measure accuracy on this data set, such as labelled images "
    "[default: use published figures].",
)
@click.option(
    "--models",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Use the model files of this folder, which has a models.yaml [default: the builtin, "
    "untrained models].",
)
@storage_option
@click.option(
    "--n-trials", metavar="N", type=click.IntRange(min=1), help="Stop after N configurations."
)
@click.option(
    "--timeout",
    type=DURATION,
    help="Start no new configuration and no round after this long, e.g. 2h. The one in hand is "
    "finished: a configuration with the making of its model file and its accuracy run, or a round. "
    "Waiting for other processes counts, reading models and samples beforehand does not.",
)
@sampler_option
@seed_option
@run_timeout_option
@memory_limit_option
@settle_option(None, "as long as exploring took")
@click.option(
    "--tie",
    metavar="PERCENT",
    type=click.FloatRange(min=0, max=50),
    help="Treat values as equal once they are shown to differ by less than this [default: the "
    "study's, 2 in a new one].",
)
@click.option(
    "--retry-failed",
    is_flag=True,
    help="Retry configurations that ran out of time or memory, crashed or gave an invalid run.",
)
@stop_gain_option
@click.option(
    "--warm-start",
    metavar="FILE|STUDY",
    multiple=True,
    help="Guide the search by the results of another system: a study, or a table of published "
    "results. Can be given several times.",
)
@environment_option
@click.option("--per-cpu", is_flag=True, help="Keep a separate study for each CPU.")
@click.option(
    "--dry-run",
    is_flag=True,
    help="Only show what would be measured, how long it takes, and what can't run here.",
)
def explore(*, dry_run: bool, **options: Any) -> int:
    """Measure the configurations of SPACE and find the Pareto frontier.

    SPACE is the name of a search space or a YAML file. Give the same command again to resume the
    study; it remembers its --models and --dataset. Ctrl-C finishes the current run and saves.

    \b
    Examples:
      dse explore quickstart
      dse explore quickstart --settle 10m
      dse explore own-models --models my-models --dataset my-images
    """  # noqa: D301  # click keeps the lines after this mark
    from dse.exploration.request import ExploreRequest

    request = ExploreRequest(**options)
    if dry_run:
        from dse.commands.explore_preview import preview

        return preview(request)
    from dse.commands.explore import run

    return run(request)
