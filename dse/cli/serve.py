"""``dse serve``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dse.cli.options import into
from dse.cli.output import write_line
from dse.serve.request import PORT

if TYPE_CHECKING:
    from dse.serve.request import ServeRequest


def _on_terminal() -> bool:
    return sys.stdout.isatty()


@click.command()
@click.option(
    "--host",
    metavar="ADDRESS",
    default="127.0.0.1",
    show_default=True,
    help="Address of this machine to listen at. One that others can reach needs TLS.",
)
@click.option(
    "--port",
    metavar="N",
    type=click.IntRange(0, 65535),
    default=PORT,
    show_default=True,
    help="Port to listen at; 0 for any that is free.",
)
@click.option(
    "--socket",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Listen at a Unix socket instead, which you alone can reach.",
)
@click.option(
    "--certificate",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Encrypt connections (TLS) with this certificate, in PEM.",
)
@click.option(
    "--key",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The private key of the certificate.",
)
@click.option(
    "--models",
    metavar="DIR",
    multiple=True,
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Offer the model files of this folder. Can be given several times.",
)
@click.option(
    "--dataset",
    "datasets",
    metavar="DIR",
    multiple=True,
    type=click.Path(path_type=Path, exists=True),
    help="Offer this data set. Can be given several times.",
)
@click.option(
    "--checker",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Clone of mlcommons/inference, whose checkers look at submissions.",
)
@click.option(
    "--allow-host",
    metavar="NAME",
    multiple=True,
    help="Also answer under this name, such as localhost:9000 behind a tunnel. Can be given "
    "several times.",
)
@click.option("--read-only", is_flag=True, help="Show everything; start and change nothing.")
@click.option(
    "--browser/--no-browser",
    default=_on_terminal,
    help="Open the page in a browser [default: on a terminal with a display].",
)
@into("dse.serve.request:ServeRequest")
def serve(request: ServeRequest) -> None:
    """Serve a page that runs, watches, compares and submits explorations.

    Prints the address to open, with the token that lets you in. What is started from the page goes
    on without the page, the browser and this command, which Ctrl-C ends. It serves the studies and
    spaces of the working folder.

    \b
    Examples:
      dse serve
      dse serve --models models --dataset images --port 9000
      dse serve --read-only --socket dse.sock
    """  # noqa: D301  # click keeps the lines after this mark
    from dse.commands.serve import run

    run(request, write_line)
