"""The command line: the one place where an error becomes an exit code."""

from __future__ import annotations

import os
import sys
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

import click

from dse import __version__
from dse.core.errors import DseError, RequestError

if TYPE_CHECKING:
    from collections.abc import Iterable

INTERRUPTED = 130
HINTS = {
    **dict.fromkeys(("-v", "--verbose"), "It goes before the command: dse -v ..."),
    **dict.fromkeys(("-q", "--quiet"), "It goes before the command: dse -q ..."),
    "--repeats": "Use --settle TIME instead, or --settle 0 to measure everything once.",
}
"""What helps against an option that a command does not have."""
COMMANDS = {
    "backends": "List the runtimes, whether they can be used here, and how to get them.",
    "bench": "Measure any model with random inputs that fit its signature.",
    "bundle": "Write STUDY into one file, to be merged or compared on another machine.",
    "compare": "Compare studies, CPUs and published results side by side.",
    "explore": "Measure the configurations of SPACE and find the Pareto frontier.",
    "export": "Write validated points of STUDY as an MLPerf submission.",
    "fleet": "Explore a space on many machines, with a study for each CPU.",
    "frontier": "Show the Pareto-optimal configurations of a study.",
    "import": "Store published MLPerf results for comparisons and warm starts.",
    "merge": "Add the trials of bundles to studies, one study for each CPU.",
    "models": "List the models that dse knows, download their files, and describe your own.",
    "pick": "Pick the one configuration of STUDY that is best within your limits.",
    "report": "Write a report of a study: a page for the browser, tables and pictures.",
    "serve": "Serve a page that runs, watches, compares and submits explorations.",
    "show": "Show one configuration of STUDY, how it was measured, and code to deploy it.",
    "status": "Show the progress of a study, the quality of its values, and what failed.",
    "studies": "List the studies and imports in studies/.",
    "system": "Describe this CPU and print the fingerprint that a study is bound to.",
    "validate": "Run the frontier of STUDY by MLPerf's own rules.",
}
"""The first line of each command's help: for `dse --help` no command is imported."""


class LazyGroup(click.Group):
    """Imports a command when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The names of the commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """A command by its name; None where there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module = "importing" if cmd_name == "import" else cmd_name
        name = "import_" if cmd_name == "import" else cmd_name
        found: click.Command = getattr(import_module(f"dse.cli.{module}"), name)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Lists the commands with the first line of their help."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 90},
)
@click.version_option(__version__, "-V", "--version", prog_name="dse")
@click.option(
    "-v",
    "--verbose",
    count=True,
    help="Log the steps on stderr; twice for details. Goes before the command.",
)
@click.option(
    "-q", "--quiet", is_flag=True, help="Print only results and errors. Goes before the command."
)
@click.pass_context
def dse(context: click.Context, verbose: int, *, quiet: bool) -> None:
    """Find the models and settings that are Pareto-optimal on this CPU.

    Measures model variants, precisions, runtimes, thread counts and batch sizes with MLPerf's
    LoadGen and stores the results in a study that can be resumed.
    """
    from dse.commands.log import hide_log, show_log
    from dse.tasks import registry  # noqa: F401 (the qualities of tasks become metrics)

    if quiet and verbose:
        raise click.UsageError("--quiet and --verbose exclude each other; give one of them")
    context.call_on_close(partial(hide_log, show_log(-1 if quiet else verbose)))


def main(arguments: list[str] | None = None) -> None:
    """Runs a command and exits: 0 done, 1 the work failed, 2 wrong request, 130 interrupted."""
    sys.exit(run(arguments))


def run(arguments: list[str] | None = None) -> int:
    """Runs a command; returns its exit code, after at most one line on stderr."""
    if not os.path.isabs(os.environ.get("HOME", "/")):  # noqa: PTH117
        del os.environ["HOME"]  # libraries would make folders at that place of the working one
    try:
        code = dse.main(arguments, prog_name="dse", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 2
    except click.NoSuchOption as error:
        hint = HINTS.get(error.option_name, "")
        return _fail(f"{error.format_message()} {hint}", error.exit_code)
    except click.ClickException as error:
        return _fail(error.format_message(), error.exit_code)
    except RequestError as error:
        return _fail(error.headline, error.exit_code, error.details)
    except DseError as error:
        return _fail(str(error), error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        return _fail_interrupted()
    except SystemExit:
        # click and rich leave like this when the reader of our output has enough of it.
        return 0
    except (OSError, RuntimeError) as error:
        return _fail_of_system(error)
    return code if isinstance(code, int) else 0


def _fail_interrupted() -> int:
    from dse.core.thread_limit import REMEDY, can_start_threads

    if not can_start_threads(os.cpu_count() or 1):  # then numpy interrupts the process it is in
        return _fail(f"thread limit: numpy can't start its threads; {REMEDY}", DseError.exit_code)
    return _fail("interrupted; what was done is stored", INTERRUPTED)


def _fail_of_system(error: OSError | RuntimeError) -> int:
    """Says what the system refuses, such as a full disk: its own words say all that is known."""
    from dse.core.thread_limit import REMEDY, says_thread_limit

    limited = says_thread_limit(str(error))
    if isinstance(error, RuntimeError) and not limited:
        raise error
    sys.stdout = None  # what it still holds can't be written: no second error at exit
    file, words = getattr(error, "filename", None), getattr(error, "strerror", None) or error
    told = f"{file}: {words}" if file else str(words)
    if isinstance(error, PermissionError) and isinstance(file, str):
        told = f"{file}: {_explain_denial(error, file)}"
    return _fail(f"thread limit: {told}; {REMEDY}" if limited else told, DseError.exit_code)


def _explain_denial(error: PermissionError, file: str) -> str:
    """Says whose a file is that can't be looked at, and what to do if it is of the cache."""
    from pathlib import Path

    from dse.core.access import choose_remedy, explain_denial
    from dse.core.paths import is_cached

    path = Path(file)
    remedy = f"; {choose_remedy(error, path, cached=True)}" if is_cached(path) else ""
    return f"{explain_denial(error, path, os.R_OK)}{remedy}"


def _fail(message: str, code: int, details: Iterable[str] = ()) -> int:
    from dse.cli.output import write_line
    from dse.core.wording import WIDTH, wrap_words

    write_line(f"dse: {' '.join(message.split())}", err=True)
    for detail in details:
        for line in wrap_words(f"  {detail}", WIDTH):
            write_line(line, err=True)
    return code
