"""``dse fleet``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dse.cli.completion import complete_space
from dse.cli.options import (
    DURATION,
    environment_option,
    json_option,
    memory_limit_option,
    run_timeout_option,
    sampler_option,
    seed_option,
    settle_option,
    stop_gain_option,
)
from dse.cli.output import write_line

if TYPE_CHECKING:
    from collections.abc import Callable

PASSED_ON = {"ignore_unknown_options": True}
"""The settings of a command that hands its options to another one."""
OPTIONS = ("sampler", "seed", "run_timeout", "memory_limit", "settle", "tie", "stop_gain")
certificates_option = click.option(
    "--certificates",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder with the fleet's certificates; needed wherever another machine takes part.",
)
name_argument = click.argument("name", metavar="NAME")
options_argument = click.argument("options", metavar="[OPTIONS]...", nargs=-1)


@click.group()
def fleet() -> None:
    """Explore a space on many machines, with a study for each CPU."""


@fleet.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--days",
    metavar="N",
    type=click.IntRange(1, 3650),
    default=825,
    show_default=True,
    help="How long they are valid.",
)
def certificates(folder: Path, days: int) -> None:
    """Make the certificates of a fleet: an authority, scheduler, node and client.

    A node needs ca.pem, node.pem and node-key.pem. Whoever has a key of a fleet can run programs on
    all of its machines.

    \b
    Examples:
      dse fleet certificates fleet-certificates
    """  # noqa: D301  # click keeps the lines after this mark
    from dse.commands.next_step import print_next
    from dse.fleet.certificates import make_certificates

    for file in make_certificates(folder, days):
        write_line(str(file))
    print_next(f"dse fleet scheduler --host HOST --certificates {folder}")


@fleet.command()
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Name or number of this machine, as the nodes reach it.",
)
@click.option(
    "--port",
    metavar="N",
    type=click.IntRange(0, 65535),
    default=8786,
    show_default=True,
    help="Port to listen at; 0 for any that is free.",
)
@certificates_option
def scheduler(host: str, port: int, certificates: Path | None) -> None:
    """Run the scheduler of a fleet, at which nodes and coordinators meet.

    It keeps nothing: it can be ended and started again.

    \b
    Examples:
      dse fleet scheduler
      dse fleet scheduler --host head --certificates fleet-certificates
    """  # noqa: D301  # click keeps the lines after this mark
    from dse.fleet.address import parse_address
    from dse.fleet.certificates import Certificates
    from dse.fleet.scheduler import serve

    text = f"[{host}]" if ":" in host else host
    address = parse_address(f"{text}:{port}", certificates=certificates is not None, field="--host")
    serve(address, Certificates(certificates) if certificates else None, _say)


@fleet.command()
@click.argument("address", metavar="ADDRESS")
@certificates_option
@click.option(
    "--folder",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the node's studies and files [default: in the user's data folder].",
)
@click.option(
    "--port",
    metavar="N",
    type=click.IntRange(0, 65535),
    default=0,
    help="Port at which the scheduler reaches this node [default: any that is free].",
)
@click.option("--once", is_flag=True, help="End when the scheduler does.")
@click.option(
    "--have",
    metavar="DIR",
    multiple=True,
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Folder with models or samples that need not be sent. Can be given several times.",
)
def node(
    address: str,
    certificates: Path | None,
    folder: Path | None,
    port: int,
    have: tuple[Path, ...],
    *,
    once: bool,
) -> None:
    """Measure on this machine for the fleet of the scheduler at ADDRESS.

    Measures one configuration at a time, and waits for the scheduler while it is away. Ctrl-C
    finishes the current run and leaves.

    \b
    Examples:
      dse fleet node tls://head:8786 --certificates fleet-certificates
    """  # noqa: D301  # click keeps the lines after this mark
    from dse.fleet import node as nodes
    from dse.fleet.address import parse_address
    from dse.fleet.certificates import Certificates
    from dse.fleet.place import Place, default_folder

    parsed = parse_address(address, certificates=certificates is not None, field="ADDRESS")
    nodes.run(
        parsed,
        Certificates(certificates) if certificates else None,
        Place((folder or default_folder()).absolute()),
        _say,
        port=port,
        once=once,
        own=have,
    )


def _nodes_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Where the nodes come from; see `dse.commands.fleet.Nodes`."""
    for option in reversed(
        (
            click.option(
                "--scheduler",
                metavar="ADDRESS",
                help="Use the nodes at this scheduler, such as tls://head:8786.",
            ),
            click.option(
                "--hosts",
                metavar="FILE",
                type=click.Path(path_type=Path, dir_okay=False),
                help="Start a node by ssh on each machine of this YAML file.",
            ),
            click.option(
                "--slurm",
                metavar="FILE",
                type=click.Path(path_type=Path, dir_okay=False),
                help="Submit this job script, which starts nodes, with sbatch.",
            ),
            click.option(
                "--local",
                metavar="N",
                type=click.IntRange(1, 64),
                help="Start N nodes on this machine, to try a fleet: they take turns.",
            ),
            certificates_option,
            click.option(
                "--listen",
                metavar="HOST",
                help="Name or number of this machine for nodes of --hosts and --slurm [default: "
                "its full name].",
            ),
        )
    ):
        command = option(command)
    return command


@fleet.command()
@click.argument("space", metavar="SPACE", shell_complete=complete_space)
@_nodes_options
@click.option(
    "--study",
    metavar="NAME",
    help="Name of the studies; each CPU's is NAME@FINGERPRINT [default: the name of SPACE].",
)
@click.option(
    "--dataset",
    metavar="DIR",
    type=click.Path(path_type=Path, exists=True),
    help="Measure accuracy on this data set; nodes get a copy [default: use published figures].",
)
@click.option(
    "--models",
    metavar="DIR",
    type=click.Path(path_type=Path, exists=True),
    help="Use the model files of this folder; nodes get a copy [default: the builtin, untrained "
    "models, which each node makes].",
)
@click.option(
    "--n-trials",
    metavar="N",
    type=click.IntRange(min=1),
    help="Stop after N configurations on each CPU.",
)
@click.option(
    "--timeout",
    type=DURATION,
    help="Begin nothing after this long, e.g. 2h; what is in hand is finished.",
)
@click.option(
    "--assignment",
    "assignment_s",
    type=DURATION,
    default="10m",
    show_default=True,
    help="How long a node explores before it reports.",
)
@click.option("--stay", is_flag=True, help="Wait for further nodes when all is done.")
@sampler_option
@seed_option
@run_timeout_option
@memory_limit_option
@settle_option(None, "as long as exploring took")
@click.option(
    "--tie",
    metavar="PERCENT",
    type=click.FloatRange(min=0, max=50),
    help="Treat values as equal once they are shown to differ by less than this [default: 2].",
)
@stop_gain_option
@environment_option
def explore(**options: Any) -> int:
    """Explore SPACE on the nodes of a fleet; each CPU gets a study.

    Give the same command again to go on, whatever has ended it. Ctrl-C lets each node finish its
    current run.

    \b
    Examples:
      dse fleet explore quickstart --local 2
      dse fleet explore quickstart --scheduler tls://head:8786 --certificates DIR
    """  # noqa: D301  # click keeps the lines after this mark
    from dse.commands.fleet import Nodes
    from dse.commands.fleet import explore as explored
    from dse.fleet.request import FleetRequest
    from dse.fleet.spec import Options

    names = ("scheduler", "certificates", "local", "hosts", "slurm", "listen")
    nodes = Nodes(**{name: options.pop(name) for name in names})
    how = {name: options.pop(name) for name in OPTIONS}
    environment = options.pop("environment")
    return explored(FleetRequest(**options, options=Options(**how, environment=environment)), nodes)


@fleet.command()
@name_argument
@click.option(
    "--scheduler", metavar="ADDRESS", help="Also ask this scheduler for the nodes that are there."
)
@certificates_option
@json_option
def status(name: str, scheduler: str | None, certificates: Path | None, *, as_json: bool) -> None:
    """Show the nodes of a fleet, what each does, and why it is idle or refused.

    \b
    Examples:
      dse fleet status quickstart
    """  # noqa: D301  # click keeps the lines after this mark
    from dse.commands.console import console, print_lines
    from dse.commands.fleet import live_lines
    from dse.fleet.folder import FleetFolder
    from dse.fleet.status import FleetStatus

    found = FleetStatus.read(FleetFolder.of(name).nodes)
    live = live_lines(scheduler, certificates) if scheduler else []
    if as_json:
        click.echo(json.dumps({**asdict(found), "running": found.running, "live": live}))
        return
    print_lines([*found.lines(), *live], console())


@fleet.command(context_settings=PASSED_ON)
@name_argument
@options_argument
def frontier(name: str, options: tuple[str, ...]) -> None:
    """Show the frontier of each CPU of a fleet.

    OPTIONS are those of `dse frontier`. JSON has a line for each CPU.

    \b
    Examples:
      dse fleet frontier quickstart
    """  # noqa: D301  # click keeps the lines after this mark
    from dse.cli.frontier import frontier as shown

    for study in _studies(name):
        if not {"--json", "--csv"} & set(options):
            write_line(study)
        _call(shown, "frontier", [study, *options])


@fleet.command(context_settings=PASSED_ON)
@name_argument
@options_argument
def compare(name: str, options: tuple[str, ...]) -> None:
    """Compare the CPUs of a fleet.

    OPTIONS are those of `dse compare`, and further studies or tables.

    \b
    Examples:
      dse fleet compare quickstart
      dse fleet compare quickstart v3.0 --accuracy 70
    """  # noqa: D301  # click keeps the lines after this mark
    from dse.cli.compare import compare as compared
    from dse.commands.console import print_lines
    from dse.commands.log import messages

    studies = _studies(name)
    if len(studies) == 1 and all(option.startswith("-") for option in options):
        print_lines(
            [f"one CPU only: {studies[0]}; a node of another CPU, or `dse merge`, adds one"],
            messages(),
        )
    _call(compared, "compare", [*studies, *options])


@fleet.command(context_settings=PASSED_ON)
@name_argument
@options_argument
def report(name: str, options: tuple[str, ...]) -> None:
    """Write a report of each CPU of a fleet.

    OPTIONS are those of `dse report`.

    \b
    Examples:
      dse fleet report quickstart
    """  # noqa: D301  # click keeps the lines after this mark
    from dse.cli.report import report as written
    from dse.core.errors import RequestError

    studies = _studies(name)
    if len(studies) > 1 and any(each.startswith("--output") for each in options):
        problem = f"the reports of {len(studies)} CPUs can't have one folder"
        raise RequestError(problem, field="--output", remedy="leave it out")
    for study in studies:
        _call(written, "report", [study, *options])


def _studies(name: str) -> list[str]:
    from dse.fleet.folder import FleetFolder

    return [folder.name_or_path for folder in FleetFolder.of(name).existing_studies()]


def _call(command: click.Command, name: str, words: list[str]) -> None:
    command.main(words, prog_name=f"dse {name}", standalone_mode=False)


def _say(line: str) -> None:
    write_line(line, err=True)
