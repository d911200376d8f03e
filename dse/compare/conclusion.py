"""What a comparison comes to, in sentences: which system is the best for what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.core.measurement import Source
from dse.core.metrics import METRICS
from dse.core.wording import format_count
from dse.report.text import number, reach

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dse.compare.comparison import Comparison, RankedSystem, Ranking, SystemOrder
    from dse.compare.criteria import Criterion
    from dse.compare.systems import ComparedSystem, SystemPoint

FIGURES = 4
"""Number of significant figures of a value without a fixed number of decimals."""


def conclude(comparison: Comparison, order: SystemOrder | None) -> list[str]:
    """The conclusion, a sentence for each system that is the best for something.

    Args:
        comparison: the comparison.
        order: what systems are sorted by; its criterion comes first, and its accuracy counts.
    """
    if order is None:
        return [_nothing(comparison)]
    wins: dict[int, list[Ranking]] = {}
    for criterion in (order.criterion, *comparison.others(order.criterion)):
        ranking = comparison.ranking(criterion, order.accuracy)
        for winner in ranking.standings[:1]:
            wins.setdefault(winner.system.number, []).append(ranking)
    among = _among(comparison, order.accuracy)
    sentences: list[str] = []
    for first, *others in wins.values():
        best = [_best(first, "" if sentences else among), *map(_best, others)]
        sentences.append(f"{_with_cpu(first.standings[0].system)} has {_joined(best)}")
    return [*sentences, *_winners_elsewhere(comparison, order)]


def full_name(system: ComparedSystem) -> str:
    """A system with its number."""
    return f"#{system.number} {system.name}"


def label(entry: SystemPoint) -> str:
    """A configuration: its fields if more than its model is known, or else its model."""
    return entry.row.label if "backend" in entry.row.configuration else model(entry)


def model(entry: SystemPoint) -> str:
    """The model of a configuration, and its precision if known."""
    flat = entry.row.configuration
    return " ".join(str(flat[name]) for name in ("model", "precision") if name in flat)


def level_words(comparison: Comparison, accuracy: float) -> str:
    """A least accuracy in words, such as ``top-1 of at least 70 %``."""
    quality = comparison.gathered.quality.heading.partition(" [")[0]
    return f"{quality} of at least {accuracy:g} %"


def value_words(standing: RankedSystem, criterion: Criterion, *, unit: bool = False) -> str:
    """A value with how far its interval reaches.

    Args:
        standing: the system with the value.
        criterion: the criterion that it is a value of.
        unit: whether the unit stands with it.
    """
    name, value = criterion.name, standing.value
    shown = number(name, value) if name in METRICS else f"{value:.{FIGURES}g}"
    shown += f" {criterion.unit}" if unit and criterion.unit else ""
    return shown + reach(value, standing.entry.interval(name))


def is_short(entry: SystemPoint, criterion: Criterion) -> bool:
    """Whether a value is from a run that does not keep to MLPerf's rules, as short ones don't."""
    ran = {Source.MEASURED.value, Source.PUBLISHED.value}
    return not ran.isdisjoint(entry.sources(criterion)) and entry.validity(criterion) != "valid"


def _with_cpu(system: ComparedSystem) -> str:
    """A system with its number and its CPU, if that is known and not in the name."""
    cpu = system.results.cpu
    return full_name(system) + (f" ({cpu})" if cpu not in system.name else "")


def _nothing(comparison: Comparison) -> str:
    """Why no system is the best."""
    if comparison.left_out and not comparison.ranked:
        count = len(comparison.left_out)
        told = f"{format_count(count, 'system')} with an accelerator"
        return f"nothing to rank: {told}; --accelerators adds {'it' if count == 1 else 'them'}"
    if comparison.criteria and comparison.accuracies:
        lowest = level_words(comparison, comparison.accuracies[0])
        return f"nothing to compare: no system has a value with {lowest}"
    return "nothing to compare: no configuration has both an accuracy and another value"


def _among(comparison: Comparison, accuracy: float) -> str:
    count = sum(any(e.accuracy >= accuracy for e in s.entries) for s in comparison.ranked)
    within = " within the conditions" if comparison.gathered.asked.conditions else ""
    return f" of {format_count(count, 'system')} with {level_words(comparison, accuracy)}{within}"


def _best(ranking: Ranking, among: str = "") -> str:
    """What the first of a ranking is the best in, with its value and where that is from."""
    criterion, first = ranking.criterion, ranking.standings[0]
    told = [label(first.entry), *first.entry.sources(criterion)]
    told += ["inferred"] if first.entry.inferred(criterion) else []
    told += ["short run"] if is_short(first.entry, criterion) else []
    told += ["not certain: intervals overlap"] if ranking.certain is False else []
    value = value_words(first, criterion, unit=True)
    return f"the {criterion.best} {criterion.words}{among} ({value} with {', '.join(told)})"


def _winners_elsewhere(comparison: Comparison, order: SystemOrder) -> Iterator[str]:
    """The other systems that are the best at an accuracy, by the criterion sorted by."""
    criterion = order.criterion
    found: dict[str, list[str]] = {}
    for accuracy in order.accuracies:
        for first in comparison.ranking(criterion, accuracy).standings[:1]:
            if first.system.number != order.systems[0].number:
                value = value_words(first, criterion, unit=True)
                at = found.setdefault(full_name(first.system), [])
                at.append(f"at {accuracy:g} % ({value} with {label(first.entry)})")
    for name, parts in found.items():
        yield f"{name} has the {criterion.best} {criterion.words} {_joined(parts)}"


def _joined(parts: Sequence[str]) -> str:
    *others, last = parts
    return f"{', '.join(others)} and {last}" if others else last
