"""A study as tables for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from dse.core.metrics import (
    CPU_TIME,
    ENERGY,
    LATENCY,
    LOAD_TIME,
    MODEL_SIZE,
    MULTI_STREAM,
    PEAK_MEMORY,
    SERVER,
    THROUGHPUT,
    is_quality,
)
from dse.core.wording import format_count
from dse.core.worker_environment import format_variables, ignored_variables
from dse.report.summary import accuracy_source, ordered
from dse.tasks import registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from dse.space.plan import Excluded
    from dse.study.frontier import StudyFrontier
    from dse.study.record import Record

_DECIMALS = {
    LATENCY.name: 3,
    THROUGHPUT.name: 1,
    MULTI_STREAM.name: 3,
    SERVER.name: 1,
    MODEL_SIZE.name: 2,
    PEAK_MEMORY.name: 1,
    LOAD_TIME.name: 1,
    CPU_TIME.name: 3,
    ENERGY.name: 2,
}
_HEADINGS = {
    LATENCY.name: "p90 [ms]",
    THROUGHPUT.name: "samples/s",
    MULTI_STREAM.name: "p99 of 8 [ms]",
    SERVER.name: "server/s",
    MODEL_SIZE.name: "model [MiB]",
    PEAK_MEMORY.name: "memory [MiB]",
    LOAD_TIME.name: "load [ms]",
    CPU_TIME.name: "CPU [ms]",
    ENERGY.name: "energy, estimate [mJ]",
}
UNCERTAIN = "~"
"""Marks a point that leads by its values, which is not decided."""
NEAR_BOUND = "!"
"""Marks a point that leads by its values, and whose interval reaches beyond a bound."""
BEHIND = "?"
"""Marks a point that another one seems ahead of: their order is not decided."""
DRIFTED = "*"
"""Marks a point that was measured in a drift only, beside another mark."""
BY_OPTION = " (--env NAME=VALUE sets one)"


def heading(metric: str) -> str:
    """A metric in a table: short, with its unit."""
    quality = registry.quality(metric)
    return _HEADINGS[metric] if quality is None else quality.heading


def decimals(metric: str) -> int:
    """How many digits after the point are shown of a metric."""
    quality = registry.quality(metric)
    return _DECIMALS[metric] if quality is None else quality.decimals


def number(metric: str, value: float) -> str:
    """A value in its metric's unit, without the unit."""
    return f"{value:.{decimals(metric)}f}"


def marks(frontier: StudyFrontier) -> Callable[[Record], str]:
    """How points of a frontier are marked: not at all where their place is decided."""

    def mark(record: Record) -> str:
        drifted = DRIFTED if frontier.drifted(record) else ""
        if frontier.certain(record):
            return ""
        if record.id not in frontier.leading:
            return BEHIND + drifted
        return drifted or (UNCERTAIN if frontier.keeps_bounds(record) else NEAR_BOUND)

    return mark


def frontier_table(
    records: Sequence[Record],
    metrics: Sequence[str],
    mark: Callable[[Record], str],
    *,
    intervals: bool = True,
    most: int | None = None,
    further: Mapping[str, Callable[[Record], str]] | None = None,
) -> Table:
    """The points of a frontier, the most accurate first; then those behind others.

    Args:
        records: the points.
        metrics: the columns.
        mark: see `marks`.
        intervals: whether to show them.
        most: how many rows to show at most.
        further: what else to show of each, by heading.
    """
    has_instances = any(record.configuration.instances > 1 for record in records)
    has_knobs = any(_knobs(record) for record in records)
    table = _empty_table(metrics, further or {}, has_instances=has_instances, has_knobs=has_knobs)
    rows = sorted(ordered(list(records)), key=lambda record: mark(record).startswith(BEHIND))
    for record in rows[:most]:
        id_, *row = _row(record, has_instances=has_instances, has_knobs=has_knobs)
        values = [_value(record, name, intervals=intervals) for name in metrics]
        values += [tell(record) for tell in (further or {}).values()]
        table.add_row(id_, mark(record), *row, *map(Text, values))
    if most is not None and len(rows) > most:
        table.caption = f"and {len(rows) - most} more"
    return table


def _empty_table(
    metrics: Sequence[str], further: Iterable[str], *, has_instances: bool, has_knobs: bool
) -> Table:
    """The columns of a table of points."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("id", justify="right")
    table.add_column("", min_width=1)
    for name in ("model", "precision", "backend"):
        table.add_column(name, no_wrap=True)
    for name in ("threads", "batch", *(["instances"] if has_instances else [])):
        table.add_column(name, justify="right")
    if has_knobs:
        table.add_column("knobs")
    for name in (*map(heading, metrics), *further):
        table.add_column(Text(name), justify="right", no_wrap=True)
    return table


def _knobs(record: Record) -> list[str]:
    """The knobs, and what else of a configuration is not the default."""
    configuration = record.configuration
    pinned = ["pinned"] if configuration.pinned else []
    return pinned + [f"{name}={value}" for name, value in configuration.knobs]


def _row(record: Record, *, has_instances: bool, has_knobs: bool) -> list[Text | str]:
    configuration = record.configuration
    row: list[Text | str] = [
        str(record.id),
        Text(configuration.model),
        Text(configuration.precision),
        Text(configuration.backend),
        str(configuration.threads),
        str(configuration.batch_size),
    ]
    if has_instances:
        row.append(str(configuration.instances))
    if has_knobs:
        row.append(Text(", ".join(_knobs(record))))
    return row


def _value(record: Record, metric: str, *, intervals: bool) -> str:
    """A value, the bounds of its interval, and whether it is published."""
    measurement = record.outcome.measurement(metric)
    if measurement is None:
        return ""
    text = number(metric, measurement.value)
    if is_quality(metric) and accuracy_source(record) == "published":
        text += " published"
    if intervals and measurement.interval and measurement.interval[0] < measurement.interval[1]:
        low, high = (number(metric, bound) for bound in measurement.interval)
        text += f" [{low}, {high}]"
    return text


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


def excluded_lines(excluded: Iterable[Excluded]) -> list[str]:
    """What of a space can't run here, a line for each reason."""
    from dse.space.plan import exclusion_lines

    return [f"not run: {line}" for line in exclusion_lines(excluded)]
