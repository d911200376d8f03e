"""A study as a pandas table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.core.configuration import CONFIGURATION_FIELDS, CPU, DEVICE
from dse.core.measurement import Source
from dse.core.metrics import METRICS
from dse.core.requirements import Requirement

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd

    from dse.core.measurement import Measurement
    from dse.study.record import Record

    Notes = Callable[[Record], Sequence[str]]


def frame(
    records: Sequence[Record], metrics: Sequence[str], notes: Notes = lambda _: ()
) -> pd.DataFrame:
    """One row per record: the configuration, then value, interval and source of each metric.

    Columns are ``id``, the fields and knobs of the configurations, and for each metric its name
    (in its unit), ``<name>_low`` and ``<name>_high`` where an interval is known, and
    ``<name>_source`` (measured, estimated, published or replayed); then ``failure``,
    ``failure_message`` and ``notes``, what speaks against its values.

    Args:
        records: the rows.
        metrics: names of the metrics to show, in order.
        notes: what speaks against a record's values, see `dse.report.view.View.notes`.

    Raises:
        UnavailableError: pandas is not installed.
    """
    rows = [_row(record, metrics, notes) for record in records]
    return table(rows, _columns(records, rows, metrics))


def table(rows: Sequence[Mapping[str, object]], columns: Sequence[str]) -> pd.DataFrame:
    """Rows as a table that has these columns, also where it has no row.

    Raises:
        UnavailableError: pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise Requirement("tables", ("pandas",), "report").error(error) from error
    return pd.DataFrame(rows, columns=list(columns))


def known_metrics(records: Sequence[Record], metrics: Sequence[str]) -> tuple[str, ...]:
    """The metrics given, then those that were recorded beside them for one of the records."""
    known = {m.metric for record in records for m in record.outcome.measurements}
    return (*metrics, *(name for name in METRICS if name in known and name not in metrics))


def _columns(
    records: Sequence[Record], rows: Sequence[dict[str, object]], metrics: Sequence[str]
) -> list[str]:
    """All columns that a row has, in one order; a table without rows has them too."""
    knobs = dict.fromkeys(name for record in records for name, _ in record.configuration.knobs)
    several = any(record.configuration.device != CPU for record in records)
    columns = ["id", *CONFIGURATION_FIELDS, *([DEVICE] if several else []), *knobs]
    for name in metrics:
        bounds = [f"{name}_low", f"{name}_high"]
        known = any(bounds[0] in row for row in rows)
        columns += [name, *(bounds if known else ()), f"{name}_source"]
    return [*columns, "failure", "failure_message", "notes"]


def _row(record: Record, metrics: Sequence[str], notes: Notes) -> dict[str, object]:
    own = record.configuration
    row: dict[str, object] = {"id": record.id, DEVICE: own.device, **own.as_dict()}
    for name in metrics:
        measurement = record.outcome.measurement(name)
        if measurement is None:
            continue
        row[name] = measurement.value
        if measurement.interval:
            row[f"{name}_low"], row[f"{name}_high"] = measurement.interval
        row[f"{name}_source"] = source(measurement)
    failure = record.outcome.failure
    row["failure"] = failure.kind.value if failure else ""
    row["failure_message"] = failure.message if failure else ""
    row["notes"] = "; ".join(notes(record))
    return row


def source(measurement: Measurement) -> str:
    """Where a value comes from; an estimate that was measured here is called one."""
    estimated = METRICS[measurement.metric].estimated and measurement.source is Source.MEASURED
    return "estimated" if estimated else measurement.source.value
