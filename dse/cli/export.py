"""``dse export``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dse.cli.options import (
    Repeatable,
    into,
    json_option,
    point_options,
    storage_option,
    study_argument,
)
from dse.submission.release import LATEST, RELEASES

if TYPE_CHECKING:
    from dse.commands.export import ExportRequest

STATUSES = ("available", "preview", "rdi")


@click.command(cls=Repeatable)
@study_argument
@storage_option
@click.option("--submitter", metavar="ORG", required=True, help="The organisation that submits.")
@click.option(
    "--output",
    metavar="DIR",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Root folder of the submission; earlier exports of the submitter in it are kept.",
)
@point_options
@click.option(
    "--division",
    type=click.Choice(["open", "closed"]),
    default="open",
    show_default=True,
    help="Division of the submission.",
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
    help="A system.yaml with the facts about the system that can't be detected.",
)
@click.option("--system-name", metavar="NAME", help="Name of the system; overrides the file.")
@click.option(
    "--status", type=click.Choice(STATUSES), help="Availability of the system; overrides the file."
)
@click.option(
    "--infer-scenarios",
    is_flag=True,
    help="Infer scenarios that were not measured from SingleStream, as the rules allow.",
)
@click.option(
    "--preview",
    is_flag=True,
    help="Also export runs that are too short or cover too few samples, in a tree marked as a "
    "preview.",
)
@click.option(
    "--dry-run", is_flag=True, help="Only list what is missing, and the commands that supply it."
)
@click.option("--force", is_flag=True, help="Overwrite files of the tree that differ.")
@click.option(
    "--checker",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="A clone of mlcommons/inference; run its checkers on the tree.",
)
@json_option
@into("dse.commands.export:ExportRequest")
def export(request: ExportRequest) -> int:
    """Write validated points of STUDY as an MLPerf submission.

    Checks every rule against LoadGen's logs before it writes anything. --system gives what can't be
    detected about the system. Without --points it exports the complete points of the frontier.
    Repeating an export changes nothing.

    \b
    Examples:
      dse export small --submitter ORG --output submission --dry-run
      dse export small --submitter ORG --output submission --system system.yaml
      dse export small --submitter ORG --output submission --preview --points 3
      dse export small --submitter ORG --output submission --division closed
    """  # noqa: D301  # click keeps the lines after this mark
    from dse.commands.export import run

    return run(request)
