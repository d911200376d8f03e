"""What precision costs, in sentences and as a table."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from dse.core.wording import format_count, join_some
from dse.report._precision import REFERENCE
from dse.report.text import heading, words_and_unit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dse.report._precision import Cost, Costs, Speed

UNDECIDED, UNKNOWN = "~", "?"
MAX_NAMED, MAX_RUNTIMES = 3, 10
LEGEND = (
    f"\u00d7 times as fast as {REFERENCE}; "
    f"* leads by its values: neither {REFERENCE} nor another method is better in all"
)


def conclude(found: Costs) -> list[str]:
    """What the usual method costs and wins on each runtime, and whether another loses less."""
    firsts: dict[tuple[str, str], dict[str, Cost]] = {}
    for row in found.rows:  # the first on a runtime is the usual method, if that is there
        firsts.setdefault((row.backend, row.precision), {}).setdefault(row.model, row)
    if not firsts:
        return [f"no point has an {REFERENCE} point of the same model, runtime and settings"]
    return [_sentence(found, list(rows.values())) for rows in firsts.values()]


def _sentence(found: Costs, rows: Sequence[Cost]) -> str:
    first = rows[0]
    label = first.label if len({row.label for row in rows}) == 1 else first.precision
    loss = _loss(found, rows)
    parts = filter(None, [loss, *(_speed(rows, name) for name in found.metrics[:1])])
    joined = (", and " if "," in loss else " and ").join(parts)
    if len(rows) > 1:
        return f"{label} on {first.backend} {joined} ({_medians(found, rows)})"
    told = f"{label} of {first.model} on {first.backend} {joined}"
    others = found.others(first)
    if better := found.less_lost(first):
        names = join_some([row.label for row in better], MAX_NAMED)
        told += f"; certainly less is lost by {names}"
    elif others and first.p_value is not None:
        told += "; no other method certainly loses less"
    place = first.model, first.backend
    leading = any(row.leads for row in found.rows if (row.model, row.backend) == place)
    alone = first.lost is not None and not leading
    return f"{told}; by its values {REFERENCE} leads alone" if alone else told


def _loss(found: Costs, rows: Sequence[Cost]) -> str:
    lost = [row.lost for row in rows if row.lost is not None]
    if not lost or found.quality is None:
        return "has no known accuracy"
    value, luck = median(lost), ""
    words, unit = words_and_unit(found.quality)[0], _unit(found.quality)
    if all(row.published for row in rows if row.lost is not None):
        words = f"published {words}"
    elif all(row.certain is None for row in rows):
        luck = ", which nothing tells from luck"
    elif len(rows) == 1:
        luck = " for certain" if rows[0].certain else ", which may be luck"
    if not round(value, 1):
        return f"loses no {words}"
    return f"{'gains' if value < 0 else 'loses'} {abs(value):.1f} {unit} of {words}{luck}"


def _medians(found: Costs, rows: Sequence[Cost]) -> str:
    """Of how many models medians are, and in how many of them a difference is certain."""
    certain = {}
    if found.quality and any(row.certain is not None for row in rows):
        words = words_and_unit(found.quality)[0]
        certain[words] = sum(row.certain is True for row in rows)
    for name in found.metrics[:1]:
        if known := [row.speeds[name] for row in rows if name in row.speeds]:
            certain[_short(name)] = sum(speed.certain for speed in known)
    told = ", ".join(f"{words} in {count or 'none'}" for words, count in certain.items())
    medians = f"medians of {len(rows)} models"
    return f"{medians}; certain differences: {told}" if told else medians


def _short(metric: str) -> str:
    """The name of a metric as a column has it, without its unit."""
    return heading(metric).partition(" [")[0]


def _unit(quality: str) -> str:
    """The unit of differences of a quality."""
    unit = words_and_unit(quality)[1]
    return "points" if unit == "%" else unit


def _speed(rows: Sequence[Cost], metric: str) -> str:
    known = [row.speeds[metric] for row in rows if metric in row.speeds]
    if not known:
        return ""
    told = f"is {median(each.ratio for each in known):.2f} times as fast as {REFERENCE}"
    if len(known) > 1 or known[0].certain:
        return told
    return (
        f"{told}, {'which is not decided' if known[0].noise_known else 'the noise being unknown'}"
    )


def headings(found: Costs) -> list[tuple[str, bool]]:
    """The columns of the table, and whether they hold numbers."""
    lost = f"lost [{_unit(found.quality)}]" if found.quality else "lost"
    speeds = [f"\u00d7 {_short(name)}" for name in found.metrics]
    words = [(each, False) for each in ("model", "runtime", "method", "")]
    return [*words, *((each, True) for each in (lost, *speeds))]


def cells(found: Costs, *, every: bool) -> list[list[str]]:
    """Methods by model and runtime: the accuracy lost, and how many times as fast as fp32.

    Args:
        found: what is shown.
        every: whether also those that neither lead nor are the usual method.
    """
    return [
        [
            *(row.model, row.backend, row.label, "*" if row.leads else ""),
            "" if row.lost is None else f"{_loss_mark(row)}{row.lost:.1f}",
            *(_speed_cell(row.speeds.get(name)) for name in found.metrics),
        ]
        for row in _shown(found, every=every)
    ]


def _shown(found: Costs, *, every: bool) -> list[Cost]:
    return [row for row in found.rows if every or row.leads or row.usual or row.lost is None]


def _loss_mark(row: Cost) -> str:
    return "" if row.certain else UNKNOWN if row.certain is None else UNDECIDED


def _speed_cell(speed: Speed | None) -> str:
    return "" if speed is None else f"{_speed_mark(speed)}{speed.ratio:.2f}"


def _speed_mark(speed: Speed) -> str:
    if speed.certain:
        return ""
    return UNDECIDED if speed.noise_known else UNKNOWN


def notes(found: Costs, *, every: bool) -> list[str]:
    """What a reader must know of the table."""
    shown = _shown(found, every=every)
    marks = {_loss_mark(row) for row in shown if row.lost is not None}
    marks |= {_speed_mark(speed) for row in shown for speed in row.speeds.values()}
    hidden, left_out = len(found.rows) - len(shown), found.unpaired
    more = f"and {format_count(hidden, 'more method')} that others are ahead of; --all shows them"
    undecided = "not decided: with these samples, or this noise of the runs, it may be luck"
    unknown = "not known: other samples, published values, or a noise that too few runs tell"
    several = "of several settings, such as thread counts, the mean is shown"
    lacking = f"without an {REFERENCE} point of the same model, runtime and settings"
    if found.lacking:
        has = "has" if len(found.lacking) == 1 else "have"
        lacking += f"; so {join_some(found.lacking, MAX_RUNTIMES)} {has} no row"
    told = {
        more: hidden,
        LEGEND: shown,
        f"{UNDECIDED} {undecided}": UNDECIDED in marks,
        f"{UNKNOWN} {unknown}": UNKNOWN in marks,
        several: any(len(row.records) > 1 for row in shown),
        "accuracies are published, not measured here": any(row.published for row in shown),
        f"left out: {format_count(left_out, 'point')} {lacking}": left_out,
    }
    return [line for line, applies in told.items() if applies]
