"""``dse system``."""

from __future__ import annotations

import json

import click

from dse.cli.options import json_option


@click.command()
@json_option
def system(*, as_json: bool) -> None:
    """Describe this CPU and print the fingerprint that a study is bound to."""
    from dse.system import detect

    here = detect()
    if as_json:
        click.echo(json.dumps({"fingerprint": here.fingerprint, **here.as_dict()}))
        return
    for name, text in here.describe():
        click.echo(f"{name}: {text}")
