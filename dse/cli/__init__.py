"""The command line: the one place where an error becomes an exit code."""

from __future__ import annotations

import sys

import click

from dse import __version__
from dse.cli.backends import backends
from dse.cli.bench import bench
from dse.cli.compare import compare
from dse.cli.explore import explore
from dse.cli.export import export
from dse.cli.frontier import frontier
from dse.cli.importing import import_
from dse.cli.models import models
from dse.cli.report import report
from dse.cli.status import status
from dse.cli.system import system
from dse.cli.validate import validate
from dse.core.errors import DseError
from dse.tasks import registry  # noqa: F401 (the qualities of tasks become metrics)

INTERRUPTED = 130


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="dse")
def dse() -> None:
    """Find the image classifiers that are Pareto-optimal on this CPU.

    Measures model variants, precisions, runtimes, thread counts and batch sizes through MLPerf's
    LoadGen and keeps what it measured in a study that can be resumed.
    """


for command in (
    *(explore, status, frontier, report, validate, export, bench),
    *(import_, compare, models, backends, system),
):
    dse.add_command(command)


def main(arguments: list[str] | None = None) -> None:
    """Runs a command and exits: 0 done, 1 the work failed, 2 wrong request, 130 interrupted."""
    sys.exit(run(arguments))


def run(arguments: list[str] | None = None) -> int:
    """Runs a command; returns its exit code, after at most one line on stderr."""
    try:
        code = dse.main(arguments, prog_name="dse", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 2
    except click.ClickException as error:
        return _fail(error.format_message(), error.exit_code)
    except DseError as error:
        return _fail(str(error), error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        return _fail("interrupted; what was done is stored", INTERRUPTED)
    except SystemExit:
        # So leave click and rich when whoever reads our output has enough of it.
        return 0
    except OSError as error:
        # Such as a full disk, met where no one knows more of it than the system says.
        sys.stdout = None  # what it still holds can't be written: no second error at exit
        where = f"{error.filename}: " if error.filename else ""
        return _fail(f"{where}{error.strerror or error}", DseError.exit_code)
    return code if isinstance(code, int) else 0


def _fail(message: str, code: int) -> int:
    click.echo(f"dse: {' '.join(message.split())}", err=True)
    return code
