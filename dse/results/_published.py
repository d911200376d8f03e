"""Published MLPerf results: the tables of a round, and the summary that the checker writes."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from dse.core.csv_lines import require
from dse.core.errors import RequestError
from dse.core.measurement import Source
from dse.core.metrics import (
    ENERGY,
    LATENCY,
    MULTI_STREAM,
    SERVER,
    THROUGHPUT,
    Scenario,
    is_quality,
)
from dse.core.wording import format_count
from dse.results._columns import ACCURACY, COLUMNS, OF_RESULTS, spell, summary_names
from dse.results._tree import SCENARIOS, accelerator, cores
from dse.results.table import MAX_NAME, MAX_TEXT, OFFLINE_POWER, ResultTable, Row
from dse.tasks.benchmark import benchmarks, unknown_benchmark

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from dse.core.csv_lines import Line
    from dse.core.metrics import Metric
    from dse.tasks.benchmark import Benchmark
    from dse.tasks.task import Task

LATENCIES = {Scenario.SINGLE_STREAM: LATENCY.name, Scenario.MULTI_STREAM: MULTI_STREAM.name}
RATES = {
    (Scenario.OFFLINE, "Samples/s"): THROUGHPUT.name,
    (Scenario.SERVER, "Queries/s"): SERVER.name,
}
POWERS = {
    (Scenario.SINGLE_STREAM, "millijoules"): ENERGY.name,
    (Scenario.OFFLINE, "Watts"): OFFLINE_POWER,
}
"""Metrics of measured power that are read, by scenario and unit."""
UNTOLD = "no result has a known scenario and unit"


@dataclass(slots=True)
class _System:
    """A system as its lines are read.

    Attributes:
        line: one of them.
        found: value, line and whether it was inferred, by label and metric.
    """

    line: Line
    found: dict[str, dict[str, tuple[float, bool]]] = field(default_factory=dict)


def published(path: Path, columns: Sequence[str], lines: Sequence[Line]) -> tuple[ResultTable, ...]:
    """The systems in a table, task by task, in the order of the file.

    Results of a benchmark that no task has are left out, and those of a task none of which has a
    known scenario and unit; the first system tells the latter.

    Raises:
        RequestError: a column is missing, a text is too long, a value makes no sense, a system has
            two values for the same, or no line is of a known benchmark.
    """
    head = _check_head(path, columns)
    known = benchmarks()
    found: list[ResultTable] = []
    untold: dict[str, Line] = {}
    for benchmark in known:
        names = summary_names(columns, benchmark.metric)
        renamed = [line.rename(names) for line in lines]
        own = [line for line in renamed if benchmark.covers(line.cells["MlperfModel"])]
        if own:
            if ACCURACY not in own[0].cells:
                require(path, columns, [spell(ACCURACY, columns, benchmark.metric)])
            told = _systems(path, own, benchmark)
            found += told
            if not told:
                count = format_count(len(own), "result")
                untold[f"{path.name}: {count} of {benchmark.task.title}: {UNTOLD}"] = own[0]
    if not found:
        for line in untold.values():
            raise line.wrong("Units", UNTOLD)
        column = columns[head.index("MlperfModel")]
        raise unknown_benchmark(path, (line.cells[column] for line in lines), known)
    first, *others = found
    return replace(first, left_out=tuple(untold)), *others


def _check_head(path: Path, columns: Sequence[str]) -> list[str]:
    """The columns by the names of the summary.

    Raises:
        RequestError: one is missing, or has too long a name.
    """
    names = summary_names(columns)
    head = [names.get(own, own) for own in columns]
    if long := next((name for name in columns if len(name) > MAX_NAME), ""):
        problem = f"the name of a column {_too_long(long, MAX_NAME)}"
        raise RequestError(problem, file=path, line=1, remedy="shorten it")
    lacking = (name for name in COLUMNS if name != ACCURACY and name not in head)
    require(path, columns, (spell(name, columns) for name in lacking))
    return head


def _systems(path: Path, lines: Iterable[Line], benchmark: Benchmark) -> list[ResultTable]:
    """The systems of a benchmark that have a result of a known scenario and unit.

    The same platform in two rounds or divisions, or of two organisations, is two: its results may
    have other settings. Where power was measured, some tables add that to the division.
    """
    systems: dict[tuple[str, ...], _System] = {}
    for line in lines:
        cells = line.cells
        division = cells.get("Division", "").removesuffix("-power")
        origin = cells.get("version", ""), cells.get("Organization", ""), division
        key = *origin, cells["Platform"]
        if key not in systems:
            _check_lengths(line)
            systems[key] = _System(line)
        system = systems[key]
        if len(cells["Model"]) > MAX_NAME:
            raise line.wrong("Model", _too_long(cells["Model"], MAX_NAME))
        _take(system.found.setdefault(cells["Model"], {}), line, benchmark.metric)
    return [_results(path, each, benchmark.task) for each in systems.values() if _told(each)]


def _check_lengths(line: Line) -> None:
    """Refuses a system with a text that no import would keep.

    Raises:
        RequestError: one is too long; its column is named.
    """
    for column, text in line.cells.items():
        most = MAX_NAME if column == "Platform" else MAX_TEXT
        if len(text) > most and column not in OF_RESULTS:
            raise line.wrong(column, _too_long(text, most))


def _too_long(text: str, most: int) -> str:
    return f"has {len(text):,} characters, more than {most:,}"


def _told(system: _System) -> bool:
    """Whether a system has a value; lines of unknown scenarios and units have none."""
    return any(system.found.values())


def _take(found: dict[str, tuple[float, bool]], line: Line, quality: Metric) -> None:
    inferred = line.cells["inferred"] == "1"
    for metric, value in _values(line, quality).items():
        # Rows that were published twice are the same; a model's quality is that of its first.
        marked = inferred and not is_quality(metric)
        known, _ = found.setdefault(metric, (value, marked))
        if known != value and not is_quality(metric):
            label = f"{line.cells['Platform']} has another {line.cells['Model']} before"
            raise line.wrong("Result", label)


def _values(line: Line, quality: Metric) -> dict[str, float]:
    """What a line tells, by metric: a result, and power in the same line or in one of its own."""
    scenario, units = SCENARIOS.get(line.cells["Scenario"].lower()), line.cells["Units"]
    if scenario is None:
        return {}
    values = {}
    timed = LATENCIES.get(scenario) if units.startswith("Latency") else RATES.get((scenario, units))
    if timed:
        values[timed] = line.amount("Result", above=0)
        values[quality.name] = _quality(line, quality)
    if (scenario, units) in POWERS:
        values[POWERS[scenario, units]] = line.amount("Result", above=0)
    power = scenario, line.cells.get("Result_Power_Units", "")
    if power in POWERS and line.cells.get("Result_Power"):
        values[POWERS[power]] = line.amount("Result_Power", above=0)
    return values


def _quality(line: Line, quality: Metric) -> float:
    """How good the answers were; in later rounds after the name of the figure: ``F1: 90.1``."""
    if named := re.fullmatch(r"\w+: (\S+)", line.cells[ACCURACY]):
        line = replace(line, cells={**line.cells, ACCURACY: named[1]})
    return line.amount(ACCURACY, above=0, most=100 if quality.unit == "%" else math.inf)


def _results(path: Path, system: _System, task: Task) -> ResultTable:
    cells = system.line.cells
    rows = (_row(label, found, task) for label, found in system.found.items())
    return ResultTable(
        name=cells["Platform"],
        origin=str(path),
        cpu=cells["host_processor_model_name"],
        cores=cores(cells),
        ghz=None,
        software=cells["framework"],
        rows=tuple(row for row in rows if row.values),
        accelerator=accelerator(cells),
        release=_release(path, cells),
        description={n: text for n, text in cells.items() if text and n not in OF_RESULTS},
        task=task.name,
    )


def _row(label: str, found: Mapping[str, tuple[float, bool]], task: Task) -> Row:
    variant = task.published_variant(label)
    model, precision = variant or (label, None)
    return Row(
        configuration={"model": model} | ({"precision": precision} if precision else {}),
        label=label,
        values={metric: value for metric, (value, _) in found.items()},
        sources=dict.fromkeys(found, Source.PUBLISHED),
        inferred=frozenset(m for m, (_, inferred) in found.items() if inferred),
        valid=frozenset(m for m in found if not is_quality(m)),
    )


def _release(path: Path, cells: Mapping[str, str]) -> str:
    """The round that a column tells, or else the name of the file; empty where neither does."""
    found = re.search(r"v\d{1,2}\.\d{1,2}", cells.get("version") or path.name)
    return found[0] if found else ""
