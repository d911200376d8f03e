"""The table of a study: its columns, in one order, whatever is known."""

from __future__ import annotations

import pandas as pd
import pytest

from dse.core.configuration import CONFIGURATION_FIELDS, Configuration, KnobValue
from dse.core.measurement import Failure, FailureKind, Measurement, Outcome, Source
from dse.report.frame import frame, known_metrics
from dse.study.record import Record
from tests.objectives import DEFAULT_OBJECTIVES

ACCURACY, LATENCY, THROUGHPUT = DEFAULT_OBJECTIVES
FIELDS = ["id", *CONFIGURATION_FIELDS]
FAILURE = ["failure", "failure_message", "notes"]


def record(number: int, *measurements: Measurement, **knobs: KnobValue) -> Record:
    configuration = Configuration("m", "fp32", "null", 1, 8, tuple(knobs.items()))
    return Record(number, configuration, Outcome(measurements))


def value(metric: str, number: float, **more: object) -> Measurement:
    return Measurement(metric, number, "key", Source.MEASURED, **more)  # type: ignore[arg-type]


def test_a_row_holds_configuration_values_intervals_and_sources() -> None:
    table = frame(
        [
            record(
                4,
                value(ACCURACY, 71.5, interval=(70.0, 73.0)),
                value(LATENCY, 2.25),
                delay_ms=2.5,
            )
        ],
        (ACCURACY, LATENCY),
    )
    bounds = [f"{ACCURACY}_low", f"{ACCURACY}_high"]
    assert list(table.columns) == [
        *FIELDS,
        "delay_ms",
        ACCURACY,
        *bounds,
        f"{ACCURACY}_source",
        LATENCY,
        f"{LATENCY}_source",
        *FAILURE,
    ]
    (row,) = table.to_dict("records")
    assert row == {
        **dict(zip(FIELDS, (4, "m", "fp32", "null", 1, 8, 1, False), strict=True)),
        "delay_ms": 2.5,
        ACCURACY: 71.5,
        bounds[0]: 70.0,
        bounds[1]: 73.0,
        f"{ACCURACY}_source": "measured",
        LATENCY: 2.25,
        f"{LATENCY}_source": "measured",
        "failure": "",
        "failure_message": "",
        "notes": "",
    }


def test_knobs_of_several_backends_stand_together() -> None:
    table = frame([record(0, fault="none"), record(1, runtime="x")], (LATENCY,))
    assert list(table.columns)[len(FIELDS) :][:2] == ["fault", "runtime"]
    assert pd.isna(table["fault"][1])
    assert pd.isna(table["runtime"][0])


def test_a_failure_stands_with_its_reason_and_what_was_measured_before() -> None:
    configuration = Configuration("m", "fp32", "null", 1, 8)
    failure = Failure(FailureKind.TIMEOUT, "no answer within 3 s")
    outcome = Outcome((value(LATENCY, 2.0),), failure)
    table = frame([Record(0, configuration, outcome)], list(DEFAULT_OBJECTIVES))
    (row,) = table.to_dict("records")
    assert (row["failure"], row["failure_message"]) == ("timeout", "no answer within 3 s")
    assert row[LATENCY] == 2.0
    assert pd.isna(row[THROUGHPUT])


@pytest.mark.parametrize("metrics", [(LATENCY,), tuple(DEFAULT_OBJECTIVES)])
def test_a_table_without_rows_has_its_columns(metrics: tuple[str, ...]) -> None:
    table = frame([], metrics)
    assert len(table) == 0
    values = [name for metric in metrics for name in (metric, f"{metric}_source")]
    assert list(table.columns) == [*FIELDS, *values, *FAILURE]


def test_only_the_metrics_asked_for_are_shown() -> None:
    table = frame([record(0, value(LATENCY, 1), value(ACCURACY, 2))], (ACCURACY,))
    assert LATENCY not in table.columns


def test_what_was_recorded_beside_follows_what_was_asked_for() -> None:
    records = [record(0, value(LATENCY, 1), value("peak_memory_mib", 2)), record(1)]
    assert known_metrics(records, (ACCURACY, LATENCY)) == (ACCURACY, LATENCY, "peak_memory_mib")
    assert known_metrics([], (ACCURACY,)) == (ACCURACY,)


@pytest.mark.parametrize(
    ("source", "told"), [(Source.MEASURED, "estimated"), (Source.REPLAYED, "replayed")]
)
def test_energy_is_called_an_estimate(source: Source, told: str) -> None:
    name = "energy_per_sample_mj"
    table = frame([record(0, Measurement(name, 3.5, "key", source))], (name,))
    assert list(table[f"{name}_source"]) == [told]
