"""What is stored is what comes back."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.trial import TrialState

from dse.core.configuration import Configuration, KnobValue
from dse.core.mcnemar import encode_right
from dse.core.measurement import Failure, FailureKind, Measurement, Outcome, Source
from dse.core.metrics import METRICS
from dse.study.metadata import StudyMetadata
from dse.study.record import (
    Purpose,
    configuration_of,
    host_of,
    measurement_name,
    outcome_as_dict,
    outcome_from_dict,
    outcome_of,
    outcome_that_counts,
    own_measurements,
    purpose_of,
)
from dse.tasks.image_classification._quality import ACCURACY
from tests.study.studies import about, outcome, small_space

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
SCALARS: st.SearchStrategy[KnobValue] = st.one_of(
    st.text(), st.integers(-(2**53), 2**53), NUMBERS, st.booleans()
)
MEASUREMENTS = st.builds(
    Measurement,
    metric=st.sampled_from(sorted(METRICS)),
    value=NUMBERS,
    key=st.text("0123456789abcdef", max_size=16),
    source=st.sampled_from(Source),
    fidelity=st.sampled_from(["probe", "standard", "valid"]),
    run=st.text(),
    interval=st.none() | st.tuples(NUMBERS, NUMBERS),
    seconds=NUMBERS,
    details=st.dictionaries(st.text().filter(lambda name: name != "right"), SCALARS),
)
FAILURES = st.builds(
    Failure,
    kind=st.sampled_from(FailureKind),
    message=st.text(),
    stderr_tail=st.text(),
    attempts=st.integers(0, 9),
    key=st.text("0123456789abcdef", max_size=16),
    run=st.text(),
)
OUTCOMES = st.builds(Outcome, st.lists(MEASUREMENTS, max_size=3).map(tuple), st.none() | FAILURES)
KNOBS = st.dictionaries(st.sampled_from(["delay_ms", "fault", "runtime"]), SCALARS, max_size=3).map(
    lambda knobs: tuple(knobs.items())
)
CONFIGURATIONS = st.builds(
    Configuration,
    model=st.text(min_size=1),
    precision=st.sampled_from(["fp32", "int8"]),
    backend=st.sampled_from(["null", "replay"]),
    threads=st.integers(1, 4096),
    batch_size=st.integers(1, 65536),
    knobs=KNOBS,
)


def through_json(value: Any) -> Any:
    return json.loads(json.dumps(value))


@given(OUTCOMES)
def test_an_outcome_comes_back_as_it_was(given_outcome: Outcome) -> None:
    assert outcome_from_dict(through_json(outcome_as_dict(given_outcome))) == given_outcome


def test_the_answers_to_single_samples_are_kept_once(quality: Measurement) -> None:
    stored = through_json(outcome_as_dict(Outcome((quality,))))
    assert outcome_from_dict(stored).measurements == (replace(quality, details={"total": 4}),)
    attributes = {measurement_name(quality, 0): through_json(quality.as_dict())}
    trial = optuna.trial.create_trial(value=1.0, user_attrs={"outcome": stored, **attributes})
    assert list(own_measurements(trial)) == [quality]


@pytest.fixture
def quality() -> Measurement:
    right = encode_right([True, False, True, True], "ab" * 32)
    details: dict[str, KnobValue] = {"total": 4, "right": right or ""}
    return Measurement(ACCURACY.name, 75.0, "a", Source.MEASURED, details=details)


@given(st.lists(MEASUREMENTS, max_size=3), FAILURES, st.sampled_from(Purpose))
def test_a_brief_run_tells_nothing_of_its_configuration_but_a_failure(
    others: list[Measurement], failure: Failure, purpose: Purpose
) -> None:
    brief = [replace(each, fidelity="brief") for each in others]
    told = outcome_that_counts(Outcome((*brief, *others), failure), purpose)
    assert told.measurements == tuple(others)
    harmless = purpose in (Purpose.VALIDATE, Purpose.ROUND)
    assert told.failure == (None if harmless else failure)


@given(CONFIGURATIONS)
def test_a_configuration_comes_back_with_its_key(configuration: Configuration) -> None:
    again = Configuration.from_dict(through_json(configuration.as_dict()))
    assert again == configuration
    assert again.key == configuration.key


@given(OUTCOMES, CONFIGURATIONS, st.sampled_from(Purpose))
def test_a_trial_says_what_was_written_into_it(
    given_outcome: Outcome, configuration: Configuration, purpose: Purpose
) -> None:
    measurements = given_outcome.measurements
    before = [[m.metric for m in measurements[:n]] for n in range(len(measurements))]
    attributes = {
        "configuration": configuration.as_dict(),
        "purpose": purpose.value,
        "owner": {"host": "somewhere", "pid": 1},
        "outcome": outcome_as_dict(given_outcome),
        **{
            measurement_name(m, earlier.count(m.metric)): m.as_dict()
            for m, earlier in zip(measurements, before, strict=True)
        },
    }
    trial = optuna.trial.create_trial(state=TrialState.FAIL, user_attrs=through_json(attributes))
    assert (configuration_of(trial), outcome_of(trial)) == (configuration, given_outcome)
    assert (purpose_of(trial), host_of(trial)) == (purpose, "somewhere")
    assert sorted(own_measurements(trial), key=repr) == sorted(measurements, key=repr)


def test_what_was_written_before_there_was_a_ladder_is_a_probe() -> None:
    (one,) = outcome(Configuration("a", "fp32", "null", 1, 1), ["latency_p90_ms"]).measurements
    old = {"validity": "probe", **one.as_dict()}
    del old["fidelity"]
    failure = {"kind": "crash", "message": "m", "stderr_tail": "", "attempts": 2, "key": "k"}
    read = outcome_from_dict({"measurements": [old], "failure": failure})
    assert read.measurements == (one,)
    assert read.failure == Failure(FailureKind.CRASH, "m", attempts=2, key="k")
    assert purpose_of(optuna.trial.create_trial(value=1.0)) is Purpose.EXPLORE


def test_a_trial_without_an_outcome_has_its_measurements() -> None:
    (one,) = outcome(Configuration("a", "fp32", "null", 1, 1), ["latency_p90_ms"]).measurements
    trial = optuna.trial.create_trial(
        state=TrialState.FAIL, user_attrs={"measurement:latency_p90_ms": one.as_dict()}
    )
    assert outcome_of(trial) is None
    assert configuration_of(trial) is None
    assert list(own_measurements(trial)) == [one]


@pytest.mark.parametrize("changes", [{}, {"excluded": ("a", "b"), "artefacts": {"m": "0" * 64}}])
def test_what_a_study_is_about_comes_back(changes: dict[str, Any]) -> None:
    written = about(small_space(), **changes)
    assert StudyMetadata.from_dict(through_json(written.as_dict())) == written
