"""What is said of noise, drift and disturbances: on studies written down by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from dse.core.measurement import Measurement, Outcome, Source
from dse.core.metrics import LATENCY, METRICS, PEAK_MEMORY
from dse.report.frame import frame
from dse.report.health import health
from dse.report.standing import Standing, standings
from dse.report.summary import frontier, notes, status
from dse.report.text import mark_lines, marks
from dse.report.view import View
from dse.study.folder import StudyFolder
from dse.study.record import Purpose
from dse.study.revisions import distributions
from tests.study.studies import create, planned, small_space

if TYPE_CHECKING:
    from pathlib import Path

    from dse.core.configuration import Configuration, KnobValue
    from dse.core.measurement import FidelityName
    from dse.study.study import Study

SPACE = small_space(objectives=[LATENCY.name], batch_sizes=1, backends={"null": {}})
CONFIGURATIONS = planned(SPACE).configurations
TITLE = METRICS[LATENCY.name].title


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return create(StudyFolder(tmp_path / "mine"), SPACE)


def note(
    study: Study,
    configuration: Configuration,
    latency_ms: float,
    fidelity: FidelityName = "probe",
    purpose: Purpose = Purpose.REPEAT,
    **details: KnobValue,
) -> None:
    """A trial that has measured a latency, and a memory that nobody asked for."""
    trial = study.begin(configuration, distributions(planned(SPACE)), purpose)
    latency = Measurement(
        LATENCY.name, latency_ms, configuration.key, Source.MEASURED, fidelity, details=details
    )
    beside = replace(latency, metric=PEAK_MEMORY.name, key=f"{configuration.key} memory")
    for measurement in (latency, beside):
        study.keep(trial, measurement)
    study.finish(trial, Outcome((latency, beside)))


def test_there_is_nothing_to_say_of_nothing(study: Study) -> None:
    assert health(study) == []


def test_one_measurement_tells_of_no_noise(study: Study) -> None:
    note(study, CONFIGURATIONS[0], 2.0)
    assert health(study) == ["frontier: 1 point, 1 decided"]


def test_noise_by_how_cpus_are_occupied_and_the_range_of_the_anchor(study: Study) -> None:
    for latency_ms in (2.0, 2.1, 1.95):
        note(study, CONFIGURATIONS[0], latency_ms)
    note(study, CONFIGURATIONS[1], 9.0)
    anchor = f"anchor #0, measured 3 times: {TITLE} 1.950 to 2.100 ms"
    assert health(study) == [
        f"noise of {TITLE}: 1 thread on 1 CPU: 5.3 % (from 2 repetitions)",
        anchor,
        "frontier: 1 point, 1 decided",
    ]
    for latency_ms in (9.0, 9.09):
        note(study, CONFIGURATIONS[1], latency_ms, "standard")
    # Twice the variance, for half of it is common to what was measured within a minute.
    one, two = "5.3 % (from 2 repetitions)", "1.0 % (from 1 repetition)"
    shown = f"1 thread on 1 CPU: {one}; 2 threads on 2 CPUs: {two}"
    assert health(study)[:2] == [f"noise of {TITLE}: {shown}", anchor]


def test_outliers_are_told_from_the_bulk_of_the_noise(study: Study) -> None:
    note(study, CONFIGURATIONS[0], 1.0)  # the anchor, whose outliers are drifts
    for latency_ms in (2.0, 2.02, 1.99, 2.01, 3.0, 2.0):
        note(study, CONFIGURATIONS[1], latency_ms)
    noise = "2 threads on 2 CPUs: 23.3 % (1.5 % without outliers, from 5 repetitions)"
    assert noise in health(study)[0]


def test_drifts_and_what_rests_on_them(study: Study) -> None:
    anchor, other = CONFIGURATIONS[:2]
    for latency_ms in (2.0, 2.01, 1.99, 2.0):
        note(study, anchor, latency_ms)
    note(study, other, 9.0)
    note(study, anchor, 3.0)
    assert not any("drift" in line for line in health(study))  # it may have been an odd process
    note(study, anchor, 2.9)
    told = f"drift of {TITLE}: the anchor gave +50 % after trial 1-000003 "
    assert f"{told}and still does" in health(study)
    assert "measured during a drift only: 1 configuration (#4)" in health(study)
    note(study, anchor, 2.0)
    assert f"{told}until trial 1-000007" in health(study)
    note(study, other, 6.0)
    assert not any("only" in line for line in health(study))


def test_what_was_measured_in_a_drift_only_is_marked_everywhere_and_never_certain(
    study: Study,
) -> None:
    anchor, other = CONFIGURATIONS[:2]
    for latency_ms in (9.0, 9.01, 8.99, 9.0):
        note(study, anchor, latency_ms)
    for configuration, latency_ms in ((anchor, 14.0), (other, 2.0), (anchor, 14.1)):
        note(study, configuration, latency_ms)
    view = View(study)
    (record,) = view.frontier
    assert record.configuration == other
    assert not view.frontier.certain(record)
    assert marks(view.frontier)(record) == "*"
    assert standings(view)[record.id] is Standing.LEADS
    (point,) = frontier(View(study))["points"]
    assert (point["notes"], point["certain"]) == (["drift"], False)
    assert list(frame([record], [LATENCY.name], view.notes)["notes"]) == ["drift"]
    assert mark_lines(view.frontier, [record])[-1].startswith("* drift: measured only while")
    assert status(study)["notes"] == ["measured during a drift only: 1 configuration (#5)"]
    note(study, anchor, 9.0)
    for _ in range(4):
        note(study, other, 2.0)
    (record,) = View(study).frontier
    assert marks(study.results.frontier)(record) == ""
    assert frontier(View(study))["points"][0]["notes"] == []
    assert status(study)["notes"] == []


def test_where_too_little_was_repeated_no_interval_is_shown_and_it_says_so(study: Study) -> None:
    note(study, CONFIGURATIONS[0], 9.0)
    note(study, CONFIGURATIONS[1], 2.0)
    for latency_ms in (9.1, 8.9, 9.0):
        note(study, CONFIGURATIONS[0], latency_ms)
    unknown = "\u00b1 unknown: too little was repeated with 2 threads on 2 CPUs"
    assert unknown in notes(View(study))
    assert frontier(View(study))["points"][0]["intervals"] == {LATENCY.name: None}
    for latency_ms in (2.1, 1.9, 2.0):
        note(study, CONFIGURATIONS[1], latency_ms)
    assert unknown not in notes(View(study))
    low, high = frontier(View(study))["points"][0]["intervals"][LATENCY.name]
    assert low < 2.0 < high


def test_disturbances_are_counted(study: Study) -> None:
    note(study, CONFIGURATIONS[0], 2.0)
    note(study, CONFIGURATIONS[0], 4.0, disturbed="12 % steal")
    lines = health(study)
    assert "disturbed: 2 of 4 timed measurements, the last by: 12 % steal" in lines
    assert not any(line.startswith("noise") for line in lines)
