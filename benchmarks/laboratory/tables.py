"""Recorded outcomes of whole search spaces, from files of two forms."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from benchmarks.laboratory.cost import accuracy_s, offline_s, single_stream_s
from dse.core.checksums import digest
from dse.core.configuration import PRECISIONS, Configuration
from dse.core.csv_lines import read_lines, require
from dse.core.errors import RequestError
from dse.core.measurement import Failure, FailureKind, Measurement, Outcome, Source
from dse.core.metrics import LATENCY, METRICS, THROUGHPUT
from dse.results._published import published
from dse.space._enumeration import Parameter
from dse.space.plan import Plan, parameter_values
from dse.space.reading import space_from_dict
from dse.tasks import registry
from dse.tasks.image_classification._quality import ACCURACY
from dse.tasks.image_classification.models.catalogue import sweep_pairs
from tests.objectives import DEFAULT_OBJECTIVES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from dse.core.configuration import KnobValue
    from dse.core.csv_lines import Line
    from dse.results.table import ResultTable
    from dse.space.space import SearchSpace

REPLAY = import_module("dse.backends.replay")
IMAGES = 500
"""Whose accuracy a recorded grid holds; published accuracies need no run."""
Values = dict[Configuration, dict[str, float]]
"""What is known from another system: value by metric."""


@dataclass(frozen=True, slots=True)
class Table:
    """Every configuration of a space with its outcome.

    Attributes:
        name: the file's stem; for published results, a colon and the system follow.
        objectives: names of metrics that every outcome without a failure has.
        outcomes: in the order of the file.
        processor: of a published system; empty where the file doesn't tell.
        task: what its models are for.
        samples: on which each quality was measured; 0 where that took no time.
    """

    name: str
    objectives: tuple[str, ...]
    outcomes: Mapping[Configuration, Outcome]
    processor: str = ""
    task: str = registry.DEFAULT
    samples: int = 0

    @property
    def values(self) -> Values:
        """What is known of the configurations that ran."""
        return {c: o.values for c, o in self.outcomes.items() if o.failure is None}

    @property
    def complete(self) -> bool:
        """Whether it has just the variants of the published sweep."""
        return {(c.model, c.precision) for c in self.outcomes} == set(sweep_pairs())

    def plan(self) -> Plan:
        """A plan of just these configurations."""
        choices: dict[str, dict[KnobValue, None]] = {}
        for configuration in self.outcomes:
            for name, value in parameter_values(configuration).items():
                choices.setdefault(name, {})[value] = None
        parameters = (Parameter(name, tuple(values)) for name, values in choices.items())
        return Plan(tuple(self.outcomes), tuple(parameters), ())

    def space(self) -> SearchSpace:
        """A space that names them all, and others where the table is no full grid."""
        choices = {p.name: list(p.choices) for p in self.plan().parameters}
        replay: dict[str, Any] = {"table": "table.csv"}
        if "replay.runtime" in choices:
            replay["runtime"] = choices["replay.runtime"]
        return space_from_dict(
            {
                "task": self.task,
                "models": choices["model"],
                "precisions": choices["precision"],
                "backends": {"replay": replay},
                "threads": choices["threads"],
                "batch_sizes": choices["batch_size"],
                "instances": choices["instances"],
                "pinned": choices["pinned"],
                "objectives": list(self.objectives),
            }
        )


def read(path: Path) -> list[Table]:
    """The tables in a file: one in the replay backend's format, or one for each published system.

    Raises:
        RequestError: it can't be used; names the file, and line and column where there is one.
    """
    columns, lines = read_lines(path)
    if "Platform" in columns:
        return _published(path, columns, lines)
    require(path, columns, (*REPLAY.COLUMNS, "failure"))
    objectives = tuple(name for name in DEFAULT_OBJECTIVES if name in columns)
    if len(objectives) < 2:
        require(path, columns, DEFAULT_OBJECTIVES)
    outcomes: dict[Configuration, Outcome] = {}
    for line in lines:
        configuration = _configuration(line)
        if configuration in outcomes:
            raise line.wrong(None, f"records {configuration} once more")
        outcomes[configuration] = _outcome(line, configuration, objectives)
    if all(outcome.failure for outcome in outcomes.values()):
        raise RequestError("nothing in it ran", file=path, remedy="name another table")
    return [Table(path.stem, objectives, outcomes, samples=IMAGES)]


def sources(table: Table, others: Iterable[Table], *, unseen: bool) -> list[Values]:
    """What other systems tell of the configurations of a table.

    Args:
        table: of the system in question, which may be among the others.
        others: the tables of one file.
        unseen: leaves out what has the same processor as well.
    """
    found = []
    for other in others:
        same = other.name == table.name or (unseen and other.processor == table.processor)
        known = {c: values for c, values in other.values.items() if c in table.outcomes}
        if known and not same:
            found.append(known)
    return found


def _configuration(line: Line) -> Configuration:
    cells = {**REPLAY.OPTIONAL, **line.cells}
    if cells["precision"] not in PRECISIONS:
        raise line.wrong("precision", f"'{cells['precision']}' is none of {', '.join(PRECISIONS)}")
    if cells["pinned"] not in {"true", "false"}:
        raise line.wrong("pinned", f"'{cells['pinned']}' is neither true nor false")
    for name in ("model", "backend"):
        if not cells[name]:
            raise line.wrong(name, "is empty")
    return Configuration(
        model=cells["model"],
        precision=cells["precision"],
        backend="replay",
        threads=line.count("threads"),
        batch_size=line.count("batch_size"),
        knobs=(("runtime", cells["backend"]),),
        instances=line.count("instances") if "instances" in line.cells else 1,
        pinned=cells["pinned"] == "true",
    )


def _outcome(line: Line, own: Configuration, objectives: Iterable[str]) -> Outcome:
    if line.cells["failure"]:
        return Outcome(failure=Failure(FailureKind.UNSUPPORTED, line.cells["failure"]))
    values = {
        name: line.amount(name, most=100) if name == ACCURACY.name else line.amount(name, above=0)
        for name in objectives
    }
    return Outcome(
        tuple(
            _measurement(name, value, _subject(name, own), _seconds(name, own, values))
            for name, value in values.items()
        )
    )


def _subject(metric: str, own: Configuration) -> tuple[KnobValue, ...]:
    """What a metric depends on."""
    of_file = (own.model, own.precision, *(value for _, value in own.knobs))
    if metric == ACCURACY.name:
        return of_file
    batch = (own.batch_size, own.instances) if METRICS[metric].batched else ()
    return (*of_file, own.threads, own.pinned, *batch)


def _seconds(metric: str, own: Configuration, values: Mapping[str, float]) -> float:
    """How long a metric takes."""
    if metric == LATENCY.name:
        return single_stream_s(values[metric])
    rate = values.get(THROUGHPUT.name) or 1e3 / values[LATENCY.name]
    if metric == ACCURACY.name:
        return accuracy_s(IMAGES, rate)
    return offline_s(rate, own.batch_size, own.instances)


def _measurement(
    metric: str, value: float, subject: tuple[KnobValue, ...], seconds: float
) -> Measurement:
    key = digest([metric, *subject])
    return Measurement(metric, value, key, Source.REPLAYED, seconds=seconds)


def _published(path: Path, columns: Sequence[str], lines: Sequence[Line]) -> list[Table]:
    """The systems that published variants of the catalogue's families, in the file's order."""
    objectives = (ACCURACY.name, LATENCY.name)
    systems = (each for each in published(path, columns, lines) if each.task == registry.DEFAULT)
    found = ((system, _variants(path, system)) for system in systems)
    tables = [
        Table(f"{path.stem}:{system.name}", objectives, outcomes, system.cpu)
        for system, outcomes in found
        if outcomes
    ]
    if not tables:
        problem = "has no SingleStream row of a variant of the catalogue"
        raise RequestError(problem, file=path, remedy="name another table")
    return tables


def _variants(path: Path, system: ResultTable) -> dict[Configuration, Outcome]:
    """What a system published of variants in a precision."""
    outcomes: dict[Configuration, Outcome] = {}
    for row in system.rows:
        if "precision" not in row.configuration or LATENCY.name not in row.values:
            continue
        variant = str(row.configuration["model"]), str(row.configuration["precision"])
        outcome = _published_outcome(row.values, variant)
        configuration = Configuration(*variant, "replay", threads=1, batch_size=1)
        if outcomes.setdefault(configuration, outcome) != outcome:
            problem = f"{system.name} has another {' '.join(variant)} before {row.label}"
            raise RequestError(problem, file=path, remedy="name another table")
    return outcomes


def _published_outcome(values: Mapping[str, float], variant: tuple[str, str]) -> Outcome:
    accuracy, latency = values[ACCURACY.name], values[LATENCY.name]
    seconds = single_stream_s(latency)
    return Outcome(
        (
            _measurement(ACCURACY.name, accuracy, variant, 0.0),
            _measurement(LATENCY.name, latency, variant, seconds),
        )
    )
