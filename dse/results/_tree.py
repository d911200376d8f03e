"""Trees of MLPerf submissions: the systems in one, with what LoadGen's logs say of its results.

Whoever made a tree is not trusted: links are not followed, sizes are bounded, and a result that
can't be read is left out and told.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dse.core.details import QualityDetails
from dse.core.errors import DseError, RequestError
from dse.core.measurement import Source
from dse.core.metrics import METRICS_OF, MULTI_STREAM_SAMPLES, Scenario
from dse.loadgen.logs import DETAIL, LogError, read_detail
from dse.loadgen.verdict import RESULTS, rule_violations
from dse.results._bounded import check, folders, is_plain, object_of, text_of
from dse.results.table import ResultTable, Row
from dse.tasks.benchmark import benchmarks, unknown_benchmark

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from dse.loadgen.logs import DetailLog
    from dse.tasks.benchmark import Benchmark
    from dse.tasks.task import Rules, Score, Task

SYSTEMS, RESULTS_FOLDER = "systems", "results"
MAPPING = "model_mapping.json"
MAX_LOG_BYTES = 50 << 20
"""The most that MLPerf lets a file of a submission have."""
MAX_RESULTS = 100_000
MAX_FIELDS, MAX_FIELD_LENGTH = 200, 2000
"""The most fields of a system's description, and the most characters of each; more is cut off."""
NONE = ("", "0", "n/a", "none")
"""Values of the number or the name of accelerators of a system without any."""
MAX_GHZ = 20.0
"""More than any CPU has; a larger figure is a mistake."""
SCENARIOS = {scenario.value.lower(): scenario for scenario in Scenario}
"""Scenarios by name of the folder in lower case: in some rounds folders had no capitals."""


@dataclass(frozen=True, slots=True)
class _ResultFolder:
    """The folder of a result."""

    system: str
    model: str
    scenario: Scenario
    folder: Path

    @property
    def logs(self) -> Path:
        return self.folder / "performance" / "run_1"

    @property
    def score(self) -> Path:
        return self.folder / "accuracy" / "accuracy.txt"


@dataclass(slots=True)
class _Found:
    """What is known of a model on a system."""

    values: dict[str, float] = field(default_factory=dict)
    inferred: set[str] = field(default_factory=set)
    valid: set[str] = field(default_factory=set)
    samples: int | None = None


def submitters(path: Path) -> list[Path]:
    """The folders with systems and results in a tree, a division or a submission; or else empty."""
    near = level = [path]
    for _ in range(2):
        level = [inner for folder in level for inner in folders(folder)]
        near = near + level
    parts = (SYSTEMS, RESULTS_FOLDER)
    return [
        folder
        for folder in near
        if all(each in folders(folder) for each in map(folder.joinpath, parts))
    ]


def evidence(path: Path) -> Iterator[Path]:
    """The files of a tree that its results rest on, in one order."""
    for folder in submitters(path):
        above = [folder / MAPPING, *sorted((folder / SYSTEMS).glob("*.json"))]
        yield from (each for each in above if is_plain(each, folder))
        for result in _result_folders(folder):
            own = (result.logs / DETAIL, result.score)
            yield from (each for each in own if is_plain(each, result.folder))


def read_tree(path: Path) -> tuple[ResultTable, ...]:
    """The systems in a tree (see `submitters`), task by task, by name.

    Results of a benchmark that no task has are left out.

    Raises:
        RequestError: there is none of a known benchmark.
    """
    known = benchmarks()
    found: list[ResultTable] = []
    others: list[str] = []
    for folder in submitters(path):
        mapping = object_of(folder / MAPPING, folder) if (folder / MAPPING).exists() else {}
        results = list(_result_folders(folder))
        others += (str(mapping.get(each.model, each.model)) for each in results)
        for benchmark in known:
            own = [each for each in results if _belongs(each.model, mapping, benchmark)]
            found += _systems(folder, own, benchmark)
    if not found:
        raise unknown_benchmark(path, others, known)
    return tuple(found)


def _systems(
    folder: Path, results: Iterable[_ResultFolder], benchmark: Benchmark
) -> Iterator[ResultTable]:
    """What one organisation submitted for a benchmark."""
    by_system: dict[str, list[_ResultFolder]] = {}
    for result in results:
        by_system.setdefault(result.system, []).append(result)
    for system, own in by_system.items():
        yield _results(folder, system, own, benchmark)


def _belongs(model: str, mapping: Mapping[str, Any], benchmark: Benchmark) -> bool:
    """Whether a model is one of the benchmark's task.

    A model without a mapping is told by the benchmark in its name, as MLPerf's checker does it.
    """
    named = str(mapping.get(model, ""))
    told = benchmark.covers(named) if named else benchmark.rules.benchmark in model
    return told or benchmark.task.published_variant(model) is not None


def _results(
    folder: Path, system: str, own: list[_ResultFolder], benchmark: Benchmark
) -> ResultTable:
    models: dict[str, _Found] = {}
    left_out = []
    for result in own:
        try:
            _take(models.setdefault(result.model, _Found()), result, benchmark)
        except DseError as error:
            left_out.append(str(error))
    description: dict[str, str] = {}
    try:
        description = _description(folder / SYSTEMS / f"{system}.json")
    except DseError as error:
        left_out.append(str(error))
    return ResultTable(
        name=system,
        origin=str(folder),
        cpu=description.get("host_processor_model_name", ""),
        cores=cores(description),
        ghz=ghz(description),
        software=description.get("framework", ""),
        rows=tuple(
            _row(model, found, benchmark.task) for model, found in models.items() if found.values
        ),
        accelerator=accelerator(description),
        description=description,
        left_out=tuple(left_out),
        task=benchmark.task.name,
    )


def _take(found: _Found, result: _ResultFolder, benchmark: Benchmark) -> None:
    """Takes a result in, all or nothing.

    Raises:
        DseError: it can't be read.
    """
    log = _log(result)
    value, inferred = _value(result, log)
    score = _score(result, benchmark.task)
    metric = METRICS_OF[result.scenario]
    found.values[metric] = value
    if inferred:
        found.inferred.add(metric)
    if log.valid and _official(log, _ran(result, log), benchmark.rules):
        found.valid.add(metric)
    if benchmark.metric.name not in found.values:  # those of other scenarios are of the same model
        found.values[benchmark.metric.name] = score.value
        found.samples = QualityDetails.of(score.details).total


def _log(result: _ResultFolder) -> DetailLog:
    check(result.logs / DETAIL, result.folder, MAX_LOG_BYTES)
    return read_detail(result.logs)


def _ran(result: _ResultFolder, log: DetailLog) -> Scenario:
    """The scenario of the run itself."""
    told = log.values.get("effective_scenario")
    if told not in tuple(Scenario):
        raise LogError(f"{result.logs / DETAIL}: '{told}' is not a scenario")
    return Scenario(told)


def _value(result: _ResultFolder, log: DetailLog) -> tuple[float, bool]:
    """The result in its metric's unit, and whether it was inferred from another scenario's run.

    Source: ``get_inferred_result`` in the submission checker of
    https://github.com/mlcommons/inference, 2026-08.
    """
    ran = _ran(result, log)
    if ran is result.scenario:
        name, factor = RESULTS[ran]
        value = factor * log.number(name)
    elif (ran, result.scenario) == (Scenario.SINGLE_STREAM, Scenario.OFFLINE):
        value = log.number("result_qps_without_loadgen_overhead")
    elif (ran, result.scenario) == (Scenario.MULTI_STREAM, Scenario.OFFLINE):
        value = MULTI_STREAM_SAMPLES * 1e9 / log.number("result_mean_query_latency_ns")
    elif (ran, result.scenario) == (Scenario.SINGLE_STREAM, Scenario.MULTI_STREAM):
        value = MULTI_STREAM_SAMPLES * 1e-6 * log.number("early_stopping_latency_ms")
    else:
        raise LogError(f"{result.logs / DETAIL}: a run of {ran} can't stand for {result.scenario}")
    if value <= 0:
        raise LogError(f"{result.logs / DETAIL}: the result is {value:g}, which can't be")
    return value, ran is not result.scenario


def _official(log: DetailLog, scenario: Scenario, rules: Rules) -> bool:
    try:
        return not rule_violations(log, scenario, rules)
    except LogError:  # the log does not tell
        return False


def _score(result: _ResultFolder, task: Task) -> Score:
    """What the text of the accuracy run says."""
    try:
        return task.read_accuracy(text_of(result.score, result.folder))
    except ValueError as error:
        raise RequestError(str(error), file=result.score) from error


def _row(model: str, found: _Found, task: Task) -> Row:
    variant = task.published_variant(model)
    name, precision = variant or (model, None)
    return Row(
        configuration={"model": name} | ({"precision": precision} if precision else {}),
        label=model,
        values=found.values,
        sources=dict.fromkeys(found.values, Source.PUBLISHED),
        inferred=frozenset(found.inferred),
        valid=frozenset(found.valid),
        samples=found.samples,
    )


def _description(path: Path) -> dict[str, str]:
    """What the file of a system says of it."""
    fields = ((str(name), value) for name, value in object_of(path, path.parents[1]).items())
    told = {n: str(v)[:MAX_FIELD_LENGTH] for n, v in fields if isinstance(v, str | int | float)}
    return dict(list(told.items())[:MAX_FIELDS])


def _result_folders(folder: Path) -> Iterator[_ResultFolder]:
    """Every folder of a result.

    Raises:
        RequestError: there are too many to be of one organisation.
    """
    count = 0
    for system in folders(folder / RESULTS_FOLDER):
        for model in folders(system):
            for last in folders(model):
                scenario = SCENARIOS.get(last.name.lower())
                if scenario is None:
                    continue
                count += 1
                if count > MAX_RESULTS:
                    problem = f"holds more than {MAX_RESULTS} results"
                    raise RequestError(problem, file=folder, remedy="name a part of it")
                yield _ResultFolder(system.name, model.name, scenario, last)


def cores(description: Mapping[str, str]) -> int | None:
    """Physical cores of all nodes; texts such as ``6 (4 big; 2 LITTLE)`` begin with a number."""
    each = re.match(r"\d{1,4}\b", description.get("host_processor_core_count", ""))
    sockets = re.match(r"\d{1,2}\b", description.get("host_processors_per_node", ""))
    nodes = re.match(r"\d{1,4}\b", description.get("number_of_nodes") or "1")
    found = (each, sockets, nodes)
    return math.prod(int(one[0]) for one in found if one) or None if all(found) else None


def ghz(description: Mapping[str, str]) -> float | None:
    """The highest clock that is told; None where none is."""
    text = description.get("host_processor_frequency", "")
    found = re.findall(r"(\d{1,5}(?:\.\d{1,5})?)\s*([GM])Hz", text, re.IGNORECASE)
    clocks = (float(value) / (1000 if unit in "mM" else 1) for value, unit in found)
    return max((clock for clock in clocks if 0 < clock <= MAX_GHZ), default=None)


def accelerator(description: Mapping[str, str]) -> str:
    """What the system has beside its CPU; empty for nothing, and where it is not told."""
    count = description.get("accelerators_per_node", "").strip()
    name = description.get("accelerator_model_name", "").strip()
    if count.lower() in NONE or name.lower() in NONE:
        return ""
    return f"{count} x {name}"
