"""A whole study as one pandas table: what `dse report` writes beside its page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dse.core.metrics import METRICS
from dse.report.frame import frame
from dse.report.quantities import quantities
from dse.report.standing import point_statuses

if TYPE_CHECKING:
    import pandas as pd

    from dse.report.view import View


def study_table(view: View) -> pd.DataFrame:
    """One row for each configuration with an outcome, failed ones too, in order of their ids.

    The columns of `dse.report.frame.frame` for all metrics there are; then ``<name>_basis`` of
    each, in words, and what it rests on (`dse.report.provenance`); the user's metrics as
    ``<name>``, ``<name>_low`` and ``<name>_high``; and ``standing``
    (`dse.report.standing.PointStatus`).
    A column has values of one type: where a knob has numbers and words, all are words.

    Raises:
        UnavailableError: pandas is not installed.
    """
    records = sorted(view.study.records.values(), key=lambda record: record.id)
    shown, notes = quantities(view), view.study.results.notes
    table = frame(records, [each.name for each in shown if each.name in METRICS], notes)
    further: dict[str, Any] = {}
    for metric in shown:
        values = [metric.of(record) for record in records]
        if metric.name in METRICS:
            further[f"{metric.name}_basis"] = [value.basis if value else None for value in values]
            continue
        further[metric.name] = [value.value if value else None for value in values]
        for place, end in enumerate(("low", "high")):
            ends = [value.interval[place] if value and value.interval else None for value in values]
            further[f"{metric.name}_{end}"] = ends
    found = point_statuses(view)
    further["standing"] = [found[record.id].value for record in records]
    return of_one_type(table.assign(**further))


def of_one_type(table: pd.DataFrame) -> pd.DataFrame:
    """The table with words where a column mixes types, which a Parquet file can't hold."""
    mixed = {
        name: table[name].map(str, na_action="ignore")
        for name in table.columns
        if len({type(value) for value in table[name].dropna()}) > 1
    }
    return table.assign(**mixed)
