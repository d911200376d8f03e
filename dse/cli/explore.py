"""``dse explore``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dse.cli.options import (
    Duration,
    environment_option,
    memory_limit_option,
    repeats_option,
    run_timeout_option,
    storage_option,
)
from dse.explore.samplers import BORROWER, SAMPLERS

if TYPE_CHECKING:
    from dse.commands.explore import ExploreRequest


@click.command()
@click.argument("space", metavar="SPACE")
@click.option("--study", metavar="NAME", help="Name or folder of the study [default: SPACE's].")
@click.option(
    "--dataset",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Labelled images to measure accuracy on; without them it is the published one.",
)
@click.option(
    "--models",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Folder of model files with a models.yaml, instead of the builtin untrained models.",
)
@storage_option
@click.option("--n-trials", type=click.IntRange(min=1), help="Stop after N configurations.")
@click.option(
    "--timeout", type=Duration(), help="Start no new configuration after this long, e.g. 2h."
)
@click.option(
    "--sampler",
    type=click.Choice(tuple(SAMPLERS)),
    default=BORROWER,
    show_default=True,
    help="Chooses the next configuration.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Random seed: the same seed gives the same order.",
)
@run_timeout_option
@memory_limit_option
@repeats_option(default=3)
@click.option(
    "--retry-failed",
    is_flag=True,
    help="Try again what ran out of time or memory, crashed or gave an invalid run.",
)
@click.option(
    "--stop-gain",
    metavar="PERCENT",
    type=click.FloatRange(min=0, max=100),
    default=1.0,
    show_default=True,
    help="Leave out the rest when it is expected to add less to the frontier's hypervolume; "
    "0 to measure everything. Only the sampler frontier can tell.",
)
@click.option(
    "--warm-start",
    metavar="FILE|STUDY",
    multiple=True,
    help="Let results of another system lead the search: a study, or a table of published "
    "results. Can be given several times.",
)
@environment_option
@click.option("--per-cpu", is_flag=True, help="Give each CPU a study of its own.")
def explore(**options: object) -> int:
    """Measure the configurations of SPACE and find the Pareto frontier.

    SPACE is the name of a search space or a YAML file. The same command again resumes the study.
    Ctrl-C finishes the run in hand and saves.
    """
    from dse.commands.explore import ExploreRequest, run

    request: ExploreRequest = ExploreRequest(**options)  # type: ignore[arg-type]  # click checked the types
    return run(request)
