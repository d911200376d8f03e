"""Prints a comparison as tables for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from dse.commands.console import print_lines
from dse.compare.summary import best, comparison_notes, frontier_entries, shown_metrics
from dse.core.measurement import Source
from dse.core.metrics import METRICS, SCENARIOS
from dse.core.printable import to_printable
from dse.report.text import decimals, heading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from dse.compare.agreement import Agreement
    from dse.compare.comparison import Comparison, RankedSystem
    from dse.compare.criteria import Criterion
    from dse.compare.systems import ComparedSystem, SystemPoint
    from dse.core.pareto import Interval

NAME_WIDTH = 40
MAX_DIFFERENCES = 2
"""Largest number of differences of accuracies that are shown of each system."""
FIGURES = 4
"""Number of significant figures of a value without a fixed number of decimals."""


def show(comparison: Comparison, console: Console) -> None:
    """Prints a comparison without the points of the frontiers."""
    sections = (
        ("systems", _systems(comparison)),
        ("the best of each system", _best(comparison)),
        ("the most efficient system at each accuracy", _winners(comparison)),
        *((_heading(each), _matrix(comparison, each)) for each in comparison.criteria),
        ("accuracies beside the published ones of the same variants", _agreements(comparison)),
    )
    for title, table in sections:
        if table.row_count:
            console.print(Text(f"{title}:", style="bold"))
            console.print(table)
            console.print()
    for note in comparison_notes(comparison):
        print_lines([note], console, "dim")


def points(comparison: Comparison, console: Console) -> None:
    """Prints the frontiers, system by system."""
    for system in comparison.systems:
        console.print(Text(to_printable(f"#{system.number} {system.name}:"), style="bold"))
        shown_here = shown_metrics(system.quality)
        table = _table(("configuration", False), *((heading(m), True) for m in shown_here))
        for entry, _ in frontier_entries(system):
            table.add_row(_words(_label(entry)), *(_cell(entry, metric) for metric in shown_here))
        console.print(table)
        console.print()


def _table(*columns: tuple[str, bool]) -> Table:
    """A table with columns that have a heading, and contain numbers or not."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title, numbers in columns:
        justify = "right" if numbers else "left"
        table.add_column(Text(title), justify=justify, no_wrap=numbers)  # type: ignore[arg-type]
    return table


def _words(text: str) -> Text:
    return Text(to_printable(text))


def _name(system: ComparedSystem) -> Text:
    text = Text(to_printable(system.name), no_wrap=True, overflow="ellipsis")
    text.truncate(NAME_WIDTH, overflow="ellipsis")
    return text


def _systems(comparison: Comparison) -> Table:
    table = _table(
        *(("", True), ("system", False), ("CPU", False), ("cores", True), ("GHz", True)),
        *(("software", False), ("points", True), ("values", False)),
    )
    for system in comparison.systems:
        results = system.results
        beside = f", {results.accelerator}" if results.accelerator else ""
        table.add_row(
            str(system.number),
            _words(system.name),
            _words(f"{results.cpu or 'unknown'}{beside}"),
            "" if results.cores is None else str(results.cores),
            "" if results.ghz is None else f"{results.ghz:g}",
            _words(results.software),
            str(len(system.entries)),
            _words(_origin(system, comparison.gathered.task.noun)),
        )
    return table


def _origin(system: ComparedSystem, noun: str) -> str:
    """The sources of a system's values."""
    parts = [" and ".join(system.sources)]
    if system.results.release:
        parts.append(system.results.release)
    if system.accuracy_sources and system.accuracy_sources != system.sources:
        parts.append(f"accuracy {' and '.join(system.accuracy_sources)}")
    if system.samples:
        parts.append(f"{', '.join(f'{count:,}' for count in system.samples)} {noun}")
    return ", ".join(filter(None, parts))


def _best(comparison: Comparison) -> Table:
    metrics = shown_metrics(comparison.gathered.quality.metric.name)
    columns = ((heading(metric), "of") for metric in metrics)
    headings = [each for value, of in columns for each in ((value, True), (of, False))]
    table = _table(("", True), ("system", False), *headings)
    for system in comparison.systems:
        cells: list[Text] = []
        for metric in metrics:
            entry = best(system, metric)
            cells += [_cell(entry, metric), _words(_label(entry))] if entry else [Text(), Text()]
        table.add_row(str(system.number), _name(system), *cells)
    return table


def _winners(comparison: Comparison) -> Table:
    """The best system at each accuracy, by each criterion."""
    title = comparison.gathered.quality.heading
    table = _table(
        *(
            (f"{title.partition(' [')[0]} of at least", True),
            ("by", False),
            ("value", True),
            ("", False),
        ),
        *(("", True), ("system", False), ("values", False)),
        *(("configuration", False), (title, True)),
    )
    for accuracy in comparison.accuracies:
        for criterion in comparison.criteria:
            ranking = comparison.ranking(criterion, accuracy)
            for first in ranking.standings[:1]:
                table.add_row(
                    f"{accuracy:g} %",
                    _words(_heading(criterion)),
                    Text(_marked(first, criterion)),
                    Text("~" if ranking.certain is False else ""),
                    str(first.system.number),
                    _name(first.system),
                    _words(_values(first.entry, criterion)),
                    _words(_label(first.entry)),
                    _cell(first.entry, first.system.quality),
                )
    return table


def _matrix(comparison: Comparison, criterion: Criterion) -> Table:
    """Systems by accuracy: the value of the best configuration of at least that accuracy."""
    levels = [f"{accuracy:g} %" for accuracy in comparison.accuracies]
    columns = (("", True), ("system", False), ("values", False))
    table = _table(*columns, *((level, True) for level in levels))
    rankings = [comparison.ranking(criterion, accuracy) for accuracy in comparison.accuracies]
    for system in comparison.systems:
        cells = []
        for ranking in rankings:
            own = next((s for s in ranking.standings if s.system is system), None)
            first = bool(ranking.standings) and ranking.standings[0] is own
            text = _marked(own, criterion) if own is not None else ""
            cells.append(Text(text, style="bold" if first else ""))
        if any(cells):
            source = " and ".join(system.sources)
            table.add_row(str(system.number), _name(system), source, *cells)
    return table


def _heading(criterion: Criterion) -> str:
    unit = f" [{criterion.unit}]" if criterion.unit else ""
    return f"{criterion.title}{unit}"


def _marked(standing: RankedSystem, criterion: Criterion) -> str:
    """A value with its interval and marks."""
    entry = standing.entry
    text = _figures(criterion, standing.value)
    text += _bounds(criterion, entry.interval(criterion.name))
    return f"{text} {marks}" if (marks := _marks(entry, criterion)) else text


def _marks(entry: SystemPoint, criterion: Criterion) -> str:
    sources = set(entry.sources(criterion))
    short = Source.MEASURED.value in sources and entry.validity(criterion) == "probe"
    return ("i" if entry.inferred(criterion) else "") + ("p" if short else "")


def _values(entry: SystemPoint, criterion: Criterion) -> str:
    """The sources of the values that a criterion depends on, and their validity."""
    marks = ["inferred"] if entry.inferred(criterion) else []
    return ", ".join([" and ".join(entry.sources(criterion)), entry.validity(criterion), *marks])


def _figures(criterion: Criterion, value: float) -> str:
    known = criterion.name in METRICS
    return f"{value:.{decimals(criterion.name)}f}" if known else f"{value:.{FIGURES}g}"


def _bounds(criterion: Criterion, interval: Interval | None) -> str:
    if interval is None or interval[0] == interval[1]:
        return ""
    low, high = (_figures(criterion, bound) for bound in interval)
    return f" [{low}, {high}]"


def _cell(entry: SystemPoint, metric: str) -> Text:
    """A measured value with its marks, without its interval."""
    row = entry.row
    if metric not in row.values:
        return Text()
    text = f"{row.values[metric]:.{decimals(metric)}f}"
    inferred = metric in row.inferred
    probe = row.sources[metric] is Source.MEASURED and metric not in row.valid
    marks = ("i" if inferred else "") + ("p" if probe and metric in SCENARIOS else "")
    return Text(f"{text} {marks}" if marks else text)


def _label(entry: SystemPoint) -> str:
    """A configuration: its fields if more than its model is known, or else its name."""
    flat = entry.row.configuration
    if "backend" not in flat:
        return " ".join(str(flat[name]) for name in ("model", "precision") if name in flat)
    return entry.row.label


def _agreements(comparison: Comparison) -> Table:
    table = _table(
        *(("", True), ("system", False), ("variants", True), (comparison.gathered.task.noun, True)),
        *(("mean difference [points]", True), ("without signs", True), ("largest", False)),
    )
    for agreement in comparison.agreements:
        samples = ", ".join(f"{count:,}" for count in agreement.samples)
        table.add_row(
            str(agreement.system.number),
            _name(agreement.system),
            str(len(agreement.differences)),
            samples,
            f"{agreement.mean:+.2f}",
            f"{agreement.mean_absolute:.2f}",
            _words("; ".join(_largest(agreement))),
        )
    return table


def _largest(agreement: Agreement) -> Iterator[str]:
    for each in agreement.differences[:MAX_DIFFERENCES]:
        if round(each.points, 2) == 0:
            return
        yield f"{each.points:+.2f} {each.model} {each.precision}"
