"""The tables of a comparison for a terminal."""

from __future__ import annotations

from os.path import commonprefix
from typing import TYPE_CHECKING

from rich.text import Text

from dse.compare.conclusion import label, model, value_words
from dse.compare.notes import marks, origin_words
from dse.compare.summary import frontier_entries, shown_metrics
from dse.core.printable import to_printable
from dse.report.text import heading, number
from dse.report.word_table import WordTable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dse.compare.comparison import Comparison, RankedSystem, SystemOrder
    from dse.compare.criteria import Criterion
    from dse.compare.systems import ComparedSystem

MIN_NAME, USUAL_NAME, MIN_CPU = 20, 28, 12
"""Columns of a system's name, of one beside a model, and of a CPU, at least."""
CONTEXT = 4
"""Characters before the first one in which two shortened names differ."""


def ranks_table(
    comparison: Comparison, order: SystemOrder, width: int, rows: int | None = None
) -> WordTable:
    """Systems by accuracy: the value of the best configuration of at least that accuracy.

    Args:
        comparison: the comparison.
        order: the systems and accuracies; a single one has the configurations' models, too.
        width: columns; CPUs are shown if they fit, at a single accuracy beside shortened names.
        rows: largest number of systems; None for all.
    """
    systems = order.systems[:rows]
    values = [
        (f">= {accuracy:g} %", _values(comparison, order, accuracy, systems))
        for accuracy in order.accuracies
    ]
    texts: list[tuple[str, list[Text]]] = []
    if len({system.sources for system in comparison.ranked}) > 1:
        texts.append(("values", [_words(" and ".join(each.sources)) for each in systems]))
    free = width - len(str(len(comparison.systems))) - 1
    room = free - sum(map(_columns, [*texts, *values]))
    names = [to_printable(system.name) for system in systems]
    longest = max(map(len, names))
    models = ("model", _models(comparison, order, systems))
    if len(values) == 1 and room - _columns(models) >= min(USUAL_NAME, longest):
        texts.append(models)
        room -= _columns(models)
    left = room - 1 - (min(USUAL_NAME, longest) if len(values) == 1 else longest)
    if left >= MIN_CPU:
        cpus = ("CPU", [_cut(s.results.cpu or "unknown", left) for s in systems])
        texts.insert(0, cpus)
        room -= _columns(cpus)
    names = short_names(names, max(MIN_NAME, room))
    table = WordTable(
        *(("#", True), ("system", False)),
        *((title, False) for title, _ in texts),
        *((title, True) for title, _ in values),
    )
    columns = zip(*(cells for _, cells in [*texts, *values]), strict=True)
    for system, name, cells in zip(systems, names, columns, strict=True):
        table.add_row(str(system.number), Text(name), *cells)
    return table


def systems_table(comparison: Comparison) -> WordTable:
    """What is known of each system."""
    table = WordTable(
        *(("#", True), ("system", False), ("CPU", False), ("cores", True), ("GHz", True)),
        *(("software", False), ("points", True), ("values", False)),
    )
    for system in comparison.systems:
        results, hardware = system.results, system.hardware
        beside = f"; {hardware.evidence}" if hardware.kind == "accelerator" else ""
        table.add_row(
            str(system.number),
            _words(system.name),
            _words(f"{results.cpu or 'unknown'}{beside}"),
            "" if results.cores is None else str(results.cores),
            "" if results.ghz is None else f"{results.ghz:g}",
            _words(results.software),
            str(len(system.entries)),
            _words(origin_words(system, comparison.gathered.task.noun)),
        )
    return table


def agreement_table(comparison: Comparison, width: int) -> WordTable:
    """How far the accuracies of each system lie from published ones, in percentage points."""
    titles = ("variants", comparison.gathered.task.noun, "mean", "without signs", "largest")
    table = WordTable(("#", True), ("system", False), *((title, True) for title in titles))
    room = max(MIN_NAME, width - sum(map(len, titles)) - len(titles) - 4)
    names = short_names([to_printable(each.system.name) for each in comparison.agreements], room)
    for agreement, name in zip(comparison.agreements, names, strict=True):
        table.add_row(
            *(str(agreement.system.number), Text(name), str(len(agreement.differences))),
            ", ".join(f"{count:,}" for count in agreement.samples),
            *(f"{agreement.mean:+.2f}", f"{agreement.mean_absolute:.2f}"),
            f"{agreement.differences[0].points:+.2f}",
        )
    return table


def points_table(system: ComparedSystem) -> WordTable:
    """The frontiers of a system."""
    metrics = shown_metrics(system.quality)
    table = WordTable(("configuration", False), *((heading(metric), True) for metric in metrics))
    for entry, _ in frontier_entries(system):
        values = entry.row.values
        cells = (number(name, values[name]) if name in values else "" for name in metrics)
        table.add_row(_words(label(entry)), *cells)
    return table


def short_names(names: Sequence[str], width: int) -> list[str]:
    """Shortens names so that those that differ still do.

    Args:
        names: the names.
        width: largest number of characters of a name, `MIN_NAME` at least.
    """
    return [_shorten(name, [other for other in names if other != name], width) for name in names]


def _shorten(name: str, others: Sequence[str], width: int) -> str:
    """A name that fits: its beginning, and what tells it from the most similar other one."""
    if len(name) <= width:
        return name
    pairs = ([name, other] for other in others)
    shared = max((len(commonprefix(pair)) for pair in pairs), default=0)  # noqa: RUF071
    if shared < width - 1:
        return f"{name[: width - 1]}…"
    head = width // 2 - 1
    rest = width - head - 1
    start = shared - CONTEXT
    tail = name[start:]
    return f"{name[:head]}…{tail if len(tail) <= rest else f'{tail[: rest - 1]}…'}"


def _columns(column: tuple[str, Sequence[Text]]) -> int:
    """The width of a column with its title, and the blank after it."""
    title, cells = column
    return 1 + max(len(title), *map(len, cells))


def _words(text: str) -> Text:
    return Text(to_printable(text))


def _cut(text: str, width: int) -> Text:
    words = _words(text)
    words.truncate(width, overflow="ellipsis")
    return words


def _values(
    comparison: Comparison, order: SystemOrder, accuracy: float, systems: Iterable[ComparedSystem]
) -> list[Text]:
    """The values of systems at an accuracy, the best one in bold."""
    standings = comparison.ranking(order.criterion, accuracy).standings
    known = {each.system.number: _marked(each, order.criterion) for each in standings}
    first = next(iter(known), 0)
    numbers = (system.number for system in systems)
    return [Text(known.get(n, ""), style="bold" if n == first else "") for n in numbers]


def _marked(standing: RankedSystem, criterion: Criterion) -> str:
    """A value with how far its interval reaches, and its marks."""
    return f"{value_words(standing, criterion)} {marks(standing, criterion)}".rstrip()


def _models(
    comparison: Comparison, order: SystemOrder, systems: Iterable[ComparedSystem]
) -> list[Text]:
    """The models of the configurations with the values."""
    standings = comparison.ranking(order.criterion, order.accuracy).standings
    known = {each.system.number: model(each.entry) for each in standings}
    return [_words(known.get(system.number, "")) for system in systems]
