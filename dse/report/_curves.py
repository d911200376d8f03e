"""Pictures beside the frontier: the progress of the exploration, and what each knob does."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from dse.report.picture import COLOURS, drawing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from dse.report.effects import Effect
    from dse.report.progress import ProgressStep
    from dse.report.quantities import ReportedMetric

MAX_LEVELS = 16
"""A knob with more of them would need a page of its own."""
LEVEL_INCHES = 0.3
WIDTH = 24
"""Characters of a level's name."""
SECONDS_PER_MINUTE = 60


def draw_progress(steps: Sequence[ProgressStep], title: str, files: Sequence[Path]) -> None:
    """How much of the hypervolume was found when; suffixes of the files tell the formats.

    Raises:
        UnavailableError: matplotlib is not installed.
        DseError: a file can't be written.
    """
    whole = steps[-1].hypervolume or 1.0
    with drawing((9, 4), files) as figure:
        axes = figure.add_subplot()
        axes.step(
            [step.measuring_s / SECONDS_PER_MINUTE for step in steps],
            [100 * step.hypervolume / whole for step in steps],
            where="post",
            color=COLOURS[0],
        )
        axes.set_xlabel("time spent measuring [min]")
        axes.set_ylabel("share of the hypervolume known now [%]")
        axes.set_title(title, fontsize=10, loc="left")
        axes.grid(visible=True, alpha=0.2)


def draw_effects(
    found: Sequence[Effect], metrics: Sequence[ReportedMetric], title: str, files: Sequence[Path]
) -> bool:
    """What each knob does to each metric, a column: medians and quartiles over pairs.

    False where there is nothing to draw; knobs with many levels are left out. Suffixes of the files
    tell the formats.

    Raises:
        UnavailableError: matplotlib is not installed.
        DseError: a file can't be written.
    """
    knobs = [list(group) for _, group in groupby(found, lambda effect: effect.knob)]
    levels = [list(dict.fromkeys(effect.level for effect in knob)) for knob in knobs]
    shown = [pair for pair in zip(knobs, levels, strict=True) if len(pair[1]) < MAX_LEVELS]
    used = {effect.metric for knob, _ in shown for effect in knob}
    drawn = [metric for metric in metrics if metric.name in used]
    if not shown:
        return False
    heights = [LEVEL_INCHES * len(own) + 0.9 for _, own in shown]
    size = (3.2 * len(drawn) + 1.5, sum(heights) + 0.4)
    with drawing(size, files) as figure:
        ratios = {"height_ratios": heights}
        grid = figure.subplots(len(shown), len(drawn), squeeze=False, gridspec_kw=ratios)
        for row, (knob, own) in zip(grid, shown, strict=True):
            for axes, metric in zip(row, drawn, strict=True):
                _panel(axes, [e for e in knob if e.metric == metric.name], own, metric)
            reference = str(knob[0].reference)[:WIDTH]
            first = next(axes for axes in row if axes.get_visible())
            first.set_ylabel(f"{knob[0].knob}\n(against {reference})", fontsize=8)
        figure.suptitle(title, fontsize=10, x=0.01, horizontalalignment="left")
    return True


def _panel(
    axes: Axes, found: Sequence[Effect], levels: Sequence[object], metric: ReportedMetric
) -> None:
    """One knob and one metric."""
    if not found:
        axes.set_visible(False)
        return
    heights = {level: -row for row, level in enumerate(levels)}
    for effect in found:
        axes.plot([effect.low, effect.high], [heights[effect.level]] * 2, color=COLOURS[0])
        axes.plot([effect.middle], [heights[effect.level]], "o", color=COLOURS[0])
    axes.axvline(1.0 if metric.relative else 0.0, color="grey", linewidth=0.8)
    axes.set_ylim(-len(levels) + 0.4, 0.6)
    axes.set_yticks(list(heights.values()), [str(level)[:WIDTH] for level in heights])
    change = "ratio" if metric.relative else "difference"
    axes.set_xlabel(f"{metric.heading}, {change}", fontsize=8)
    axes.tick_params(labelsize=7)
    axes.grid(visible=True, axis="x", alpha=0.2)
