"""What parent and worker tell each other comes over as it was said."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from dse.core.metrics import METRICS, Scenario
from dse.core.signature import Input, Signature
from dse.measure.spec import (
    PROBE,
    Fidelity,
    MetricRequest,
    ModelFiles,
    Official,
    Spec,
    TaskSpec,
    decode_message,
    encode_message,
)
from dse.tasks.image_classification.preprocessing import Preprocessing, from_form
from dse.tasks.image_classification.task import ImageClassification
from dse.tasks.registry import task
from dse.tasks.task import InputFiles, Rules
from tests.test_types import CONFIGURATIONS, FINITE, JSON_VALUES, MEASUREMENTS

VARIABLES = st.none() | st.dictionaries(st.text(min_size=1), st.text())
PATHS = st.text(st.characters(exclude_characters="\0"), min_size=1).map(Path)
COUNTS = st.integers(0, 10**9)
GOLDEN = Path(__file__).parent / "golden"
SCENARIOS = st.sampled_from(Scenario)
RULES = st.builds(
    Rules,
    loadgen_model=st.text(),
    benchmark=st.text(),
    scenarios=st.dictionaries(st.text(), st.lists(SCENARIOS).map(tuple)),
    server_bound_ms=st.none() | FINITE,
    performance_samples=COUNTS,
    accuracy_samples=COUNTS,
    min_offline_samples=COUNTS,
)
SPECS = st.builds(
    Spec,
    run=st.text(),
    folder=PATHS,
    configuration=CONFIGURATIONS,
    model=st.builds(ModelFiles, st.none() | PATHS, st.lists(PATHS).map(tuple)),
    task=st.builds(
        TaskSpec,
        worker=st.text(),
        form=st.dictionaries(st.text(), JSON_VALUES),
        inputs=st.builds(InputFiles, st.dictionaries(st.text(), PATHS), st.text(), st.text()),
        seed=COUNTS,
        rules=st.none() | RULES,
    ),
    requests=st.lists(
        st.builds(MetricRequest, st.sampled_from(sorted(METRICS)), st.text(), st.booleans())
    ).map(tuple),
    fidelity=st.builds(
        Fidelity, st.sampled_from(["probe", "valid"]), COUNTS, COUNTS, COUNTS, COUNTS, COUNTS
    ),
    settings=st.dictionaries(st.text(), PATHS),
    official=st.none() | st.builds(Official, SCENARIOS, st.booleans(), FINITE, st.text()),
    memory_limit_bytes=COUNTS,
    interpreter=st.text(),
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


def test_a_spec_of_an_earlier_version_is_read() -> None:
    """Its run can be taken again, and handed in."""
    spec = Spec.from_json((GOLDEN / "earlier_spec.json").read_text())
    assert Spec.from_json(spec.to_json()) == spec
    assert spec.model == ModelFiles(Path("/m/m.onnx"), (Path("/m/m.data"),))
    assert from_form(spec.task.form) == (Preprocessing(128, label_offset=1), 1001)
    files = {"pixels": Path("/c/pixels.npy"), "labels": Path("/c/labels.npy")}
    assert spec.task.inputs == InputFiles(files, "abc", "images")
    assert spec.task.worker == ImageClassification.worker
    assert spec.task.rules == ImageClassification.rules
    assert spec.requests == (MetricRequest("accuracy_percent", "k"),)
    assert spec.official == Official(Scenario.OFFLINE, True, 2.5, "t")


def test_a_spec_of_generated_inputs_of_an_earlier_version_is_read() -> None:
    spec = Spec.from_json((GOLDEN / "earlier_generated_spec.json").read_text())
    signature = Signature((Input("ids", "int64", (1, 8), "ids", 99),), batched=True)
    assert Signature.from_dict(spec.task.form) == signature
    generated = task("generated")
    assert (spec.task.worker, spec.task.rules) == (generated.worker, generated.rules)
    assert spec.task.inputs == InputFiles()


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
