"""``dse status``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from dse.cli.options import json_option, storage_option, study_argument

if TYPE_CHECKING:
    from dse.study.study import Study

REASON_WIDTH = 120
"""Characters of a failure's first line that tell one reason from another."""


@click.command()
@study_argument
@storage_option
@json_option
def status(study: str, storage: str | None, *, as_json: bool) -> None:
    """Tell how far a study is and what failed."""
    from dse.report.summary import status as numbers_of
    from dse.study.folder import existing_folder
    from dse.study.study import Study

    opened = Study.load(existing_folder(study), storage)
    numbers = numbers_of(opened)
    if as_json:
        click.echo(json.dumps(numbers))
        return
    counts = numbers["configurations"]
    click.echo(f"study {numbers['study']}")
    click.echo(
        f"configurations: {counts['measured']} measured, {counts['failed']} failed, "
        f"{counts['remaining']} remaining"
    )
    click.echo(f"measurements taken: {numbers['measurements_taken']}")
    for line in opened.about.excluded:
        click.echo(f"not run: {line}")
    for kind, count in numbers["failures"].items():
        click.echo(f"failures, {kind}: {count}")
        for line in _examples(opened, kind):
            click.echo(f"  {line}")


def _examples(study: Study, kind: str) -> list[str]:
    """One line for each reason, the most frequent first."""
    reasons: dict[str, list[str]] = {}
    for record in study.records.values():
        failure = record.outcome.failure
        if failure is not None and failure.kind.value == kind:
            # Runtimes tell the same reason of each node and shape in further lines.
            reason = failure.message.strip().partition("\n")[0][:REASON_WIDTH]
            reasons.setdefault(reason, []).append(f"#{record.id} {record.configuration}")
    return [
        f"{len(who)} x {reason} (such as {who[0]})"
        for reason, who in sorted(reasons.items(), key=lambda item: -len(item[1]))
    ]
