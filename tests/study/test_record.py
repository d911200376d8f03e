"""What is stored is what comes back."""

from __future__ import annotations

import json
from typing import Any

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.trial import TrialState

from dse.study.about import About
from dse.study.record import outcome_as_dict, outcome_from_dict, record, taken
from dse.types import (
    METRICS,
    Configuration,
    Failure,
    FailureKind,
    KnobValue,
    Measurement,
    Outcome,
    Source,
)
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
    details=st.dictionaries(st.text(), SCALARS),
)
FAILURES = st.builds(
    Failure,
    kind=st.sampled_from(FailureKind),
    message=st.text(),
    stderr_tail=st.text(),
    attempts=st.integers(0, 9),
    key=st.text("0123456789abcdef", max_size=16),
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


@given(CONFIGURATIONS)
def test_a_configuration_comes_back_with_its_key(configuration: Configuration) -> None:
    again = Configuration.from_dict(through_json(configuration.as_dict()))
    assert again == configuration
    assert again.key == configuration.key


@given(OUTCOMES, CONFIGURATIONS)
def test_a_trial_says_what_was_written_into_it(
    given_outcome: Outcome, configuration: Configuration
) -> None:
    attributes = {
        "configuration": configuration.as_dict(),
        "outcome": outcome_as_dict(given_outcome),
        **{f"measurement:{m.metric}": m.as_dict() for m in given_outcome.measurements},
    }
    trial = optuna.trial.create_trial(state=TrialState.FAIL, user_attrs=through_json(attributes))
    kept = record(trial)
    assert kept is not None
    assert (kept.configuration, kept.outcome) == (configuration, given_outcome)
    last = {m.metric: m for m in given_outcome.measurements}
    assert {m.metric: m for m in taken(trial)} == last


def test_a_trial_without_an_outcome_has_no_record_but_its_measurements() -> None:
    (one,) = outcome(Configuration("a", "fp32", "null", 1, 1), ["latency_p90_ms"]).measurements
    trial = optuna.trial.create_trial(
        state=TrialState.FAIL, user_attrs={"measurement:latency_p90_ms": one.as_dict()}
    )
    assert record(trial) is None
    assert list(taken(trial)) == [one]


@pytest.mark.parametrize("changes", [{}, {"excluded": ("a", "b"), "artefacts": {"m": "0" * 64}}])
def test_what_a_study_is_about_comes_back(changes: dict[str, Any]) -> None:
    written = about(small_space(), **changes)
    assert About.from_dict(through_json(written.as_dict())) == written
