"""The pictures that are kept beside a study."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.errors import DseError
from dse.report.picture import axes_metrics, draw
from dse.system import System

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from dse.study.study import Study


def write(study: Study) -> Path | None:
    """Draws the frontier into the study's folder; None where there are not two objectives.

    Raises:
        UnavailableError: matplotlib is not installed.
        DseError: the file can't be written.
    """
    space = study.space
    metrics = axes_metrics(space.objectives)
    records = study.feasible_records(space)
    if metrics is None or not records:
        return None
    system = System.from_dict(study.about.system)
    title = f"{study.folder.name}: {system.cpu}, {system.available_cpus} CPUs"
    leading = study.results.leading()
    draw(records, study.frontier(), leading, metrics, title, study.folder.picture)
    return study.folder.picture


def print_picture(study: Study, console: Console) -> None:
    """Draws the picture and tells where it is, or why there is none.

    It is an addition: a study on a read-only or full disk, or one read without matplotlib, has
    its table all the same.
    """
    try:
        picture = write(study)
    except DseError as error:
        console.print(str(error), style="yellow", markup=False, soft_wrap=True)
        return
    if picture is not None:
        console.print(f"picture: {picture}", markup=False, soft_wrap=True)
