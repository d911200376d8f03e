"""``dse import``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dse.core.wording import format_count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dse.results.table import ResultTable


@click.command("import")
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option(
    "--name",
    metavar="NAME",
    help="Store the results of all FILEs under this name [default: each under its own name].",
)
def import_(files: tuple[Path, ...], name: str | None) -> None:
    """Store published MLPerf results for comparisons and warm starts.

    A FILE is a table of published results, the summary.csv of MLPerf's submission checker, or the
    folder of a submission tree, of any task with a benchmark of MLPerf; or a bundle of a study,
    as `dse bundle` writes it. Each is stored as studies/NAME/imported.json, with the name and the
    SHA-256 of the file. Repeating an import changes nothing.

    \b
    Examples:
      dse import v3.0.csv
      dse import results.csv more.csv --name v3.0
    """  # noqa: D301  # click keeps the lines after this mark
    from dse.commands.next_step import print_next

    together = [files] if name is not None else [(file,) for file in files]
    tasks = dict(_import(each, name) for each in together)
    first = next(iter(tasks.values()))[0]
    names = [shlex.quote(each) for each, own in tasks.items() if first in own]
    choice = f" --task {first}" if any(own[1:] for own in tasks.values() if first in own) else ""
    print_next(f"dse compare {' '.join(names)}{choice}")


def _import(files: Sequence[Path], name: str | None) -> tuple[str, list[str]]:
    """Stores the results of files together.

    Returns:
        What names them on the command line, and the names of their tasks.
    """
    from dse.commands.console import console, print_lines
    from dse.core.errors import RequestError
    from dse.results.imported import Import, keep, name_for, source
    from dse.results.read import read_file
    from dse.study.folder import study_folder

    chosen = name if name is not None else name_for(files[0])
    if not chosen:
        raise RequestError("has no name for a folder", file=files[0], remedy="give one with --name")
    folder = study_folder(chosen)
    results = tuple(each for file in files for each in read_file(file))
    read = Import(tuple(source(file) for file in files), results)
    new = keep(read, folder)
    tasks = [*dict.fromkeys(each.task for each in results)]
    of_tasks = {task: [each for each in results if each.task == task] for task in tasks}
    lines = [
        f"{folder.imported}: {_count(results)}{'' if new else ', unchanged'}",
        *(f"  {task}: {_count(own)}" for task, own in of_tasks.items() if len(tasks) > 1),
        *(f"  {each.file}, SHA-256 {each.sha256}" for each in read.sources),
    ]
    print_lines(lines, console())
    left_out = (f"left out: {line}" for each in results for line in each.left_out)
    print_lines(left_out, console(stderr=True))
    return folder.name_or_path, tasks


def _count(results: Sequence[ResultTable]) -> str:
    rows = sum(len(each.rows) for each in results)
    systems = format_count(len(results), "system")
    return f"{systems} with {format_count(rows, 'configuration')}"
