"""The frontier as a picture: quality over log latency, coloured by backend."""

from __future__ import annotations

import logging
import math
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING

from dse.core.errors import RequestError
from dse.core.metrics import COSTS, LATENCY, METRICS, MULTI_STREAM, SERVER, THROUGHPUT, is_quality
from dse.core.paths import atomic_write
from dse.core.requirements import Requirement
from dse.report.summary import accuracy_source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from dse.study.record import Record

PICTURE_SUFFIXES = (".png", ".svg", ".pdf")
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
"""Okabe and Ito's colours, which colour-blind readers can tell apart."""
_COSTS = tuple(metric.name for metric in COSTS)
ANSWER = "#a3006d"
"""The colour of limits and of the point that was chosen."""
MARGINS = {"left": 0.1, "right": 0.985, "bottom": 0.1, "top": 0.94}
"""Around the frontier if its names are short: matplotlib's search for the least ones takes longer
than the drawing."""
SHORT_NAME = 30
MAX_NAMES = 30
"""More names than this, one above the other, would cover each other."""


def check_name(file: Path) -> None:
    """Refuses a picture format that can't be drawn, before anything is computed.

    Raises:
        RequestError: the file has another suffix than `PICTURE_SUFFIXES`.
    """
    if file.suffix.lower() not in PICTURE_SUFFIXES:
        problem = f"'{file.suffix}' is not a picture format"
        remedy = f"end the name with {', '.join(PICTURE_SUFFIXES)}"
        raise RequestError(problem, file=file, field="--picture", remedy=remedy)


def axes_metrics(objectives: Sequence[str]) -> tuple[str, str] | None:
    """The metrics of the horizontal and vertical axis; None where there are not two."""
    across = (LATENCY.name, MULTI_STREAM.name, THROUGHPUT.name, SERVER.name, *_COSTS)
    up = (*filter(is_quality, objectives), THROUGHPUT.name, SERVER.name)
    horizontal = next((m for m in across if m in objectives), None)
    vertical = next((m for m in up if m in objectives and m != horizontal), None)
    return (horizontal, vertical) if horizontal and vertical else None


@dataclass(frozen=True, slots=True)
class PictureOfAnswer:
    """What is marked in a picture.

    Attributes:
        record: the point that was chosen.
        limits: the bounds that it keeps to, by metric.
    """

    record: Record
    limits: Mapping[str, float]


def draw(
    records: Sequence[Record],
    leading: Sequence[Record],
    behind: Sequence[Record],
    metrics: tuple[str, str],
    title: str,
    files: Sequence[Path],
    answer: PictureOfAnswer | None = None,
) -> None:
    """Writes the picture; its formats follow the files' suffixes (.png, .svg, .pdf).

    Args:
        records: all measured points that keep to the constraints.
        leading: those that lead, or are tied with those.
        behind: the other points of the frontier, drawn hollow.
        metrics: on the horizontal and the vertical axis.
        title: above the picture.
        files: where it goes.
        answer: what to mark in it; None for nothing.

    Raises:
        UnavailableError: matplotlib is not installed.
        DseError: a file can't be written.
    """
    short = all(len(_name(record)) <= SHORT_NAME for record in leading)
    with drawing((9, 5.5), files, MARGINS if short else None) as figure:
        axes = figure.add_subplot()
        _points(axes, records, leading, behind, metrics)
        _stairs(axes, leading, metrics)
        _names(axes, leading, metrics)
        _axes(axes, records, metrics)
        if answer is not None:
            _answer(axes, answer, metrics)
        # Where it would be anyway: matplotlib's search for that takes a tenth of the drawing.
        axes.set_title(title, fontsize=10, loc="left", y=1.0)


@contextmanager
def drawing(
    size: tuple[float, float], files: Sequence[Path], margins: Mapping[str, float] | None = None
) -> Iterator[Figure]:
    """A figure to draw on; at the end of the block it is written.

    Args:
        size: width and height in inches.
        files: where it goes; suffixes tell the formats.
        margins: around its only axes, as parts of the size; None for the least that the labels
            need.

    Yields:
        The figure.

    Raises:
        UnavailableError: matplotlib is not installed.
        DseError: a file can't be written.
    """
    # Without a home folder it makes itself a temporary one, and warns of that.
    logging.getLogger("matplotlib").addFilter(_is_error)
    try:
        from matplotlib import rc_context
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise Requirement("pictures", ("matplotlib",), "report").error(error) from error
    # A name with dollar signs is a name, no formula; the same study gives the same file.
    with rc_context({"text.parse_math": False, "svg.hashsalt": "dse"}):
        figure = Figure(figsize=size, layout=None if margins else "constrained")
        FigureCanvasAgg(figure)
        yield figure
        if engine := figure.get_layout_engine():
            engine.execute(figure)
            figure.set_layout_engine("none")  # once for all files
        else:
            figure.subplots_adjust(**(margins or {}))
        for file in files:
            form = file.suffix.lower().removeprefix(".")
            undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(form)
            with atomic_write(file) as stream:
                figure.savefig(stream, dpi=130, format=form, metadata=undated)


def _is_error(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.ERROR


def _points(
    axes: Axes,
    records: Sequence[Record],
    leading: Sequence[Record],
    behind: Sequence[Record],
    metrics: tuple[str, str],
) -> None:
    horizontal, vertical = metrics
    on = {record.id for record in (*leading, *behind)}
    for colour, name in zip(cycle(COLOURS), _backends(records), strict=False):
        rest, hollow, full = (
            [r for r in each if _backend(r) == name] for each in (records, behind, leading)
        )
        rest = [r for r in rest if r.id not in on]
        for chosen, style in (
            (rest, {"color": colour, "alpha": 0.25, "s": 22, "linewidths": 0}),
            (hollow, {"facecolors": "white", "edgecolors": colour}),
            (
                full,
                {"color": colour, "s": 48, "edgecolors": "black", "linewidths": 0.7, "label": name},
            ),
        ):
            if not chosen:
                continue  # the legend names what is drawn
            axes.scatter(
                [r.outcome.values[horizontal] for r in chosen],
                [r.outcome.values[vertical] for r in chosen],
                zorder=2 + (chosen is not rest),
                **style,
            )
        _intervals(axes, full, metrics, colour)


def _stairs(axes: Axes, leading: Sequence[Record], metrics: tuple[str, str]) -> None:
    """The best that there is of the two metrics alone, as a line of steps."""
    path: list[tuple[float, float]] = []
    for across, up in best_pairs((record.outcome.values for record in leading), metrics):
        path += [*([(across, path[-1][1])] if path else []), (across, up)]
    if len(path) > 1:
        axes.plot(*zip(*path, strict=True), color="#888888", linewidth=0.8, zorder=1)


def _answer(axes: Axes, answer: PictureOfAnswer, metrics: tuple[str, str]) -> None:
    """A line at each limit in the picture, and a ring around the point that was chosen."""
    horizontal, vertical = metrics
    for name, draw_line, (low, high) in (
        (horizontal, axes.axvline, axes.get_xlim()),
        (vertical, axes.axhline, axes.get_ylim()),
    ):
        if name in answer.limits and low <= answer.limits[name] <= high:
            draw_line(answer.limits[name], color=ANSWER, linestyle="--", linewidth=1.0)
    values = answer.record.outcome.values
    axes.scatter(
        [values[horizontal]],
        [values[vertical]],
        s=220,
        facecolors="none",
        edgecolors=ANSWER,
        linewidths=2,
        zorder=4,
    )


def best_pairs(
    values: Iterable[Mapping[str, float]], metrics: tuple[str, str]
) -> list[tuple[float, float]]:
    """The pairs of two metrics that no other pair is better than in both, the best across first.

    Args:
        values: of points, by metric; each has both.
        metrics: across and up.
    """
    across, up = ((name, -1 if METRICS[name].direction == "maximize" else 1) for name in metrics)
    pairs = sorted(
        ((each[across[0]], each[up[0]]) for each in values),
        key=lambda pair: (across[1] * pair[0], up[1] * pair[1]),
    )
    best: list[tuple[float, float]] = []
    for pair in pairs:
        if not best or up[1] * pair[1] < up[1] * best[-1][1]:
            best.append(pair)
    return best


def _intervals(
    axes: Axes, records: Sequence[Record], metrics: tuple[str, str], colour: str
) -> None:
    """What is known of the horizontal values; along the other axis all have seen the same."""
    horizontal, vertical = metrics
    for record in records:
        measurement = record.outcome.measurement(horizontal)
        if measurement is not None and measurement.interval is not None:
            height = record.outcome.values[vertical]
            axes.hlines(height, *measurement.interval, color=colour, linewidth=1, zorder=1)


def _names(axes: Axes, frontier: Sequence[Record], metrics: tuple[str, str]) -> None:
    """Names the best points of the two metrics shown, as far as no name covers another."""
    horizontal, vertical = metrics
    lower_is_better = METRICS[horizontal].direction == "minimize"
    heights = [record.outcome.values[vertical] for record in frontier]
    apart = (max(heights, default=0.0) - min(heights, default=0.0)) / MAX_NAMES
    best = -math.inf
    for record in sorted(
        frontier, key=lambda r: r.outcome.values[horizontal], reverse=not lower_is_better
    ):
        height = record.outcome.values[vertical]
        if height <= best + apart:
            continue
        best = height
        # Beyond the best point of its kind, where nothing can lie that it does not dominate.
        axes.annotate(
            _name(record),
            (record.outcome.values[horizontal], height),
            xytext=(-6, 3) if lower_is_better else (6, 3),
            textcoords="offset points",
            horizontalalignment="right" if lower_is_better else "left",
            fontsize=7,
        )


def _axes(axes: Axes, records: Sequence[Record], metrics: tuple[str, str]) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter

    axes.set_xlabel(_label(metrics[0], records))
    axes.set_ylabel(_label(metrics[1], records))
    if records:
        axes.set_xscale("log")
        axes.margins(x=0.2)  # room for the names
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter(NullFormatter())
        if axes.get_legend_handles_labels()[0]:
            axes.legend(title="leads", loc="lower right", fontsize=8)
    axes.grid(visible=True, which="both", alpha=0.2)


def _label(metric: str, records: Sequence[Record]) -> str:
    text = f"{METRICS[metric].title} [{METRICS[metric].unit}]"
    if is_quality(metric) and any(accuracy_source(r) == "published" for r in records):
        text += ", published"
    return text


def _name(record: Record) -> str:
    return f"{record.configuration.model} {record.configuration.precision}"


def _backend(record: Record) -> str:
    """The backend; in a replay the recorded runtime."""
    return str(dict(record.configuration.knobs).get("runtime", record.configuration.backend))


def _backends(records: Sequence[Record]) -> list[str]:
    return sorted({_backend(record) for record in records})
