"""Published MLPerf results: the tables of a round, and the summary that the checker writes."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dse.core.errors import RequestError
from dse.core.measurement import Source
from dse.core.metrics import ENERGY, LATENCY, MULTI_STREAM, THROUGHPUT, is_quality
from dse.results._tree import accelerator, cores
from dse.results.table import OFFLINE_POWER, ResultTable, Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from dse.core.csv_lines import Line
    from dse.core.metrics import Metric
    from dse.tasks.benchmark import Benchmark
    from dse.tasks.task import Task

COLUMNS = (
    *("Platform", "host_processor_model_name", "host_processors_per_node"),
    *("host_processor_core_count", "framework", "Model", "MlperfModel"),
    *("Scenario", "Result", "Units", "Accuracy", "inferred"),
)
OF_RESULTS = {
    *("Model", "MlperfModel", "Scenario", "Result", "Units", "Accuracy", "inferred", "has_power"),
    *("Location", "compliance", "errors", "Result_Power", "Result_Power_Units"),
}
"""Columns that say nothing of the system."""
LATENCIES = {"SingleStream": LATENCY.name, "MultiStream": MULTI_STREAM.name}
RATES = {"Offline": THROUGHPUT.name}
POWERS = {("SingleStream", "millijoules"): ENERGY.name, ("Offline", "Watts"): OFFLINE_POWER}
"""Metrics of measured power that are read, by scenario and unit."""


@dataclass(slots=True)
class _System:
    """A system as its lines are read.

    Attributes:
        line: one of them.
        found: value, line and whether it was inferred, by label and metric.
    """

    line: Line
    found: dict[str, dict[str, tuple[float, bool]]] = field(default_factory=dict)


def published(path: Path, lines: Iterable[Line], benchmark: Benchmark) -> tuple[ResultTable, ...]:
    """The systems with results of a benchmark in a table, in the order of the file.

    Lines have at least the `COLUMNS`.

    Raises:
        RequestError: a value makes no sense, a system has two values for the same, or no line is
            of the benchmark.
    """
    systems: dict[str, _System] = {}
    for line in lines:
        if line.cells["MlperfModel"].startswith(benchmark.rules.benchmark):
            system = systems.setdefault(line.cells["Platform"], _System(line))
            _take(system.found.setdefault(line.cells["Model"], {}), line, benchmark)
    if not systems:
        problem = f"has no result of {benchmark.task.title}"
        raise RequestError(problem, file=path, remedy="name a table that has one")
    return tuple(_results(path, name, system, benchmark.task) for name, system in systems.items())


def _take(found: dict[str, tuple[float, bool]], line: Line, benchmark: Benchmark) -> None:
    inferred = line.cells["inferred"] == "1"
    for metric, value in _values(line, benchmark.metric).items():
        # Rows that were published twice are the same; a model's quality is that of its first.
        marked = inferred and not is_quality(metric)
        known, _ = found.setdefault(metric, (value, marked))
        if known != value and not is_quality(metric):
            label = f"{line.cells['Platform']} has another {line.cells['Model']} before"
            raise line.wrong("Result", label)


def _values(line: Line, quality: Metric) -> dict[str, float]:
    """What a line tells, by metric: a result, and power in the same line or in one of its own."""
    scenario, units = line.cells["Scenario"], line.cells["Units"]
    values = {}
    timed = LATENCIES if units.startswith("Latency") else RATES if units == "Samples/s" else {}
    if scenario in timed:
        values[timed[scenario]] = line.amount("Result", above=0)
        most = 100 if quality.unit == "%" else math.inf
        values[quality.name] = line.amount("Accuracy", above=0, most=most)
    if (scenario, units) in POWERS:
        values[POWERS[scenario, units]] = line.amount("Result", above=0)
    power = scenario, line.cells.get("Result_Power_Units", "")
    if power in POWERS and line.cells.get("Result_Power"):
        values[POWERS[power]] = line.amount("Result_Power", above=0)
    return values


def _results(path: Path, name: str, system: _System, task: Task) -> ResultTable:
    cells = system.line.cells
    rows = (_row(label, found, task) for label, found in system.found.items())
    return ResultTable(
        name=name,
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
