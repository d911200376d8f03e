"""``dse export``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dse.cli.options import Ids, derived_options, storage_option, study_argument
from dse.submission.release import LATEST, RELEASES

if TYPE_CHECKING:
    from dse.submission.export import ExportRequest

STATUSES = ("available", "preview", "rdi")


@click.command()
@study_argument
@storage_option
@click.option("--submitter", metavar="ORG", required=True, help="The organisation that submits.")
@click.option(
    "--output",
    metavar="DIR",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="The root of the submission tree; earlier exports of the submitter in it are kept.",
)
@click.option(
    "--points",
    metavar="IDS",
    type=Ids(),
    default=(),
    help="Export these points, such as 3,7 [default: what is complete on the frontier].",
)
@derived_options
@click.option(
    "--division", type=click.Choice(["open"]), default="open", show_default=True, help="Division."
)
@click.option(
    "--category",
    type=click.Choice(["edge", "datacenter"]),
    default="edge",
    show_default=True,
    help="Category of the system.",
)
@click.option(
    "--release",
    type=click.Choice([*RELEASES]),
    default=LATEST,
    show_default=True,
    help="Round of MLPerf Inference.",
)
@click.option(
    "--system",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A system.yaml with what the system itself does not tell.",
)
@click.option("--system-name", metavar="NAME", help="Name of the system; wins over the file.")
@click.option(
    "--status", type=click.Choice(STATUSES), help="Availability of the system; wins over the file."
)
@click.option(
    "--infer-scenarios",
    is_flag=True,
    help="Let SingleStream stand for scenarios that were not measured, as the rules allow.",
)
@click.option(
    "--preview",
    is_flag=True,
    help="Export runs that are too short or over too few images, in a tree that says so.",
)
@click.option("--dry-run", is_flag=True, help="Only list what is missing, and what supplies it.")
@click.option("--force", is_flag=True, help="Replace files of the tree that differ.")
@click.option(
    "--checker",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="A clone of mlcommons/inference, whose checkers are run on the tree.",
)
def export(**options: object) -> int:
    """Write validated points of STUDY as an open-division MLPerf submission.

    Every rule is checked from LoadGen's logs before anything is written. What the system does not
    tell of itself has to be given. The same export again changes nothing.
    """
    from dse.submission.export import ExportRequest, run

    request: ExportRequest = ExportRequest(**options)  # type: ignore[arg-type]  # click checked the types
    return run(request)
