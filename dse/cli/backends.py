"""``dse backends``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dse.cli.options import json_option

if TYPE_CHECKING:
    from collections.abc import Iterable


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def backends(context: click.Context, *, as_json: bool) -> None:
    """List the runtimes, which are usable here, and how to get the others."""
    if context.invoked_subcommand is not None:
        if as_json:
            raise click.UsageError(f"--json does not go with '{context.invoked_subcommand}'")
        return
    from dse.registry import BACKENDS

    rows = _rows(BACKENDS)
    if as_json:
        click.echo(json.dumps({"backends": rows}))
        return
    for row in rows:
        click.echo(_line(row))


@backends.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option(
    "--python",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="The Python to install for, instead of the one found on the PATH.",
)
@click.option("--reinstall", is_flag=True, help="Install again what is there.")
def install(names: tuple[str, ...], *, python: Path | None, reinstall: bool) -> int:
    """Install runtimes that need an environment of their own.

    deepsparse and tflite-runtime end at Python 3.11 and numpy 1: they share an environment in the
    cache, where their workers run, so that nothing else has to wait for them.
    """
    from dse.environments.install import Order, install

    install(Order(names, python, reinstall, lambda line: click.echo(line, err=True)))
    rows = _rows(dict.fromkeys(names))
    for row in rows:
        click.echo(_line(row))
    return 0 if all(row["usable"] for row in rows) else 1


def _rows(names: Iterable[str]) -> list[dict[str, Any]]:
    from dse import registry
    from dse.environments.availability import availabilities

    rows = []
    for name, found in availabilities(names).items():
        backend = registry.backend(name)
        rows.append(
            {
                "backend": name,
                "usable": found.version is not None,
                "version": found.version,
                "environment": found.environment,
                "formats": list(backend.formats),
                "precisions": list(backend.precisions),
                "knobs": [knob.name for knob in backend.knobs],
                "problem": found.error.problem if found.error else None,
                "remedy": found.error.remedy if found.error else None,
            }
        )
    return rows


def _line(row: dict[str, Any]) -> str:
    state = row["version"] or f"not usable: {row['remedy']}"
    if row["usable"] and row["environment"] != "own":
        state += f" in {_short(row['environment'])}"
    formats = ", ".join(row["formats"]) or "no model file"
    knobs = ", ".join(row["knobs"])
    return f"{row['backend']}: {state} (reads {formats}; knobs: {knobs})"


def _short(path: str) -> str:
    """The path as a shell takes it, with ``~`` for the home folder."""
    home = str(Path.home())
    return f"~{path.removeprefix(home)}" if path.startswith(f"{home}/") else path
