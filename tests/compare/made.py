"""Results of systems, as tests of comparisons make them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dse.compare.systems import gather_systems
from dse.core.measurement import Source
from dse.core.metrics import LATENCY, THROUGHPUT
from dse.derived.derivation import Derivation
from dse.results.table import ResultTable, Row
from dse.tasks.image_classification._quality import ACCURACY

if TYPE_CHECKING:
    from dse.compare.systems import Gathered

SHORT = {"accuracy": ACCURACY.name, "latency": LATENCY.name, "throughput": THROUGHPUT.name}


def row(
    label: str = "net",
    *,
    source: Source = Source.PUBLISHED,
    more: dict[str, float] | None = None,
    **values: Any,
) -> Row:
    """A configuration.

    Args:
        label: its name, and that of its model.
        source: of all values.
        more: values by metric.
        values: fields of a `Row`; or by the words in `SHORT`, values of these metrics.
    """
    known = {SHORT[name]: float(values.pop(name)) for name in SHORT if name in values}
    known |= more or {}
    fields: dict[str, Any] = {
        "configuration": {"model": label},
        "sources": dict.fromkeys(known, source),
        "valid": frozenset(known) if source is Source.PUBLISHED else frozenset(),
    }
    return Row(label=label, values=known, **{**fields, **values})


def results(name: str = "one", *rows: Row, **fields: Any) -> ResultTable:
    """A system."""
    told = {"origin": "t.csv", "cpu": f"CPU {name}", "cores": 4, "ghz": None, "software": "X 1"}
    return ResultTable(name=name, rows=rows, **{**told, **fields})


def gathered(*found: ResultTable, **options: Any) -> Gathered:
    """Systems to compare, with what the options of the command line say."""
    return gather_systems(found, Derivation.parse(**options))
