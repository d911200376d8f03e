"""``dse studies``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from dse.cli.options import json_option
from dse.core.wording import format_count

if TYPE_CHECKING:
    from dse.results.stored import StoredResults


@click.command()
@json_option
def studies(*, as_json: bool) -> None:
    """List the studies and imports in studies/.

    \b
    Examples:
      dse studies
      dse studies --json
    """  # noqa: D301  # click keeps the lines after this mark
    from dse.commands.console import console, print_lines
    from dse.commands.next_step import print_next
    from dse.results.stored import stored_results

    found = stored_results()
    if as_json:
        click.echo(json.dumps({"studies": [_object(each) for each in found]}))
        return
    none = ["there is no study and no import in studies/"]
    print_lines([line for each in found for line in _lines(each)] or none, console())
    first = next((each for each in found if each.kind == "study"), None)
    step = f"dse frontier {first.name}" if first else "dse explore quickstart"
    print_next(step)


def _object(each: StoredResults) -> dict[str, Any]:
    return {
        "name": each.name,
        "kind": each.kind,
        "configurations": {
            "measured": each.configurations,
            "failed": each.failed,
            "remaining": each.remaining,
        },
        "systems": list(each.systems),
        "task": each.task,
        "changed": each.changed.isoformat(timespec="seconds") if each.changed else None,
        "problem": each.problem or None,
    }


def _lines(each: StoredResults) -> list[str]:
    """What it is, then what it is of."""
    if each.kind == "unreadable":
        return [f"{each.name}: can't be read: {each.problem}"]
    changed = f", changed {each.changed:%Y-%m-%d %H:%M}" if each.changed else ""
    if each.kind == "import":
        systems = format_count(len(each.systems), "system")
        rows = format_count(each.configurations or 0, "configuration")
        return [f"{each.name}: import of {systems} with {rows}{changed}"]
    counts = f"{each.configurations:,} measured, {each.failed:,} failed, {each.remaining:,} left"
    return [f"{each.name}: {counts}{changed}", f"  {each.task} on {', '.join(each.systems)}"]
