"""What a contest showed: rows of JSON, and tables in Markdown."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from benchmarks.laboratory.contest import rows_of, whole_s
from benchmarks.laboratory.renaming import TOLD

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.laboratory.contest import Run

NEARLY_ALL = 0.99
"""A share of the hypervolume that counts as nearly all of it."""
KNOWN = {"": "nothing", "unseen": "other processors", "others": "all others"}
"""What tables say of `Entry.known`."""
Found = Callable[["Run", float], float]
"""The share of the hypervolume that a run has found with a budget."""


def records(runs: Iterable[Run], budgets: Sequence[float]) -> list[dict[str, Any]]:
    """A JSON object for each run and budget.

    Beside what was asked for: the whole rows of the budget, the modelled seconds of measuring them,
    and how many other systems' tables the sampler was given.
    """
    found = []
    for run in runs:
        entry, total = run.entry, len(run.entry.table.outcomes)
        for budget in budgets:
            rows = rows_of(budget, total)
            found.append(
                {
                    "table": entry.table.name,
                    "sampler": entry.sampler,
                    "seed": entry.seed,
                    "budget": budget,
                    "hypervolume_share": run.after(rows),
                    "rows": rows,
                    "seconds": round(run.seconds[rows - 1], 3),
                    "sources": len(entry.sources),
                }
            )
    return found


def by_rows(run: Run, budget: float) -> float:
    """The share found with this share of the rows."""
    return run.after(rows_of(budget, len(run.entry.table.outcomes)))


def by_seconds(run: Run, budget: float) -> float:
    """The share found in this share of the seconds that all rows take."""
    return run.within(budget * whole_s(run.entry.table))


def table(runs: Iterable[Run], budgets: Sequence[float], found: Found, of: str) -> str:
    """A line for each table and sampler: mean, standard error and worst of the seeds.

    Args:
        runs: at least one.
        budgets: a column for each.
        found: what to show.
        of: what the budgets are shares of.
    """
    lines = [["table", "sampler", "seeds", *percent(budgets, of)]]
    for (name, sampler), group in grouped(runs).items():
        cells = (_cell([found(run, budget) for run in group]) for budget in budgets)
        lines.append([short(name), sampler, str(len(group)), *cells])
    return markdown(lines)


def summary(runs: Iterable[Run], budgets: Sequence[float], found: Found, of: str) -> str:
    """A line for each sampler: the mean of the tables' means, the worst of these, the worst run."""
    lines = [["sampler", "tables", *percent(budgets, of)]]
    samplers: dict[str, list[list[Run]]] = {}
    for (_, sampler), group in grouped(runs).items():
        samplers.setdefault(sampler, []).append(group)
    for sampler, groups in samplers.items():
        cells = [
            _of_tables([[found(run, budget) for run in group] for group in groups])
            for budget in budgets
        ]
        lines.append([sampler, str(len(groups)), *cells])
    return markdown(lines)


def curves(runs: Iterable[Run], budgets: Sequence[float]) -> str:
    """A line for each table and what is known of others: mean and worst after some rows.

    The last column has the rows to nearly all of the hypervolume: median and worst of the seeds.

    Args:
        runs: of tables of one size, at least one.
        budgets: shares of rows, a column for each.
    """
    groups: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.entry.table.name, run.entry.known), []).append(run)
    total = max(len(group[0].entry.table.outcomes) for group in groups.values())
    columns = [rows_of(budget, total) for budget in budgets]
    head = ["newcomer", "known", "seeds", *(f"{rows} rows" for rows in columns)]
    lines = [[*head, f"rows to {NEARLY_ALL}"]]
    for (name, known), group in groups.items():
        shares = [[run.after(rows) for run in group] for rows in columns]
        cells = [f"{fmean(each):.3f} ({min(each):.3f})" for each in shares]
        counts = sorted(_rows_to(run, NEARLY_ALL) for run in group)
        reached = f"{_rows(counts[len(counts) // 2])} ({_rows(counts[-1])})"
        lines.append([short(name), KNOWN[known], str(len(group)), *cells, reached])
    return markdown(lines)


def by_knowledge(runs: Iterable[Run], budgets: Sequence[float]) -> str:
    """A line for each source of what is known of the models: the same figures as in `summary`."""
    groups: dict[str, dict[str, list[Run]]] = {}
    for run in runs:
        tables = groups.setdefault(run.entry.told, {})
        tables.setdefault(run.entry.table.name, []).append(run)
    lines = [["known by", "tables", "seeds", *percent(budgets, "rows")]]
    for told, tables in groups.items():
        found = [
            _of_tables([[by_rows(run, budget) for run in group] for group in tables.values()])
            for budget in budgets
        ]
        seeds = max(map(len, tables.values()))
        lines.append([TOLD[told], str(len(tables)), str(seeds), *found])
    return markdown(lines)


def _rows_to(run: Run, share: float) -> float:
    """How many rows have a share of the hypervolume; infinite if the run ended before."""
    reached = (rows for rows, found in enumerate(run.shares, start=1) if found >= share)
    return next(reached, math.inf)


def _rows(count: float) -> str:
    return "more" if math.isinf(count) else str(int(count))


def grouped(runs: Iterable[Run]) -> dict[tuple[str, str], list[Run]]:
    """The runs of each table and sampler, in their order."""
    groups: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.entry.table.name, run.entry.sampler), []).append(run)
    return groups


def short(name: str) -> str:
    """The name of a table: of a published system without its file."""
    return name.rpartition(":")[2]


def percent(budgets: Sequence[float], of: str) -> list[str]:
    return [f"{100 * budget:.3g} % of {of}" for budget in budgets]


def _cell(shares: Sequence[float]) -> str:
    if len(shares) == 1:
        return f"{shares[0]:.3f}"
    error = stdev(shares) / math.sqrt(len(shares))
    return f"{fmean(shares):.3f} ± {error:.3f} ({min(shares):.3f})"


def _of_tables(shares: Sequence[Sequence[float]]) -> str:
    """The mean of the means, the worst of these, and the worst of all."""
    means = [fmean(each) for each in shares]
    return f"{fmean(means):.3f} ({min(means):.3f}, {min(map(min, shares)):.3f})"


def markdown(lines: Sequence[Sequence[str]]) -> str:
    rule = ["---" for _ in lines[0]]
    return "\n".join(f"| {' | '.join(line)} |" for line in (lines[0], rule, *lines[1:]))
