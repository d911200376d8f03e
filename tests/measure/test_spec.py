"""What parent and worker tell each other comes over as it was said."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from dse.core.metrics import METRICS
from dse.measure.spec import (
    PROBE,
    Fidelity,
    InputSource,
    MetricRequest,
    Spec,
    decode_message,
    encode_message,
)
from dse.tasks.image_classification.preprocessing import Preprocessing
from tests.test_types import CONFIGURATIONS, FINITE, JSON_VALUES, MEASUREMENTS

VARIABLES = st.none() | st.dictionaries(st.text(min_size=1), st.text())
PATHS = st.text(st.characters(exclude_characters="\0"), min_size=1).map(Path)
COUNTS = st.integers(0, 10**9)
CHANNELS = st.tuples(FINITE, FINITE, FINITE)
SPECS = st.builds(
    Spec,
    run=st.text(),
    folder=PATHS,
    configuration=CONFIGURATIONS,
    model_file=st.none() | PATHS,
    preprocessing=st.builds(
        Preprocessing,
        resolution=COUNTS,
        layout=st.sampled_from(["NHWC", "NCHW"]),
        dtype=st.sampled_from(["uint8", "float32"]),
        mean=CHANNELS,
        scale=CHANNELS,
        crop=FINITE,
        interpolation=st.sampled_from(["bilinear", "bicubic"]),
        label_offset=COUNTS,
    ),
    inputs=st.builds(InputSource, st.none() | PATHS, st.none() | PATHS, COUNTS),
    tasks=st.lists(
        st.builds(MetricRequest, st.sampled_from(sorted(METRICS)), st.text(), st.booleans())
    ).map(tuple),
    fidelity=st.builds(
        Fidelity, st.sampled_from(["probe", "valid"]), COUNTS, COUNTS, COUNTS, COUNTS, COUNTS
    ),
    settings=st.dictionaries(st.text(), PATHS),
    memory_limit_bytes=COUNTS,
    interpreter=st.text(),
    beside=st.lists(PATHS).map(tuple),
    environment=VARIABLES,
)
KINDS = st.sampled_from(["measurement", "failure", "done"])


@given(SPECS)
def test_a_spec_comes_back_from_json(spec: Spec) -> None:
    again = Spec.from_json(spec.to_json())
    assert again == spec
    assert again.configuration.key == spec.configuration.key
    assert again.to_json() == spec.to_json()
    assert spec.to_json().isascii()


def test_a_probe_has_enough_queries_for_loadgens_estimate() -> None:
    assert PROBE.name == "probe"
    assert PROBE.min_query_count >= 64


@given(kind=KINDS, body=st.dictionaries(st.text(), JSON_VALUES))
def test_a_message_is_one_line_and_comes_back(kind: str, body: dict[str, object]) -> None:
    line = encode_message(kind, body)  # type: ignore[arg-type]
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert decode_message(line) == (kind, body)
    assert decode_message(line.rstrip()) == (kind, body)


@given(measurement=MEASUREMENTS, data=st.data())
def test_a_message_cut_short_says_nothing(measurement: object, data: st.DataObject) -> None:
    line = encode_message("measurement", measurement.as_dict())  # type: ignore[attr-defined]
    assert decode_message(line[: data.draw(st.integers(0, len(line) - 2))]) is None


@given(st.binary())
def test_noise_says_nothing(noise: bytes) -> None:
    assert decode_message(noise) is None


@given(JSON_VALUES)
def test_other_json_says_nothing(value: object) -> None:
    line = json.dumps({"other": value}).encode()
    assert decode_message(line) is None
    if not isinstance(value, dict):
        assert decode_message(json.dumps(value).encode()) is None
