"""The frontiers of several systems in one picture: accuracy over latency and throughput."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Literal

from dse.compare.summary import AXES
from dse.core.errors import RequestError
from dse.core.metrics import METRICS
from dse.report.picture import COLOURS, drawing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from dse.compare.systems import ComparedSystem

DASHES = ("-", "--", ":", "-.")
"""Line styles, used if there are more systems than colours."""


def draw_frontiers(systems: Sequence[ComparedSystem], file: Path) -> None:
    """Writes the picture; its format follows the file's suffix.

    Args:
        systems: the systems; those without a frontier are left out.
        file: the file to write; see `dse.report.picture.check_name`.

    Raises:
        UnavailableError: matplotlib is not installed.
        RequestError: no system has a frontier.
        DseError: the file can't be written.
    """
    known = [metric for metric in AXES if any(system.frontier(metric) for system in systems)]
    if not known:
        problem = "no system has accuracies with a latency or a throughput"
        raise RequestError(problem, file=file, remedy="compare systems that have both")
    size = 7.0 * len(known), 5 + 0.19 * len(systems) / len(known)
    with drawing(size, [file]) as figure:
        panels = figure.subplots(1, len(known), sharey=True, squeeze=False)[0]
        for axes, metric in zip(panels, known, strict=True):
            _panel(axes, systems, metric)
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(known), fontsize=7)


def _panel(axes: Axes, systems: Sequence[ComparedSystem], metric: str) -> None:
    """The frontiers over one metric; each panel has a line for every system, even an empty one."""
    from matplotlib.ticker import LogLocator, NullFormatter

    styles = cycle([(colour, dash) for dash in DASHES for colour in COLOURS])
    better: Literal["post", "pre"] = "post" if METRICS[metric].direction == "minimize" else "pre"
    inferred = False
    for system, (colour, dash) in zip(systems, styles, strict=False):
        entries = system.frontier(metric)
        inferred = inferred or any(metric in each.row.inferred for each in entries)
        pairs = sorted((each.row.values[metric], each.accuracy) for each in entries)
        across, up = [x for x, _ in pairs], [y for _, y in pairs]
        measured = system.measured
        axes.step(
            across,
            up,
            where=better,
            color=colour,
            linestyle=dash,
            linewidth=2.0 if measured else 1.1,
            marker="o" if measured else ".",
            markersize=5 if measured else 4,
            label=_legend(system),
        )
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    among = ", some inferred" if inferred else ""
    axes.set_xlabel(f"{METRICS[metric].title} [{METRICS[metric].unit}]{among}")
    quality = METRICS[systems[0].quality]
    axes.set_ylabel(f"{quality.title} [{quality.unit}]")
    axes.grid(visible=True, which="both", alpha=0.2)


def _legend(system: ComparedSystem) -> str:
    sources = [" and ".join(system.sources)]
    if system.accuracy_sources not in ((), system.sources):
        sources.append(f"accuracy {' and '.join(system.accuracy_sources)}")
    return f"{system.name} ({', '.join(sources)})"
