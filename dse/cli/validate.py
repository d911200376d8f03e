"""``dse validate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dse.cli.options import Size, storage_option, study_argument

if TYPE_CHECKING:
    from dse.commands.validate import ValidateRequest

SCENARIOS = ("SingleStream", "MultiStream", "Offline", "Server")


@click.command()
@study_argument
@storage_option
@click.option(
    "--dataset",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="The labelled images that the study was explored with.",
)
@click.option(
    "--models",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="The folder of model files that the study was explored with.",
)
@click.option(
    "--point",
    "points",
    metavar="ID",
    type=click.IntRange(min=0),
    multiple=True,
    help="Validate this point only; may be given several times [default: the frontier].",
)
@click.option(
    "--scenario",
    "scenarios",
    type=click.Choice(SCENARIOS),
    multiple=True,
    help="Run this scenario only; may be given several times [default: those of the objectives].",
)
@click.option(
    "--memory-limit",
    type=Size(),
    help="Most memory for one run, LoadGen's queries included [default: nine tenths of what is "
    "free].",
)
@click.option("--again", is_flag=True, help="Take valid runs again, too.")
@click.option("--dry-run", is_flag=True, help="Only tell what would be run and how long it takes.")
@click.option(
    "--rehearsal",
    is_flag=True,
    help="Shorten every run to seconds, to see that all goes through; counts for nothing.",
)
def validate(**options: object) -> int:
    """Run the frontier of STUDY by MLPerf's own rules.

    Each point takes a performance run of ten minutes or more for each scenario of the objectives
    and, with a data set, an accuracy run over all of it. Says beforehand how long that takes. The
    same command again goes on with what is missing. Ctrl-C finishes the run in hand.
    """
    from dse.commands.validate import ValidateRequest, run

    request: ValidateRequest = ValidateRequest(**options)  # type: ignore[arg-type]  # click checked the types
    return run(request)
