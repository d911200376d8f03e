"""A study as pandas tables: its configurations, what was measured, and its progress."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from dse.core.metrics import METRICS
from dse.report.frame import frame, source, table
from dse.report.progress import ProgressStep, progress
from dse.report.quantities import quantities
from dse.report.standing import standing_columns
from dse.study.record import configuration_of, host_of, own_measurements, purpose_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    import optuna
    import pandas as pd

    from dse.report.view import View
    from dse.study.study import Study

MEASUREMENT_COLUMNS = (
    *("generation", "trial", "purpose", "id", "configuration", "metric", "value", "unit"),
    *("source", "fidelity", "seconds", "host", "time", "disturbed", "run"),
)


def measurements(study: Study) -> pd.DataFrame:
    """One row per measurement that was ever taken, in the order of the trials.

    Columns are ``generation`` and ``trial`` (the number of the trial in its Optuna study),
    ``purpose`` (explore, repeat, anchor or validate), ``id`` (of the configuration; missing where
    the search space no longer has it) and ``configuration`` (in words), ``metric``, ``value`` and
    ``unit``, ``source``, ``fidelity`` (brief, probe, standard, rehearsal, compliance or valid),
    ``seconds`` (of wall time; what more comes of a run costs nothing), ``host``, ``time`` (when the
    trial ended, by the host's clock, in its time zone), ``disturbed`` (by what, or empty) and
    ``run`` (its folder).

    Raises:
        UnavailableError: pandas is not installed.
    """
    ids = {key: record.id for key, record in study.records.items()}
    rows = [
        row
        for revision in study.revisions
        for trial in revision.trials
        for row in _rows(revision.number, trial, ids)
    ]
    made = table(rows, MEASUREMENT_COLUMNS)
    return made.astype({"id": "Int64", "time": "datetime64[ns]"})


def progress_table(study: Study) -> pd.DataFrame:
    """One row per `dse.report.progress.ProgressStep`; ``share`` is of the last hypervolume.

    Raises:
        UnavailableError: pandas is not installed.
    """
    steps = progress(study)
    whole = steps[-1].hypervolume if steps else 0.0
    rows = [{**asdict(step), "share": step.hypervolume / (whole or 1.0)} for step in steps]
    return table(rows, (*(field.name for field in fields(ProgressStep)), "share"))


def _rows(
    revision: int, trial: optuna.trial.FrozenTrial, ids: dict[str, int]
) -> Iterator[dict[str, object]]:
    configuration = configuration_of(trial)
    for measurement in own_measurements(trial):
        yield {
            "generation": revision,
            "trial": trial.number,
            "purpose": purpose_of(trial).value,
            "id": ids.get(configuration.key) if configuration else None,
            "configuration": str(configuration or ""),
            "metric": measurement.metric,
            "value": measurement.value,
            "unit": METRICS[measurement.metric].unit,
            "source": source(measurement),
            "fidelity": measurement.fidelity,
            "seconds": measurement.seconds,
            "host": host_of(trial),
            "time": trial.datetime_complete,
            "disturbed": measurement.disturbed,
            "run": measurement.run,
        }


def study_table(view: View) -> pd.DataFrame:
    """One row for each configuration with an outcome, failed ones too, in order of their ids.

    The columns of `dse.report.frame.frame` for all metrics there are; then ``<name>_basis`` of
    each, in words, and what it rests on (`dse.report.quantities.provenance`); the user's metrics as
    ``<name>``, ``<name>_low`` and ``<name>_high``; ``standing``
    (`dse.report.standing.Standing`) and ``certain``.
    A column has values of one type: where a knob has numbers and words, all are words.

    Raises:
        UnavailableError: pandas is not installed.
    """
    records = sorted(view.study.records.values(), key=lambda record: record.id)
    shown = quantities(view)
    made = frame(records, [each.name for each in shown if each.name in METRICS], view.notes)
    further: dict[str, Any] = {}
    for metric in shown:
        values = [metric.of(record) for record in records]
        if metric.name in METRICS:
            further[f"{metric.name}_basis"] = [value.basis if value else None for value in values]
            continue
        further[metric.name] = [value.value if value else None for value in values]
        for index, end in enumerate(("low", "high")):
            ends = [value.interval[index] if value and value.interval else None for value in values]
            further[f"{metric.name}_{end}"] = ends
    return of_one_type(made.assign(**further, **standing_columns(view, records)))


def of_one_type(table: pd.DataFrame) -> pd.DataFrame:
    """The table with words where a column mixes types, which a Parquet file can't hold."""
    mixed = {
        name: table[name].map(str, na_action="ignore")
        for name in table.columns
        if len({type(value) for value in table[name].dropna()}) > 1
    }
    return table.assign(**mixed)
