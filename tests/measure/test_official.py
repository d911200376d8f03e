"""Official runs in workers of their own: LoadGen's settings as it logs them, values, accuracies."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import onnx
import pytest

from dse.core.details import QualityDetails
from dse.core.mcnemar import encode_right
from dse.core.measurement import FailureKind
from dse.core.metrics import SCENARIOS, Scenario
from dse.loadgen.logs import read_detail
from dse.loadgen.verdict import next_target, rule_violations
from dse.measure.runner import Limits, run_worker
from dse.measure.spec import REHEARSAL, VALID, ModelFiles, Official, Spec
from dse.tasks.benchmark import Benchmark
from dse.tasks.image_classification._quality import ACCURACY
from dse.tasks.image_classification.preprocessing import Preprocessing, to_form
from dse.tasks.image_classification.task import ImageClassification
from dse.validate._targets import generated
from tests.measure.specs import spec
from tests.small_models import SIDE, onnx_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from dse.core.measurement import Measurement

RULES = Benchmark.of().rules
METRIC = {scenario: metric for metric, scenario in SCENARIOS.items()}
SHORT = replace(REHEARSAL, min_duration_ms=200, min_query_count=64)
DELAY_MS = 0.5
# Sleeping bounds how fast it is: 0.5 ms for up to 4 samples, and so 1 ms for 8.
TARGETS = {
    Scenario.SINGLE_STREAM: 0.9,
    Scenario.MULTI_STREAM: 1.8,
    Scenario.OFFLINE: 8000.0,
    Scenario.SERVER: 100.0,
}
LIMITS = Limits(60.0, 0)
LABELS = [number % 4 for number in range(20)]
# MLPerf's own for its round v6.1, as LoadGen 6.0.17 has them.
SEEDS = {
    "effective_qsl_rng_seed": 2085463073848966840,
    "effective_sample_index_rng_seed": 2747215439041700203,
    "effective_schedule_rng_seed": 16159082839903944936,
}


def official(
    folder: Path,
    scenario: Scenario,
    target: float,
    *,
    accuracy: bool = False,
    runtime: str = "null",
) -> Spec:
    metric = ACCURACY.name if accuracy else METRIC[scenario]
    plain = spec(folder, metric, backend=runtime, batch_size=4, labels=LABELS, fidelity=SHORT)
    if runtime == "null":
        configuration = replace(plain.configuration, knobs=(("delay_ms", DELAY_MS),))
        plain = replace(plain, configuration=configuration)
    else:
        (folder / "m.onnx").write_bytes(onnx_bytes())
        preprocessing = Preprocessing(SIDE, "NCHW")
        task = replace(plain.task, form=to_form(preprocessing))
        plain = replace(plain, model=ModelFiles(folder / "m.onnx"), task=task)
    return replace(plain, official=Official(scenario, accuracy, target))


def taken(wanted: Spec) -> Measurement:
    outcome = run_worker(wanted, LIMITS)
    assert outcome.failure is None, outcome.failure
    (measurement,) = outcome.measurements
    return measurement


@pytest.mark.parametrize("scenario", Scenario)
def test_a_rehearsal_keeps_all_but_durations_and_counts(tmp_path: Path, scenario: Scenario) -> None:
    target = TARGETS[scenario]
    found = taken(official(tmp_path, scenario, target))
    values = read_detail(tmp_path / "run" / "performance").values
    assert {key: values[key] for key in SEEDS} == SEEDS
    assert values["effective_scenario"] == scenario.value
    assert values["effective_test_mode"] == "PerformanceOnly"
    assert values["effective_performance_sample_count"] == 1024
    assert values["qsl_reported_total_count"] == 1024  # of 20 images
    assert values["qsl_reported_performance_count"] == 1024
    assert len(set(values["loaded_qsl_set"])) == 1024
    assert values["effective_max_duration_ms"] == values["effective_max_query_count"] == 0
    assert values["effective_min_duration_ms"] == 200
    queries = values["generated_query_count"] * values["generated_samples_per_query"]
    if scenario is Scenario.MULTI_STREAM:
        queries /= 8
    if scenario is not Scenario.SERVER:  # its arrivals are random
        assert queries == pytest.approx(generated(scenario, target, SHORT, RULES), rel=0.05)
    assert (tmp_path / "run" / "user.conf").read_text() == f"{found.details['user_conf']}\n"
    assert found.metric == METRIC[scenario]
    assert found.fidelity == "rehearsal"
    assert (found.details["scenario"], found.details["mode"]) == (scenario.value, "performance")
    assert found.details["images"] == 20
    assert found.value > 0


def test_a_rehearsal_is_none_by_the_rules(tmp_path: Path) -> None:
    taken(official(tmp_path, Scenario.OFFLINE, 8000.0))
    log = read_detail(tmp_path / "run" / "performance")
    assert ImageClassification.rules is not None
    words = rule_violations(log, Scenario.OFFLINE, ImageClassification.rules)
    assert words == "effective_min_duration_ms is 200; effective_min_sample_count is 1760"


def test_the_hash_of_a_model_is_that_of_all_its_files(tmp_path: Path) -> None:
    plain = official(tmp_path, Scenario.OFFLINE, 1.0, accuracy=True, runtime="onnxruntime")
    file, data = tmp_path / "m.onnx", tmp_path / "m.data"
    whole = hashlib.sha256(file.read_bytes()).hexdigest()
    assert taken(plain).details["model_sha256"] == whole
    onnx.save(
        onnx.load(file),
        file,
        save_as_external_data=True,
        location=data.name,
        size_threshold=100,  # as exporters do: small constants are needed to infer shapes
    )
    sums = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (file, data)]
    apart = replace(plain, model=ModelFiles(file, (data,)))
    found = taken(replace(apart, run="apart", folder=tmp_path / "apart"))
    assert found.details["model_sha256"] == hashlib.sha256("".join(sums).encode()).hexdigest()


PRINT_SETTINGS = """
import json, pathlib, sys
from dse.loadgen.settings import RunSettings, to_test_settings
from dse.tasks.image_classification.task import ImageClassification
from dse.core.metrics import Scenario
settings = RunSettings(Scenario(sys.argv[1]), user_conf=pathlib.Path(sys.argv[2]),
                       rules=ImageClassification.rules)
names = ("min_duration_ms", "max_duration_ms", "min_query_count", "max_query_count",
         "performance_sample_count_override", "qsl_rng_seed", "server_target_latency_ns",
         "multi_stream_samples_per_query", sys.argv[3])
found = to_test_settings(settings)
print(json.dumps([getattr(found, name) for name in names]))
try:
    to_test_settings(settings)
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize(
    ("scenario", "fewest", "field", "told"),
    [
        (Scenario.SINGLE_STREAM, 100, "single_stream_expected_latency_ns", 1_234_567),
        (Scenario.MULTI_STREAM, 662, "multi_stream_expected_latency_ns", 1_234_567),
        (Scenario.OFFLINE, 24_576, "offline_expected_qps", 1.234567),
        (Scenario.SERVER, 100, "server_target_qps", 1.234567),
    ],
)
def test_the_official_settings(
    tmp_path: Path, scenario: Scenario, fewest: int, field: str, told: float
) -> None:
    conf = tmp_path / "user.conf"
    conf.write_text(Official(scenario, False, 1.234567).user_conf)
    words = [sys.executable, "-c", PRINT_SETTINGS, scenario.value, str(conf), field]
    answer = subprocess.run(words, capture_output=True, text=True, check=True)
    first, second = answer.stdout.splitlines()
    seed = SEEDS["effective_qsl_rng_seed"]
    expected = [600_000, 0, fewest, 0, 1024, seed, 15_000_000, 8, pytest.approx(told)]
    assert json.loads(first) == expected
    assert second.startswith("DseError LoadGen gives official settings to the first run")


@pytest.mark.parametrize("text", ["*.SingleStream.target_latency = soon\n", None])
def test_a_user_conf_that_loadgen_refuses(tmp_path: Path, text: str | None) -> None:
    conf = tmp_path / "user.conf"
    if text is not None:
        conf.write_text(text)
    words = [sys.executable, "-c", PRINT_SETTINGS, "SingleStream", str(conf), "min_duration_ms"]
    answer = subprocess.run(words, capture_output=True, text=True)
    code = -22 if text else -2
    assert f"DseError: {conf}: LoadGen refuses it (code {code})" in answer.stderr


@pytest.mark.parametrize("scenario", Scenario)
def test_accuracy_runs_cover_every_image(tmp_path: Path, scenario: Scenario) -> None:
    found = taken(official(tmp_path, scenario, TARGETS[scenario], accuracy=True))
    assert found.metric == ACCURACY.name
    assert found.value == 25.0  # it always answers class 0, one image in four
    assert found.interval is not None
    assert found.interval[0] < 25.0 < found.interval[1]
    assert (found.details["good"], found.details["total"]) == (5, 20)
    assert QualityDetails.of(found.details).right == encode_right(
        [label == 0 for label in LABELS], ""
    )
    assert (found.details["scenario"], found.details["mode"]) == (scenario.value, "accuracy")
    values = read_detail(tmp_path / "run" / "accuracy").values
    assert values["effective_test_mode"] == "AccuracyOnly"
    assert {key: values[key] for key in SEEDS} == SEEDS


@pytest.mark.parametrize("scenario", [Scenario.MULTI_STREAM, Scenario.SERVER])
def test_a_real_model_answers_all_modes(tmp_path: Path, scenario: Scenario) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    target = {Scenario.MULTI_STREAM: 0.05}.get(scenario, 100.0)
    timed = taken(official(tmp_path, scenario, target, runtime="onnxruntime"))
    assert timed.value > 0
    whole = taken(official(tmp_path, scenario, target, runtime="onnxruntime", accuracy=True))
    assert 0 <= whole.value <= 100
    assert whole.details["total"] == 20


@pytest.mark.parametrize(
    ("scenario", "target", "words"),
    [
        (Scenario.SINGLE_STREAM, 50.0, "LoadGen ran out of queries: they took "),
        (Scenario.MULTI_STREAM, 500.0, "LoadGen ran out of queries: they took "),
        (Scenario.OFFLINE, 10.0, "over before its time: "),
    ],
)
def test_a_wrong_target_is_explained_and_corrected(
    tmp_path: Path, scenario: Scenario, target: float, words: str
) -> None:
    wanted = official(tmp_path, scenario, target)
    # So long that the few queries of a wrong target don't fill it on a busy machine either.
    longer = replace(wanted, fidelity=replace(wanted.fidelity, min_duration_ms=5000))
    outcome = run_worker(longer, LIMITS)
    assert outcome.measurements == ()
    assert outcome.failure is not None
    assert outcome.failure.kind is FailureKind.INVALID_RUN
    assert outcome.failure.message.startswith(words)
    for name in ("second", "third"):  # so short a run tells the rate but roughly
        target = next_target(read_detail(wanted.folder / "performance"), scenario, target)
        run = Official(scenario, False, target)
        wanted = replace(wanted, folder=tmp_path / name, official=run)
        outcome = run_worker(wanted, LIMITS)
        if outcome.failure is None:
            break
    assert outcome.failure is None
    assert len(outcome.measurements) == 1


def test_a_valid_run_is_as_long_as_the_rules_have_it(tmp_path: Path) -> None:
    wanted = replace(official(tmp_path, Scenario.SINGLE_STREAM, 1.0), fidelity=VALID)
    outcome = run_worker(wanted, Limits(2.0, 0))
    assert outcome.failure is not None
    assert outcome.failure.kind is FailureKind.TIMEOUT


def test_a_task_without_rules_has_no_official_runs(tmp_path: Path) -> None:
    wanted = official(tmp_path, Scenario.OFFLINE, 8000.0)
    outcome = run_worker(replace(wanted, task=replace(wanted.task, rules=None)), LIMITS)
    assert outcome.failure is not None
    assert outcome.failure.kind is FailureKind.UNSUPPORTED
    assert outcome.failure.message == "MLPerf has no rules for this task"
