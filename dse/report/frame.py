"""A study as a pandas table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from dse.study.record import Record


def frame(records: Iterable[Record]) -> pd.DataFrame:
    """One row per record: the configuration, then value, interval and source of each metric.

    Columns are ``id``, the fields and knobs of the configurations, and for each metric its name
    (in its unit), ``<name>_low`` and ``<name>_high`` where an interval is known, and
    ``<name>_source``; then ``failure`` and ``failure_message``.

    Raises:
        UnavailableError: pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise UnavailableError(
            "tables need pandas", remedy="pip install 'mlperf-dse[report]'"
        ) from error
    return pd.DataFrame([_row(record) for record in records])


def _row(record: Record) -> dict[str, object]:
    row: dict[str, object] = {"id": record.id, **record.configuration.as_dict()}
    for measurement in record.outcome.measurements:
        name = measurement.metric
        row[name] = measurement.value
        if measurement.interval:
            row[f"{name}_low"], row[f"{name}_high"] = measurement.interval
        row[f"{name}_source"] = measurement.source.value
    failure = record.outcome.failure
    row["failure"] = failure.kind.value if failure else ""
    row["failure_message"] = failure.message if failure else ""
    return row
