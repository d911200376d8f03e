"""The pictures that are kept beside a study."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.core.errors import RequestError
from dse.core.printable import to_printable
from dse.core.wording import format_count
from dse.report._curves import draw_effects, draw_progress
from dse.report.effects import effects
from dse.report.picture import PictureOfAnswer, axes_metrics, draw
from dse.report.progress import progress
from dse.report.quantities import quantities
from dse.report.standing import split_frontier
from dse.report.view import View

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from dse.study.record import Record
    from dse.study.study import Study

FORMATS = ("png", "svg")


def write(study: Study) -> Path | None:
    """Draws the frontier into the study's folder; None where there are not two objectives.

    Raises:
        UnavailableError: matplotlib is not installed.
        DseError: the file can't be written.
    """
    files = [study.folder.picture]
    return study.folder.picture if _draw_frontier(View(study), files) else None


def draw_answer(view: View, record: Record, limits: Mapping[str, float], file: Path) -> None:
    """Draws the frontier with a point that was chosen and the limits that it keeps to.

    Args:
        view: the points that count.
        record: the point.
        limits: bounds by metric.
        file: see `dse.report.picture.check_name`.

    Raises:
        UnavailableError: matplotlib is not installed.
        RequestError: the metrics are not two that can be drawn.
        DseError: the file can't be written.
    """
    metrics = axes_metrics([*limits, *(metric.name for metric in view.objectives)])
    known = record.outcome.values
    if metrics is None or not all(name in known for name in metrics):
        problem = "needs a quality or a throughput, and another objective"
        raise RequestError(problem, field="--picture", remedy="leave it out")
    chosen = PictureOfAnswer(record, limits)
    draw(view.records, *split_frontier(view.frontier), metrics, _title(view.study), [file], chosen)


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
    if _draw_frontier(view, frontier):
        written += frontier
    if steps := progress(study):
        draw_progress(steps, title, curve)
        written += curve
    compared = [metric for metric in quantities(view) if metric.name in view.metrics]
    if draw_effects(effects(study.records.values(), compared), compared, title, knobs):
        written += knobs
    return written


def _draw_frontier(view: View, files: Sequence[Path]) -> bool:
    """Draws a frontier; False where there are not two objectives to draw, or no points."""
    metrics = axes_metrics([metric.name for metric in view.objectives])
    if metrics is None or not view.records:
        return False
    draw(view.records, *split_frontier(view.frontier), metrics, _title(view.study), files)
    return True


def _title(study: Study) -> str:
    system = study.system
    cpus = format_count(system.available_cpus, "CPU")
    return to_printable(f"{study.folder.name}: {system.cpu}, {cpus}")
