"""Writes the figures of docs/search-peers.md; the prose around them stays."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from statistics import fmean, median
from typing import TYPE_CHECKING

from benchmarks.laboratory.contest import Entry, Run, contest, rows_of, whole_s
from benchmarks.laboratory.page import GRID, PUBLISHED, ROOT, filled
from benchmarks.laboratory.peers import GP, PEERS, require
from benchmarks.laboratory.report import by_rows, by_seconds, markdown, percent
from benchmarks.laboratory.studies import read_tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

PAGE = ROOT / "docs" / "search-peers.md"
COSTS = "what peers take"


@dataclass(frozen=True, slots=True)
class Entrant:
    """Who takes part.

    Attributes:
        sampler: a name in `NAMES`.
        knows: what it knows of the models, for the reader.
        told: the same for the contest, see `Entry.told`.
    """

    sampler: str
    knows: str = "nothing"
    told: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A section of the page.

    Attributes:
        name: of its markers.
        file: the tables.
        entrants: who searches them.
        budgets: shares of rows, and of seconds.
        seeds: as many as the page has unless another number is asked for.
    """

    name: str
    file: Path
    entrants: tuple[Entrant, ...]
    budgets: tuple[float, ...]
    seeds: int

    def entries(self, seeds: int = 0) -> list[Entry]:
        """The searches to make: to the end of the budgets both in rows and in seconds.

        Args:
            seeds: how many; 0 for as many as the page has.
        """
        tables = read_tables(self.file)
        most = max(self.budgets)
        return [
            Entry(
                one,
                entrant.sampler,
                seed,
                rows_of(most, len(one.outcomes)),
                most * whole_s(one),
                told=entrant.told,
            )
            for entrant in self.entrants
            for one in tables
            if one.complete or len(tables) == 1
            for seed in range(seeds or self.seeds)
        ]


OWN = (
    Entrant("frontier", "nothing", "nothing"),
    Entrant("frontier", "their files, of new families", "family"),
    Entrant("frontier", "their names", ""),
)
OTHERS = tuple(map(Entrant, ("random", "nsga2", "tpe", GP, "smac", "botorch")))
FILED = Entrant("botorch", "what is counted in their files", "files")
PARTS = (
    Part("peers on the grid", GRID, (*OTHERS, *OWN), (0.05, 0.1), 4),
    Part("peers on the systems", PUBLISHED, (*OTHERS, FILED, *OWN), (0.05, 0.1, 0.2), 4),
)


def write(seeds: int, processes: int, page: Path = PAGE, parts: Sequence[Part] = PARTS) -> None:
    """Makes the searches of each section and puts their figures into the page.

    Args:
        seeds: how many; 0 for as many as the page has.
        processes: how many at a time.
        page: the file.
        parts: the sections.

    Raises:
        UnavailableError: a peer is not installed.
        RequestError: the page lacks a section's markers, or a table can't be read.
    """
    for entrant in (each for part in parts for each in part.entrants):
        if entrant.sampler in PEERS:
            require(entrant.sampler)
    for name in (COSTS, *(part.name for part in parts)):  # before minutes are spent
        filled(page.read_text(encoding="utf-8"), page, name, "")
    found: dict[str, list[Run]] = {}
    for part in parts:
        sys.stderr.write(f"{part.name}: {seeds or part.seeds} seeds\n")
        found[part.name] = list(contest(part.entries(seeds), processes))
        put(page, part.name, section(part, found[part.name]))
    put(page, COSTS, costs(found))


def put(page: Path, name: str, content: str) -> None:
    """Puts the figures of a section into the page."""
    text = filled(page.read_text(encoding="utf-8"), page, name, content)
    page.write_text(text, encoding="utf-8")


def section(part: Part, runs: Sequence[Run]) -> str:
    """Medians and worst searches, by rows and by modelled seconds."""
    texts = []
    for found, of in ((by_rows, "rows"), (by_seconds, "seconds")):
        lines = [["sampler", "knows of the models", "searches", *percent(part.budgets, of)]]
        for entrant in part.entrants:
            own = _of(entrant, runs)
            cells = [_cell([found(run, budget) for run in own]) for budget in part.budgets]
            lines.append([entrant.sampler, entrant.knows, str(len(own)), *cells])
        texts.append(markdown(lines))
    return "\n\n".join(texts)


def costs(found: Mapping[str, Sequence[Run]]) -> str:
    """The CPU seconds that each sampler takes for a row: the mean, and the longest.

    Args:
        found: the runs of each section.
    """
    lines = [["sampler", "version", *(f"CPU s, {name}" for name in found)]]
    samplers = dict.fromkeys(run.entry.sampler for runs in found.values() for run in runs)
    for sampler in samplers:
        version = PEERS[sampler].versions if sampler in PEERS else ""
        cells = []
        for runs in found.values():
            own = [run.thinking for run in runs if run.entry.sampler == sampler]
            seconds = [each for thinking in own for each in thinking]
            cells.append(f"{fmean(seconds):.2f} ({max(seconds):.2f})" if seconds else "")
        lines.append([sampler, version, *cells])
    return markdown(lines)


def _of(entrant: Entrant, runs: Iterable[Run]) -> list[Run]:
    wanted = (entrant.sampler, entrant.told)
    return [run for run in runs if (run.entry.sampler, run.entry.told) == wanted]


def _cell(shares: Sequence[float]) -> str:
    return f"{median(shares):.3f} ({min(shares):.3f})" if shares else ""
