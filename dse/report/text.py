"""A study as tables for a terminal."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from rich.text import Text

from dse.core.configuration import CPU
from dse.core.metrics import METRICS
from dse.core.wording import format_count
from dse.core.worker_environment import format_variables, ignored_variables
from dse.report.metric_words import METRIC_WORDS
from dse.report.standing import (
    DRIFT,
    NEAR_LIMIT,
    UNDECIDED,
    Standing,
    leaders,
    place_notes,
    standing_on,
    standings,
)
from dse.report.summary import ordered
from dse.report.word_table import WordTable
from dse.tasks import registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from dse.core.configuration import Configuration
    from dse.report.view import View
    from dse.study.frontier import StudyFrontier
    from dse.study.record import Record

MARKS = {
    Standing.TIED: ("=", "tied: as good as a point that leads, though its values trail"),
    Standing.BEHIND: ("?", "behind: another point seems better in all, which is not decided"),
    UNDECIDED: ("~", "leads by its values; another point may be better, which is not decided"),
    NEAR_LIMIT: ("!", "may miss a limit if it is measured again: its interval reaches beyond"),
    DRIFT: ("*", "drift: measured only while the machine was not itself"),
}
"""Mark and meaning of standings and notes; what leads for certain has no mark."""
MAX_SHOWN_PERCENT = 999
"""An interval that reaches farther tells nothing."""
MIN_HUGE, FIGURES = 1e12, 4
"""From here on a value has so many significant figures and no more."""
BY_OPTION = " (--env NAME=VALUE sets one)"


def heading(metric: str) -> str:
    """A metric in a table: short, with its unit."""
    quality = registry.quality(metric)
    return METRIC_WORDS[metric].heading if quality is None else quality.heading


def words_and_unit(metric: str) -> tuple[str, str]:
    """A metric in a few words and its unit; a metric of the user is its name, without a unit."""
    if metric not in METRICS:
        return metric, ""
    words, _, unit = heading(metric).partition(" [")
    return words, unit.removesuffix("]")


def phrase(metric: str) -> str:
    """A metric in a sentence; a metric of the user is its name."""
    return METRIC_WORDS[metric].phrase if metric in METRIC_WORDS else words_and_unit(metric)[0]


def decimals(metric: str) -> int:
    """How many digits after the point are shown of a metric."""
    quality = registry.quality(metric)
    return METRIC_WORDS[metric].decimals if quality is None else quality.decimals


def number(metric: str, value: float) -> str:
    """A value in its metric's unit, without the unit; huge ones, which others may claim, short."""
    if abs(value) >= MIN_HUGE:
        return f"{value:.{FIGURES}g}"
    return f"{value:.{decimals(metric)}f}"


def marks_of(frontier: StudyFrontier, record: Record) -> list[str]:
    """The standing and the notes of a point that are told by a mark, the first one foremost."""
    told = [standing_on(frontier, record), *place_notes(frontier, record)]
    return [each for each in told if each in MARKS]


def marks(frontier: StudyFrontier) -> Callable[[Record], str]:
    """How points of a frontier are marked: not at all where they lead for certain."""
    return lambda record: "".join(MARKS[each][0] for each in marks_of(frontier, record))


def mark_lines(frontier: StudyFrontier, points: Iterable[Record]) -> list[str]:
    """What the marks of points mean, a line for each mark."""
    used = {each for record in points for each in marks_of(frontier, record)}
    return [f"{mark} {meaning}" for each, (mark, meaning) in MARKS.items() if each in used]


def frontier_table(
    records: Sequence[Record],
    metrics: Sequence[str],
    mark: Callable[[Record], str],
    *,
    intervals: bool = True,
    most: int | None = None,
    further: Mapping[str, Callable[[Record], str]] | None = None,
) -> WordTable:
    """Points, the most accurate first; then those behind others.

    Args:
        records: the points.
        metrics: the columns.
        mark: see `marks`.
        intervals: whether to show how far they reach.
        most: how many rows to show at most.
        further: what else to show of each, by heading.
    """
    headings = (*map(heading, metrics), *(further or {}))
    table = WordTable(
        *(("id", True), ("", False), ("model", False), ("runtime", False)),
        *((each, True) for each in headings),
    )
    behind, _ = MARKS[Standing.BEHIND]
    rows = sorted(ordered(list(records)), key=lambda record: mark(record).startswith(behind))
    for record in rows[:most]:
        values = [_value(record, name, intervals=intervals) for name in metrics]
        values += [tell(record) for tell in (further or {}).values()]
        table.add_row(str(record.id), mark(record), *point_names(record), *map(Text, values))
    if most is not None and len(rows) > most:
        table.caption = f"and {len(rows) - most} more"
    return table


def point_names(record: Record) -> tuple[Text, Text]:
    """What names a point in a table: its model with the precision, its runtime with settings."""
    own = record.configuration
    return Text(f"{own.model} {own.precision}"), Text(f"{own.backend} {short_settings(own)}")


def behind_lines(frontier: StudyFrontier, how: str) -> list[str]:
    """How many points of a frontier are not among its leaders; nothing where all are.

    Args:
        frontier: the points.
        how: what shows them.
    """
    count = len(frontier) - len(leaders(frontier))
    if not count:
        return []
    if count == 1:
        return [f"and 1 more point that another seems ahead of; {how} shows it"]
    return [f"and {count} more points that others seem ahead of; {how} shows them"]


def beyond_lines(view: View) -> list[str]:
    """Which configurations are not on a frontier; nothing where all are."""
    counts = Counter(standings(view).values())
    told = {
        Standing.DOMINATED: "that others dominate, for certain or most likely",
        Standing.OUTSIDE: "outside constraints and conditions, or without a value",
        Standing.FAILED: "failed",
    }
    parts = [f"{counts[each]} {words}" for each, words in told.items() if counts[each]]
    return [f"not on the frontier: {'; '.join(parts)}; dse report has all"] if parts else []


def short_settings(own: Configuration) -> str:
    """Threads, batch and instances in short, such as ``t2 b8 i2``, then what is not the default."""
    parts = [f"t{own.threads}", f"b{own.batch_size}"]
    parts += [f"i{own.instances}"] if own.instances > 1 else []
    parts += ["pinned"] if own.pinned else []
    parts += [own.device] if own.device != CPU else []
    return " ".join([*parts, *(f"{name}={value}" for name, value in own.knobs)])


def settings_legend(records: Iterable[Record]) -> str:
    """What the short settings of points stand for."""
    several = any(record.configuration.instances > 1 for record in records)
    return f"t threads, b batch size{', i instances' if several else ''}"


def _value(record: Record, metric: str, *, intervals: bool) -> str:
    """A value, and how far its interval reaches."""
    measurement = record.outcome.measurement(metric)
    if measurement is None:
        return ""
    text = number(metric, measurement.value)
    return text + reach(measurement.value, measurement.interval) if intervals else text


def reach(value: float, interval: tuple[float, float] | None) -> str:
    """How far an interval reaches, to its farther end, such as `` ±12%``; empty without one."""
    if interval is None or not value:
        return ""
    share = 100 * max(abs(end - value) for end in interval) / abs(value)
    if share > MAX_SHOWN_PERCENT:
        return f" ±>{MAX_SHOWN_PERCENT}%"
    return f" ±{share:.{0 if share >= 10 else 1}f}%" if share else ""


def borrowed_lines(borrowed: Iterable[Mapping[str, Any]]) -> list[str]:
    """Whose results lead the search, a line for each system."""
    return [
        f"borrowed from {each['name']} ({each['cpu'] or 'unknown CPU'}; {each['software']}): "
        f"{format_count(each['configurations'], 'configuration')} to lead the search, "
        "none a result here"
        for each in borrowed
    ]


def environment_lines(environment: Mapping[str, str], remedy: str = "") -> list[str]:
    """The variables that workers get for a study's sake, and those of the shell that they don't.

    Args:
        environment: of the study.
        remedy: how another one is passed on.
    """
    lines = []
    if environment:
        lines.append(f"environment: {format_variables(environment)}")
    if left_out := ignored_variables(environment):
        lines.append(f"not passed on to the measurement: {', '.join(left_out)}{remedy}")
    return lines


def excluded_lines(excluded: Iterable[str]) -> list[str]:
    """What of a space can't run here, as `dse.space.plan.exclusion_lines` tells it."""
    return [f"not run: {line}" for line in excluded]
