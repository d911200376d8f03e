"""``dse backends``."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dse.cli.options import json_option
from dse.cli.output import write_line
from dse.core.wording import WIDTH, wrap_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dse.core.backend import Backend
    from dse.environments.availability import RuntimeAvailability


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def backends(context: click.Context, *, as_json: bool) -> None:
    """List the runtimes, whether they can be used here, and how to get them.

    \b
    Examples:
      dse backends
      dse backends install deepsparse tflite-runtime
    """  # noqa: D301  # click keeps the lines after this mark
    if context.invoked_subcommand is not None:
        if as_json:
            raise click.UsageError(f"--json does not go with '{context.invoked_subcommand}'")
        return
    from dse.commands.next_step import print_next
    from dse.core.registry import BACKENDS
    from dse.environments.availability import runtime_availabilities

    found = runtime_availabilities(BACKENDS)
    if as_json:
        click.echo(json.dumps({"backends": [_row(*each) for each in found.items()]}))
        return
    _show(found)
    print_next("dse explore quickstart")


@backends.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option(
    "--python",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Use this Python [default: the one on the PATH].",
)
@click.option("--reinstall", is_flag=True, help="Install again even if it is installed.")
def install(names: tuple[str, ...], *, python: Path | None, reinstall: bool) -> int:
    """Install runtimes that need an environment of their own.

    deepsparse and tflite-runtime support Python 3.11 and numpy 1 at most. They share an
    environment in the cache, in which their workers run. pytorch, which executorch joins,
    tensorflow and onnxruntime-openvino have one each, with the version of Python that dse
    itself runs in.

    \b
    Examples:
      dse backends install deepsparse tflite-runtime
      dse backends install deepsparse --python /opt/python3.11
    """  # noqa: D301  # click keeps the lines after this mark
    from dse.environments.availability import runtime_availabilities
    from dse.environments.install import install

    logging.getLogger("dse.environments").setLevel(logging.INFO)  # it takes minutes
    install(names, python=python, anew=reinstall)
    found = runtime_availabilities(dict.fromkeys(names))
    _show(found)
    return 0 if all(availability.error is None for availability in found.values()) else 1


def _row(name: str, found: RuntimeAvailability) -> dict[str, Any]:
    from dse.core.backend import devices_of

    described = _described(name)
    return {
        "backend": name,
        "usable": found.error is None,
        "version": found.version,
        "environment": found.environment,
        "formats": list(described.formats) if described else [],
        "precisions": list(described.precisions) if described else [],
        "knobs": [knob.name for knob in described.knobs] if described else [],
        "devices": list(devices_of(described)) if described else [],
        "lacks": [f"{one.name}={one.value}" for one in found.lacks],
        "problem": found.error.problem if found.error else None,
        "remedy": found.error.remedy if found.error else None,
    }


def _described(name: str) -> Backend | None:
    """The backend; None where the distribution that offers it is broken."""
    from dse.core.errors import UnavailableError
    from dse.core.registry import backend

    try:
        return backend(name)
    except UnavailableError:
        return None


def _show(found: Mapping[str, RuntimeAvailability]) -> None:
    for name, availability in found.items():
        for line in wrap_words(_line(name, availability), WIDTH):
            write_line(line)


def _line(name: str, found: RuntimeAvailability) -> str:
    from dse.core.paths import shorten_home
    from dse.environments.interpreters import unusable

    if found.error:
        state = f"not usable: {str(found.error).replace(unusable(name), '')}"
    elif found.environment == "own":
        state = f"{found.version}"
    else:
        state = f"{found.version} in {shorten_home(str(found.python))}"
    described = _described(name)
    if described is None:
        return f"{name}: {state}"
    formats = ", ".join(described.formats) or "no model file"
    knobs = ", ".join(knob.name for knob in described.knobs)
    lacks = ", ".join(f"{one.name}={one.value}" for one in found.lacks)
    without = f"; not here: {lacks}" if lacks else ""
    return f"{name}: {state} (reads {formats}; knobs: {knobs}{without})"
