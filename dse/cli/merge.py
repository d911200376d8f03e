"""``dse merge``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dse.cli.options import storage_option

if TYPE_CHECKING:
    from dse.bundles.bundle import Bundle
    from dse.study.folder import StudyFolder


@click.command()
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option(
    "--study",
    metavar="NAME",
    help="Merge into this study [default: one for each CPU, named STUDY@FINGERPRINT].",
)
@storage_option
def merge(files: tuple[Path, ...], study: str | None, storage: str | None) -> None:
    """Add the trials of bundles to studies, one study for each CPU.

    Each FILE was written by `dse bundle`. All are checked before anything is written. Trials that
    are known already are skipped, so repeating a merge changes nothing. A bundle of another system,
    space, runtime version, data set or model file than the study's is refused.

    \b
    Examples:
      dse merge laptop.bundle server.bundle
      dse merge laptop.bundle --study both
    """  # noqa: D301  # click keeps the lines after this mark
    from dse.bundles.merging import folder_for, merge_all
    from dse.bundles.reading import read_bundle
    from dse.commands.console import console, print_lines
    from dse.commands.next_step import print_next
    from dse.core.wording import format_count
    from dse.study.folder import STUDIES, study_folder

    bundles: dict[StudyFolder, list[Bundle]] = {}
    for read in map(read_bundle, files):
        folder = study_folder(study) if study is not None else folder_for(read, STUDIES)
        bundles.setdefault(folder, []).append(read)
    for folder, own in bundles.items():
        merged = merge_all(own, folder, storage)
        new, known = format_count(merged.new, "new trial"), f"{merged.known:,} known before"
        print_lines([f"{folder.name_or_path}: {new}, {known}"], console())
    names = [shlex.quote(folder.name_or_path) for folder in bundles]
    print_next(f"dse frontier {names[0]}" if len(names) == 1 else f"dse compare {' '.join(names)}")
