"""``dse validate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dse.cli.options import (
    SIZE,
    Repeatable,
    into,
    json_option,
    point_options,
    storage_option,
    study_argument,
)

if TYPE_CHECKING:
    from dse.commands.validate import ValidateRequest

SCENARIOS = ("SingleStream", "MultiStream", "Offline", "Server")


@click.command(cls=Repeatable)
@study_argument
@storage_option
@click.option(
    "--dataset",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Folder of the labelled samples [default: that of the exploration].",
)
@click.option(
    "--models",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Folder of the model files [default: that of the exploration].",
)
@point_options
@click.option(
    "--division",
    type=click.Choice(["open", "closed"]),
    default="open",
    show_default=True,
    help="Division of the submission; closed adds all scenarios and the compliance tests.",
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
    help="Memory limit for one run, LoadGen's queries included [default: nine tenths of the "
    "free memory].",
)
@click.option("--again", is_flag=True, help="Repeat runs that are valid already.")
@click.option("--dry-run", is_flag=True, help="Only show what would be run and how long it takes.")
@click.option(
    "--rehearsal",
    is_flag=True,
    help="Shorten every run to seconds, to see that everything works. Its results do not count.",
)
@click.option("--anyway", is_flag=True, help="Also run points that `dse export` would refuse.")
@json_option
@into("dse.commands.validate:ValidateRequest")
def validate(request: ValidateRequest) -> int:
    """Run the frontier of STUDY by MLPerf's own rules.

    Each point takes a performance run of ten minutes or more for each scenario of the objectives
    and, with a data set, an accuracy run over all of it. The command shows the time first. It
    leaves out points that others seem ahead of, unless --points names them. Give the same command
    again to continue with missing runs. Ctrl-C finishes the current run.

    \b
    Examples:
      dse validate small --dry-run
      dse validate small --rehearsal
      dse validate small --decided --where 'latency_p90_ms < 5'
      dse validate small --points 3,7 --scenario Offline
      dse validate small --division closed --dry-run
    """  # noqa: D301  # click keeps the lines after this mark
    from dse.commands.validate import run

    return run(request)
