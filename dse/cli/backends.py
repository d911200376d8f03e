"""``dse backends``."""

from __future__ import annotations

import json

import click

from dse.cli.options import json_option


@click.command()
@json_option
def backends(*, as_json: bool) -> None:
    """List the runtimes, which are usable here, and how to get the others."""
    from dse import registry
    from dse.errors import UnavailableError

    rows = []
    for name in registry.BACKENDS:
        backend = registry.backend(name)
        try:
            version, problem, remedy = registry.runtime_version(name), None, None
        except UnavailableError as error:
            version, problem, remedy = None, error.problem, error.remedy
        rows.append(
            {
                "backend": name,
                "usable": version is not None,
                "version": version,
                "formats": list(backend.formats),
                "precisions": list(backend.precisions),
                "knobs": [knob.name for knob in backend.knobs],
                "problem": problem,
                "remedy": remedy,
            }
        )
    if as_json:
        click.echo(json.dumps({"backends": rows}))
        return
    for row in rows:
        state = f"{row['version']}" if row["usable"] else f"not usable: {row['remedy']}"
        formats = ", ".join(row["formats"]) or "no model file"  # type: ignore[arg-type]
        knobs = ", ".join(row["knobs"])  # type: ignore[arg-type]
        click.echo(f"{row['backend']}: {state} (reads {formats}; knobs: {knobs})")
