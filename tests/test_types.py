"""Values that travel: identities that hold, and JSON forms that come back as they were."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.checksums import canonical_json, digest
from dse.core.configuration import CONFIGURATION_FIELDS, Configuration, KnobValue
from dse.core.measurement import (
    TRANSIENT_FAILURES,
    Failure,
    FailureKind,
    Measurement,
    Outcome,
    Source,
)
from dse.core.metrics import METRICS
from dse.tasks.image_classification.preprocessing import Preprocessing

FINITE = st.floats(allow_nan=False, allow_infinity=False)
KNOB_VALUES: st.SearchStrategy[KnobValue] = st.booleans() | st.integers() | FINITE | st.text()
KNOB_NAMES = st.text(min_size=1).filter(lambda name: name not in CONFIGURATION_FIELDS)
JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | KNOB_VALUES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
CONFIGURATIONS = st.builds(
    Configuration,
    model=st.text(),
    precision=st.sampled_from(["fp32", "int8"]),
    backend=st.text(),
    threads=st.integers(1, 1024),
    batch_size=st.integers(1, 65536),
    knobs=st.dictionaries(KNOB_NAMES, KNOB_VALUES, max_size=5).map(lambda d: tuple(d.items())),
)
MEASUREMENTS = st.builds(
    Measurement,
    metric=st.sampled_from(sorted(METRICS)),
    value=FINITE,
    key=st.text(),
    source=st.sampled_from(Source),
    fidelity=st.sampled_from(["probe", "standard", "valid"]),
    run=st.text(),
    interval=st.none() | st.tuples(FINITE, FINITE),
    seconds=FINITE,
    details=st.dictionaries(st.text(), KNOB_VALUES, max_size=4),
)
PLAIN = Configuration("mobilenet-v1-0.25-128", "fp32", "null", 2, 8)


def shuffled(data: st.DataObject, value: Any) -> Any:
    """The same JSON value with its objects' keys in another order."""
    if isinstance(value, dict):
        items = data.draw(st.permutations(list(value.items())))
        return {name: shuffled(data, inner) for name, inner in items}
    if isinstance(value, list):
        return [shuffled(data, inner) for inner in value]
    return value


@given(value=JSON_VALUES, data=st.data())
def test_canonical_json_is_one_line_that_keeps_everything(value: Any, data: st.DataObject) -> None:
    text = canonical_json(value)
    assert json.loads(text) == value
    assert canonical_json(json.loads(text)) == text
    assert canonical_json(shuffled(data, value)) == text
    assert text.isascii()
    assert "\n" not in text


@pytest.mark.parametrize("value", [float("nan"), [float("inf")], {"a": -float("inf")}])
def test_canonical_json_refuses_what_json_lacks(value: Any) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json(value)


@given(JSON_VALUES)
def test_digest_is_16_hex_digits(value: Any) -> None:
    assert len(digest(value)) == 16
    assert int(digest(value), 16) >= 0


def test_digests_tell_types_apart() -> None:
    assert len({digest(value) for value in (1, 1.0, True, "1", "true", None, [1])}) == 7


@given(configuration=CONFIGURATIONS, data=st.data())
def test_knob_order_does_not_matter(configuration: Configuration, data: st.DataObject) -> None:
    knobs = tuple(data.draw(st.permutations(configuration.knobs)))
    same = Configuration(
        configuration.model,
        configuration.precision,
        configuration.backend,
        configuration.threads,
        configuration.batch_size,
        knobs,
        configuration.instances,
        configuration.pinned,
    )
    assert same == configuration
    assert same.key == configuration.key
    assert str(same) == str(configuration)
    assert same.knobs == tuple(sorted(knobs, key=lambda knob: knob[0]))


@given(CONFIGURATIONS)
def test_a_configuration_comes_back_from_json(configuration: Configuration) -> None:
    flat = json.loads(json.dumps(configuration.as_dict()))
    assert Configuration.from_dict(flat) == configuration
    assert Configuration.from_dict(flat).key == configuration.key
    assert tuple(flat)[: len(CONFIGURATION_FIELDS)] == CONFIGURATION_FIELDS


@given(CONFIGURATIONS, CONFIGURATIONS)
def test_keys_differ_where_configurations_do(one: Configuration, other: Configuration) -> None:
    alike = canonical_json(one.as_dict()) == canonical_json(other.as_dict())
    assert (one.key == other.key) == alike


@pytest.mark.parametrize(
    "other",
    [
        Configuration("mobilenet-v1-0.5-128", "fp32", "null", 2, 8),
        Configuration("mobilenet-v1-0.25-128", "int8", "null", 2, 8),
        Configuration("mobilenet-v1-0.25-128", "fp32", "replay", 2, 8),
        Configuration("mobilenet-v1-0.25-128", "fp32", "null", 8, 2),
        Configuration("mobilenet-v1-0.25-128", "fp32", "null", 2, 8, (("delay_ms", 0.0),)),
    ],
)
def test_every_part_counts(other: Configuration) -> None:
    assert other.key != PLAIN.key
    assert other != PLAIN


def test_keys_of_old_studies_stay_what_they_were() -> None:
    knobs = (("spinning", False), ("delay_ms", 0.5), ("graph_optimization", "all"), ("n", 3))
    assert PLAIN.key == "7ec7289f94230ccf"
    assert Configuration("m", "int8", "b", 1, 1, knobs).key == "49aeae9b2e8c25e6"


def test_a_configuration_in_words() -> None:
    knobs = (("spinning", False), ("delay_ms", 0.5))
    text = str(Configuration("m", "int8", "litert", 1, 16, knobs))
    assert text == "m int8, litert, 1 thread, batch 16, delay_ms=0.5, spinning=False"
    assert str(PLAIN) == "mobilenet-v1-0.25-128 fp32, null, 2 threads, batch 8"


@given(MEASUREMENTS)
def test_a_measurement_comes_back_from_json(measurement: Measurement) -> None:
    assert Measurement.from_dict(json.loads(json.dumps(measurement.as_dict()))) == measurement
    assert Measurement.from_dict(json.loads(canonical_json(measurement.as_dict()))) == measurement


def test_whole_numbers_come_back_as_floats() -> None:
    flat = Measurement("accuracy_percent", 1.0, "k", Source.MEASURED, interval=(0.0, 2.0)).as_dict()
    found = Measurement.from_dict({**flat, "value": 1, "interval": [0, 2], "seconds": 3})
    kinds = {type(number) for number in (found.value, found.seconds, *(found.interval or ()))}
    assert kinds == {float}


@given(st.lists(MEASUREMENTS, unique_by=lambda m: m.metric))
def test_an_outcome_knows_its_measurements(measurements: list[Measurement]) -> None:
    outcome = Outcome(tuple(measurements), Failure(FailureKind.CRASH, "why"))
    assert outcome.values == {m.metric: m.value for m in measurements}
    for metric in METRICS:
        expected = next((m for m in measurements if m.metric == metric), None)
        assert outcome.measurement(metric) is expected


def test_metrics_are_listed_by_their_own_names() -> None:
    assert all(name == metric.name for name, metric in METRICS.items())
    assert {m.direction for m in METRICS.values()} == {"maximize", "minimize"}


def test_what_a_runtime_refuses_is_not_tried_again() -> None:
    assert set(FailureKind) - TRANSIENT_FAILURES == {FailureKind.UNSUPPORTED, FailureKind.LOAD}


def test_a_preprocessing_without_quantisation_is_told_as_it_always_was() -> None:
    plain = Preprocessing(224, "NCHW", mean=(127.0,) * 3, scale=(128.0,) * 3)
    # The digest of the fields as studies have kept them since before there was a quantisation.
    assert "quantisation" not in plain.as_dict()
    assert digest(plain.as_dict()) == "7f9e9b885e22fdfe"
    quantised = replace(plain, dtype="int8", quantisation=(0.02, -3))
    assert digest(quantised.as_dict()) != digest(plain.as_dict())
    for each in (plain, quantised):
        assert Preprocessing.from_dict(json.loads(json.dumps(each.as_dict()))) == each
