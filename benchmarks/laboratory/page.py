"""Writes the figures of docs/search.md and their picture; the prose around them stays."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from benchmarks.laboratory import limit
from benchmarks.laboratory.contest import Entry, Run, contest, rows_of, whole_s
from benchmarks.laboratory.limit import with_limits
from benchmarks.laboratory.peers import GP
from benchmarks.laboratory.renaming import TOLD
from benchmarks.laboratory.report import (
    by_knowledge,
    by_rows,
    by_seconds,
    curves,
    grouped,
    summary,
    table,
)
from benchmarks.laboratory.studies import read_tables
from benchmarks.laboratory.tables import sources
from dse.core.errors import RequestError
from dse.exploration._samplers import SAMPLERS
from dse.tasks.image_classification.models.catalogue import sweep_pairs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.laboratory.report import Found

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "search.md"
DATA = ROOT.parent / "shared" / "data"
GRID = DATA / "replay" / "zen4_2core_grid.csv"
PUBLISHED = DATA / "results" / "mlperf_inference_v3.0_edge_open_image_classification.csv"
LATER = DATA / "results" / "mlperf_inference_v3.1_edge_open_power_image_classification.csv"
ENCODERS = Path(__file__).with_name("encoders.bundle")
"""A study of question answering on two cores of a Zen 1, every configuration measured."""
RENAMED = {
    "renamed systems": PUBLISHED,
    "renamed later systems": LATER,
    "renamed grid": GRID,
    "renamed encoders": ENCODERS,
}
"""What is searched under other names, by section."""
GRID_BUDGETS = (0.05, 0.1, 0.15, 0.2, 0.3)
ENCODER_BUDGETS = (0.1, 0.2, 0.3, 0.5)
BUDGETS = (0.1, 0.2, 0.3)
CURVE = tuple(rows / len(sweep_pairs()) for rows in (4, 6, 8, 12, 16, 24))
"""Shares of the rows of a system with all variants."""
FEW_SEEDS = 4
"""Of the grid under other names, where a search takes 20 s."""
WARM = "frontier"
"""The one sampler that makes use of other systems' tables."""
DRAWN = 0.3
"""The share of rows, and of seconds, up to which curves are drawn."""
POINTS = 60


@dataclass(frozen=True, slots=True)
class Part:
    """A section of the page.

    Attributes:
        name: of its markers.
        file: the tables.
        samplers: by name.
        seeds: how many.
        budgets: shares of rows.
        known: which other systems' tables are handed over, see `Entry.known`; each in turn.
        told: what tells of the models, see `Entry.told`; each in turn.
    """

    name: str
    file: Path
    samplers: tuple[str, ...]
    seeds: int
    budgets: tuple[float, ...]
    known: tuple[str, ...] = ("",)
    told: tuple[str, ...] = ("",)

    def entries(self) -> list[Entry]:
        """The searches to make: to the end of the curves both in rows and in seconds."""
        every = read_tables(self.file)
        return [
            Entry(
                one,
                sampler,
                seed,
                rows_of(max(self.budgets), len(one.outcomes)),
                max(self.budgets) * whole_s(one) if by_time(self) else 0.0,
                sources(one, every, unseen=known == "unseen") if known else (),
                known,
                told,
            )
            for one in every
            if one.complete or len(every) == 1
            for sampler in self.samplers
            for known in self.known
            for told in self.told
            for seed in range(self.seeds)
        ]


def by_time(part: Part) -> bool:
    """Whether a section shows shares of the seconds, too."""
    return not any((*part.known, *part.told)) and part.samplers != (GP,)


def parts(samplers: Sequence[str], seeds: int) -> list[Part]:
    """The sections of the page, or only that of Optuna's Gaussian process if it is asked for."""
    if GP in samplers:
        few = (GP,)
        return [
            Part("optuna-gp on the grid", GRID, few, seeds, GRID_BUDGETS),
            Part("optuna-gp on the systems", PUBLISHED, few, seeds, BUDGETS),
        ]
    chosen = tuple(samplers)
    found = [
        Part("grid", GRID, chosen, seeds, GRID_BUDGETS),
        Part("encoders", ENCODERS, chosen, seeds, ENCODER_BUDGETS),
        Part("systems", PUBLISHED, chosen, seeds, BUDGETS),
        Part("later systems", LATER, chosen, seeds, BUDGETS),
    ]
    if WARM in samplers:
        one, known = (WARM,), ("", "unseen", "others")
        found.append(Part("newcomers", PUBLISHED, one, seeds, CURVE, known))
        found.append(Part("later newcomers", LATER, one, seeds, CURVE, known))
        for name, file in RENAMED.items():
            some = min(seeds, FEW_SEEDS) if file is GRID else seeds
            found.append(Part(name, file, one, some, BUDGETS, told=tuple(TOLD)))
    return found


def write(samplers: Sequence[str], seeds: int, processes: int, page: Path = PAGE) -> None:
    """Makes the searches of each section and puts their figures into the page.

    Args:
        samplers: by name; with Optuna's Gaussian process among them only its own figures are made.
        seeds: how many.
        processes: how many at a time.
        page: the file; the picture lies beside it.

    Raises:
        RequestError: the page lacks a section's markers, or a table can't be read.
    """
    made: dict[str, list[Run]] = {}
    planned = parts(samplers, seeds)
    for part in planned:  # before minutes are spent
        filled(page.read_text(encoding="utf-8"), page, part.name, "")
    for part in planned:
        sys.stderr.write(f"{part.name}: {part.seeds} seeds\n")
        runs = list(contest(part.entries(), processes))
        made[part.name] = runs
        text = filled(page.read_text(encoding="utf-8"), page, part.name, section(part, runs))
        page.write_text(text, encoding="utf-8")
    if "grid" in made:
        draw(made["grid"], made["systems"], page.with_suffix(".png"))


def section(part: Part, runs: Sequence[Run]) -> str:
    """The figures of a section."""
    if any(part.known):
        return curves(runs, part.budgets)
    if any(part.told):
        return by_knowledge(runs, part.budgets)
    shown: list[tuple[Found, str]] = [(by_rows, "rows")]
    if by_time(part):
        shown.append((by_seconds, "seconds"))
    runs, texts = with_limits(runs), []
    if len({run.entry.table.name for run in runs}) > 1:
        texts += [summary(_timed(runs, of), part.budgets, found, of) for found, of in shown]
        shown = shown[:1]
    texts += [table(_timed(runs, of), part.budgets, found, of) for found, of in shown]
    return "\n\n".join(texts)


def _timed(runs: Sequence[Run], of: str) -> list[Run]:
    """Those that have what the budgets are shares of: the best choice has rows, but no time."""
    return [run for run in runs if run.seconds or of != "seconds"]


def filled(text: str, page: Path, name: str, content: str) -> str:
    """A page with other content between a section's markers.

    Raises:
        RequestError: the page lacks the markers.
    """
    begin, end = f"<!-- laboratory: {name} -->", f"<!-- end of {name} -->"
    found = re.search(f"{re.escape(begin)}\n.*?{re.escape(end)}", text, re.DOTALL)
    if found is None:
        remedy = f"write '{begin}' and '{end}', each in a line, where the figures belong"
        raise RequestError(f"has no section for '{name}'", file=page, remedy=remedy)
    return f"{text[: found.start()]}{begin}\n\n{content}\n\n{end}{text[found.end() :]}"


def draw(grid: Sequence[Run], systems: Sequence[Run], file: Path) -> None:
    """Mean share of the hypervolume, against rows and against seconds; the worst run dotted."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 7), layout="constrained")
    axes = figure.subplots(2, 2, sharey="col")
    count = len({run.entry.table.name for run in systems})
    panels = ((grid, "recorded grid"), (systems, f"mean of {count} published systems"))
    for column, (runs, title) in enumerate(panels):
        for row, (found, of) in enumerate(((_rows_at, "rows"), (_seconds_at, "modelled seconds"))):
            panel = axes[row][column]
            _curves(panel, _timed(with_limits(runs), of.split()[-1]), found)
            panel.set(xlabel=f"share of the {of} [%]", ylabel="share of hypervolume", title=title)
            panel.set(xlim=(0, 100 * DRAWN), ylim=(0.5, 1.005))
            panel.grid(alpha=0.3)
    for panel in axes[0]:
        panel.legend(fontsize="small", loc="lower right")
    figure.savefig(file, dpi=110)


def _curves(axes: object, runs: Sequence[Run], found: Callable[[Run, float], float]) -> None:
    from matplotlib.axes import Axes

    assert isinstance(axes, Axes)
    shares = [DRAWN * point / POINTS for point in range(POINTS + 1)]
    samplers: dict[str, list[Run]] = {}
    for (_, sampler), group in grouped(runs).items():
        samplers.setdefault(sampler, []).extend(group)
    for number, (sampler, group) in enumerate(samplers.items()):
        found_at = [[found(run, share) for run in group] for share in shares]
        x, colour = [100 * share for share in shares], f"C{number}"
        if sampler == limit.NAME:
            axes.plot(x, [fmean(each) for each in found_at], "--", color="grey", label=sampler)
            continue
        axes.plot(x, [fmean(each) for each in found_at], color=colour, label=sampler)
        axes.plot(x, [min(each) for each in found_at], ":", color=colour, alpha=0.5)


def _rows_at(run: Run, share: float) -> float:
    return run.after(int(share * len(run.entry.table.outcomes)))


def _seconds_at(run: Run, share: float) -> float:
    return run.within(share * whole_s(run.entry.table))


def default_samplers() -> tuple[str, ...]:
    """What a page compares: all that can be chosen for an exploration."""
    return tuple(SAMPLERS)
