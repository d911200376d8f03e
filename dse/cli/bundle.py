"""``dse bundle``."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from dse.cli.options import storage_option, study_argument


@click.command()
@study_argument
@storage_option
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Where to write it [default: STUDY.bundle].",
)
def bundle(study: str, storage: str | None, output: Path | None) -> None:
    """Write STUDY into one file, to be merged or compared on another machine.

    A bundle has all that was measured, the description of the CPU, versions, checksums and
    LoadGen's summaries, and the names of the machines. It holds nothing that can be executed.

    \b
    Examples:
      dse bundle quickstart
      dse bundle quickstart -o laptop.bundle
    """  # noqa: D301  # click keeps the lines after this mark
    from dse.bundles.writing import write_bundle
    from dse.commands.console import console, print_lines
    from dse.commands.next_step import print_next
    from dse.core.wording import format_count
    from dse.study.folder import existing_folder
    from dse.study.study import Study

    opened = Study.load(existing_folder(study), storage)
    file = output or Path(f"{opened.folder.name}.bundle")
    written = write_bundle(opened, file)
    trials, size = format_count(written.trials, "trial"), f"{written.size / 1024:,.0f} KiB"
    print_lines([f"{file}: {trials} on {opened.system.title}, {size}"], console())
    print_next(f"on another machine: dse merge {shlex.quote(file.name)}")
