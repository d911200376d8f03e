"""The pictures that are kept beside a study."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.core.wording import format_count
from dse.machine.system import System
from dse.report._curves import draw_effects, draw_progress
from dse.report.effects import effects
from dse.report.picture import axes_metrics, draw
from dse.report.progress import progress
from dse.report.quantities import quantities
from dse.report.standing import split_frontier

if TYPE_CHECKING:
    from pathlib import Path

    from dse.report.view import View
    from dse.study.study import Study

FORMATS = ("png", "svg")


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
    best, behind = split_frontier(study.results.frontier)
    draw(records, best, behind, metrics, _title(study), [study.folder.picture])
    return study.folder.picture


def write_pictures(view: View, folder: Path) -> list[Path]:
    """Draws all there is to draw of a study into a folder, as PNG and SVG; gives the files.

    Raises:
        UnavailableError: matplotlib is not installed.
        DseError: a file can't be written.
    """
    study = view.study
    title, written = _title(study), []
    frontier, curve, knobs = (
        [folder / f"{name}.{form}" for form in FORMATS]
        for name in ("frontier", "progress", "effects")
    )
    metrics = axes_metrics([metric.name for metric in view.objectives])
    if metrics is not None and view.records:
        draw(view.records, *split_frontier(view.frontier), metrics, title, frontier)
        written += frontier
    if steps := progress(study):
        draw_progress(steps, title, curve)
        written += curve
    compared = [metric for metric in quantities(view) if metric.name in view.metrics]
    if draw_effects(effects(study.records.values(), compared), compared, title, knobs):
        written += knobs
    return written


def _title(study: Study) -> str:
    system = System.from_dict(study.about.system)
    return f"{study.folder.name}: {system.cpu}, {format_count(system.available_cpus, 'CPU')}"
