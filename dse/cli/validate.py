"""``dse validate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dse.cli.options import SIZE, into, storage_option, study_argument

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
    help="The data set that the study was explored with.",
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
    help="Validate only this point [default: the frontier]. Can be given several times.",
)
@click.option(
    "--scenario",
    "scenarios",
    type=click.Choice(SCENARIOS),
    multiple=True,
    help="Run only this scenario [default: those of the objectives]. Can be given several times.",
)
@click.option(
    "--memory-limit",
    type=SIZE,
    help="Most memory for one run, LoadGen's queries included [default: nine tenths of what is "
    "free].",
)
@click.option("--again", is_flag=True, help="Repeat runs that are valid already.")
@click.option("--dry-run", is_flag=True, help="Only show what would be run and how long it takes.")
@click.option(
    "--rehearsal",
    is_flag=True,
    help="Shorten every run to seconds, to see that everything works. Its results do not count.",
)
@into("dse.commands.validate:ValidateRequest")
def validate(request: ValidateRequest) -> int:
    """Run the frontier of STUDY by MLPerf's own rules.

    Each point takes a performance run of ten minutes or more for each scenario of the objectives
    and, with a data set, an accuracy run over all of it. The time this takes is shown first. Give
    the same command again to continue with what is missing. Ctrl-C finishes the current run.
    """
    from dse.commands.validate import run

    return run(request)
