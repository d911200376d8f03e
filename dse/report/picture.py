"""The frontier as a picture: quality over log latency, coloured by backend."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, pairwise
from typing import TYPE_CHECKING

from dse.core.errors import RequestError
from dse.core.metrics import COSTS, LATENCY, METRICS, MULTI_STREAM, SERVER, THROUGHPUT, is_quality
from dse.core.paths import check_named, write_named
from dse.core.requirements import Requirement
from dse.report._labels import box_around, draw_labels
from dse.report.summary import accuracy_source

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from dse.report._labels import Place
    from dse.study.record import Record

PICTURE_SUFFIXES = (".png", ".svg", ".pdf")
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
"""Okabe and Ito's colours, which colour-blind readers can tell apart."""
_COSTS = tuple(metric.name for metric in COSTS)
ANSWER = "#a3006d"
"""The colour of limits and of the point that was chosen."""
MARGINS = {"left": 0.1, "right": 0.985, "bottom": 0.1, "top": 0.94}
"""Around the frontier: matplotlib's search for the least ones takes longer than the drawing."""
DOTS_PER_INCH = 130
POINT_REACH, RING_REACH = 4.0, 8.5
"""How far a point and the ring around the answer reach, in typographic points."""


def check_name(file: Path) -> None:
    """Refuses a picture that can't be drawn or written, before anything is computed.

    Raises:
        RequestError: the file has another suffix than `PICTURE_SUFFIXES`, or what is there is no
            regular file.
    """
    if file.suffix.lower() not in PICTURE_SUFFIXES:
        problem = f"'{file.suffix}' is not a picture format"
        remedy = f"end the name with {', '.join(PICTURE_SUFFIXES)}"
        raise RequestError(problem, file=file, field="--picture", remedy=remedy)
    check_named(file)


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
        records: all measured points that keep to the constraints; what lacks a value of one of the
            two metrics is left out.
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
    records, leading, behind = (
        [r for r in each if all(name in r.outcome.values for name in metrics)]
        for each in (records, leading, behind)
    )
    with drawing((9, 5.5), files, MARGINS) as figure:
        axes = figure.add_subplot()
        _points(axes, records, leading, behind, metrics)
        _stairs(axes, leading, metrics)
        _axes(axes, records, metrics)
        if answer is not None:
            _answer(axes, answer, metrics)
        # Where it would be anyway: matplotlib's search for that takes a tenth of the drawing.
        axes.set_title(title, fontsize=10, loc="left", y=1.0)
        _names(axes, leading, behind, metrics, answer)


@contextmanager
def drawing(
    size: tuple[float, float], files: Sequence[Path], margins: Mapping[str, float] | None = None
) -> Iterator[Figure]:
    """A figure to draw on; at the end of the block it is written.

    Args:
        size: width and height in inches.
        files: where it goes; suffixes tell the formats.
        margins: around its axes, as parts of the size; None for the least that the labels need.

    Yields:
        The figure.

    Raises:
        UnavailableError: matplotlib is not installed.
        RequestError: what is there is no regular file.
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
        figure = Figure(figsize=size, dpi=DOTS_PER_INCH, layout=None if margins else "constrained")
        FigureCanvasAgg(figure)
        if margins:
            figure.subplots_adjust(**margins)
        yield figure
        if engine := figure.get_layout_engine():
            engine.execute(figure)
            figure.set_layout_engine("none")  # once for all files
        for file in files:
            form = file.suffix.lower().removeprefix(".")
            undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(form)
            with write_named(file) as stream:
                figure.savefig(stream, dpi="figure", format=form, metadata=undated)


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
    for colour, name in zip(cycle(COLOURS), sorted(set(map(_backend, records))), strict=False):
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
    path = _path(best_records(leading, metrics), metrics)
    if len(path) > 1:
        axes.plot(*zip(*path, strict=True), color="#888888", linewidth=0.8, zorder=1)


def _path(best: Sequence[Record], metrics: tuple[str, str]) -> list[Place]:
    """The corners of the stairs through the best points."""
    path: list[Place] = []
    for across, up in (_place(each, metrics) for each in best):
        path += [*([(across, path[-1][1])] if path else []), (across, up)]
    return path


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


def best_records(records: Sequence[Record], metrics: tuple[str, str]) -> list[Record]:
    """The records that no other is better than in both metrics, the best across first.

    Args:
        records: each has a value of both; of several with the same values the first one counts.
        metrics: across and up.
    """
    signs = [-1 if METRICS[name].direction == "maximize" else 1 for name in metrics]

    def losses(record: Record) -> tuple[float, float]:
        across, up = _place(record, metrics)
        return signs[0] * across, signs[1] * up

    best: list[Record] = []
    for record in sorted(records, key=losses):
        if not best or losses(record)[1] < losses(best[-1])[1]:
            best.append(record)
    return best


def _intervals(
    axes: Axes, records: Sequence[Record], metrics: tuple[str, str], colour: str
) -> None:
    """What is known of the horizontal values; along the other axis all have seen the same."""
    for record in records:
        if ends := _ends(record, metrics):
            axes.plot(*zip(*ends, strict=True), color=colour, linewidth=1, zorder=1)


def _ends(record: Record, metrics: tuple[str, str]) -> tuple[Place, Place] | None:
    """Both ends of the interval of the horizontal value; None where it is not known."""
    measurement = record.outcome.measurement(metrics[0])
    if measurement is None or measurement.interval is None:
        return None
    (low, high), (_, height) = measurement.interval, _place(record, metrics)
    return (low, height), (high, height)


def _names(
    axes: Axes,
    leading: Sequence[Record],
    behind: Sequence[Record],
    metrics: tuple[str, str],
    answer: PictureOfAnswer | None,
) -> None:
    """Names the answer and the best points of the two metrics, where the names cover nothing."""
    horizontal, vertical = metrics
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    chosen, limits = ([answer.record], answer.limits) if answer else ([], {})
    best = best_records(leading, metrics)
    lines = [*pairwise(_path(best, metrics))]
    if horizontal in limits:
        lines.append(((limits[horizontal], bottom), (limits[horizontal], top)))
    if vertical in limits:
        lines.append(((left, limits[vertical]), (right, limits[vertical])))
    solid = [box_around(axes, *ends) for ends in lines]
    for records, reach in (((*leading, *behind), POINT_REACH), (chosen, RING_REACH)):
        solid += [box_around(axes, _place(each, metrics), reach=reach) for each in records]
    faint = [box_around(axes, *ends) for each in leading if (ends := _ends(each, metrics))]
    ends_first = [*best[:1], *best[1:][-1:], *best[1:-1]]
    names = [(_name(each), _place(each, metrics), RING_REACH) for each in chosen]
    names += [(_name(each), _place(each, metrics), POINT_REACH) for each in ends_first]
    # Beyond the best points lies nothing that they do not dominate.
    left_first = METRICS[horizontal].direction == "minimize"
    draw_labels(axes, names, solid, faint, left_first=left_first)


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


def _place(record: Record, metrics: tuple[str, str]) -> Place:
    """Where a point is."""
    values = record.outcome.values
    return values[metrics[0]], values[metrics[1]]


def _name(record: Record) -> str:
    return f"{record.configuration.model} {record.configuration.precision}"


def _backend(record: Record) -> str:
    """The backend; in a replay the recorded runtime."""
    return str(dict(record.configuration.knobs).get("runtime", record.configuration.backend))
