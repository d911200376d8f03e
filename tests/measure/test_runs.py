"""The metrics of one configuration through real runtimes, taken in this process."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from dse.core.backend import LoadError, LoadRequest, Runtime, Scores, UnsupportedError
from dse.core.details import TimedDetails
from dse.core.intervals import wilson
from dse.core.mcnemar import encode_right
from dse.core.measurement import FailureKind, Measurement, Source
from dse.core.metrics import CPU_TIME, LATENCY, MULTI_STREAM, SERVER, THROUGHPUT, Scenario
from dse.core.registry import backend
from dse.loadgen.logs import read_detail, read_responses
from dse.loadgen.settings import RunSettings
from dse.machine.affinity import available_cpus, can_pin
from dse.measure._accuracy import ACCURACY_BATCH
from dse.measure._loaded_model import LoadedModel
from dse.measure._run_result import RunFailedError
from dse.measure.runs import take
from dse.tasks.image_classification._quality import ACCURACY
from dse.tasks.image_classification.inputs import prepare
from dse.tasks.image_classification.labels import count_labels, decode_labels, top1
from dse.tasks.image_classification.models.builtin import BuiltinProvider
from dse.tasks.image_classification.preprocessing import Preprocessing, from_form
from dse.tasks.image_classification.worker import MIN_RANDOM_SAMPLES
from tests.image_models import preprocessing_of
from tests.measure.specs import ALL, QUICK, STEADY, patient, spec
from tests.measure.test_loaded_model import Watched
from tests.small_models import SIDE, onnx_bytes, tflite_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from dse.measure.spec import Spec

IMAGES = 40
PREPROCESSING = {
    "onnxruntime": Preprocessing(SIDE, "NCHW", mean=(127.0,) * 3, scale=(128.0,) * 3),
    "litert": Preprocessing(SIDE, "NHWC", mean=(127.0,) * 3, scale=(128.0,) * 3),
}
MODELS = {"onnxruntime": onnx_bytes, "litert": tflite_bytes}


def runtime(name: str) -> Runtime:
    found = backend(name)
    assert isinstance(found, Runtime)
    return found


def taken(wanted: Spec) -> dict[str, Measurement]:
    found = take(runtime(wanted.configuration.backend), wanted)
    return {measurement.metric: measurement for measurement in found}


def small(tmp_path: Path, name: str, *metrics: str, **fields: Any) -> Spec:
    model = tmp_path / f"model.{runtime(name).formats[0]}"
    model.write_bytes(MODELS[name]())
    fields = {"preprocessing": PREPROCESSING[name], "fidelity": STEADY, **fields}
    return spec(tmp_path, *metrics, backend=name, model_file=model, **fields)


def direct(wanted: Spec) -> list[int]:
    """The labels that a plain loop over the runtime predicts for the spec's images."""
    preprocessing, _ = from_form(wanted.task.form)
    images = prepare(np.load(wanted.task.inputs.files["pixels"]), preprocessing)
    configuration = replace(wanted.configuration, batch_size=1)
    request = LoadRequest(configuration, wanted.model.path, {}, scores=Scores())
    model = runtime(wanted.configuration.backend).load(request)
    labels = [
        int(top1(model.predict(model.bind(images[i : i + 1])), 0)[0]) for i in range(len(images))
    ]
    model.close()
    return labels


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("offset", [0, 1])
def test_accuracy_is_that_of_a_plain_loop(name: str, offset: int, tmp_path: Path) -> None:
    preprocessing = replace(PREPROCESSING[name], label_offset=offset)
    wanted = small(tmp_path, name, ACCURACY.name, labels=[0] * IMAGES, preprocessing=preprocessing)
    expected = [label - offset for label in direct(wanted)]
    assert len(set(expected)) > 3
    # Three of four images are labelled as the model sees them.
    labels = [label if i % 4 else int(label == 0) for i, label in enumerate(expected)]
    np.save(tmp_path / "labels.npy", np.array(labels))
    found = taken(wanted)[ACCURACY.name]
    assert found.value == 75
    assert found.details == {
        "good": 30,
        "total": IMAGES,
        "batch_size": ACCURACY_BATCH,
        "right": encode_right([a == b for a, b in zip(expected, labels, strict=True)], ""),
        **count_labels(dict(enumerate(expected)), labels),
    }
    low, high = wilson(30, IMAGES)
    assert found.interval == pytest.approx((100 * low, 100 * high))
    assert found.source is Source.MEASURED
    predicted = decode_labels(read_responses(wanted.folder / "accuracy"))
    assert predicted == dict(enumerate(expected))


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("batch_size", [1, 4])
def test_the_timed_metrics_are_what_the_logs_say(
    name: str, batch_size: int, tmp_path: Path
) -> None:
    wanted = small(tmp_path, name, LATENCY.name, THROUGHPUT.name, batch_size=batch_size, threads=2)
    found = taken(wanted)
    assert list(found) == [LATENCY.name, THROUGHPUT.name]
    # A run that LoadGen calls INVALID is taken again, in a folder of its own.
    single = read_detail(max(wanted.folder.glob("single_stream*")))
    offline = read_detail(max(wanted.folder.glob("offline*")))
    assert single.valid
    assert offline.valid
    latency, throughput = found[LATENCY.name], found[THROUGHPUT.name]
    assert latency.value == single.number("result_90.00_percentile_latency_ns") / 1e6
    assert latency.details == {
        "early_stopping_p90_ms": single.number("early_stopping_latency_ss") / 1e6,
        "mean_ms": single.number("result_mean_latency_ns") / 1e6,
        "p50_ms": single.number("result_50.00_percentile_latency_ns") / 1e6,
        "p99_ms": single.number("result_99.00_percentile_latency_ns") / 1e6,
        "queries": single.values["result_query_count"],
    }
    assert single.values["result_query_count"] >= STEADY.min_query_count
    assert single.values["requested_min_duration_ms"] == STEADY.min_duration_ms
    assert single.values["effective_performance_sample_count"] == STEADY.performance_samples
    assert single.values["qsl_reported_total_count"] == MIN_RANDOM_SAMPLES
    assert throughput.value == offline.number("result_samples_per_second")
    assert throughput.details == {"samples": offline.values["effective_min_sample_count"]}
    assert offline.values["effective_min_sample_count"] % batch_size == 0
    for measurement in found.values():
        assert (measurement.interval, measurement.run) == (None, "0-1")
        assert measurement.key == f"key of {measurement.metric}"
        assert measurement.fidelity == "probe"


def test_a_metric_that_is_requested_twice_is_taken_in_two_runs(tmp_path: Path) -> None:
    wanted = small(tmp_path, "onnxruntime", LATENCY.name, CPU_TIME.name, LATENCY.name)
    first, cost, second = take(runtime("onnxruntime"), wanted)
    assert (first.metric, cost.metric, second.metric) == (LATENCY.name, CPU_TIME.name, LATENCY.name)
    folders = (wanted.folder, wanted.folder / "again-1")
    for folder, latency in zip(folders, (first, second), strict=True):
        log = read_detail(max(folder.glob("single_stream*")))
        assert latency.value == log.number("result_90.00_percentile_latency_ns") / 1e6
    assert cost.details["queries"] == first.details["queries"]  # of the same run


@pytest.mark.parametrize("metric", [LATENCY.name, MULTI_STREAM.name, THROUGHPUT.name])
def test_a_run_may_be_far_quicker_than_its_warm_up(metric: str, tmp_path: Path) -> None:
    def slow_at_first(call: int, batch: NDArray[Any]) -> NDArray[np.generic]:
        time.sleep(0.01 if call <= QUICK.warm_up_calls else 0)
        return np.zeros((len(batch), 10), np.float32)

    wanted = spec(tmp_path, metric, fidelity=replace(QUICK, min_duration_ms=100))
    [found] = take(Watched(slow_at_first), wanted)
    last = read_detail(max(wanted.folder.iterdir()))
    assert last.met("result_min_duration_met")
    assert last.values["effective_min_duration_ms"] == 100
    offline = metric == THROUGHPUT.name
    count = last.number("effective_min_sample_count" if offline else "result_query_count")
    assert found.details["samples" if offline else "queries"] == count


@pytest.mark.usefixtures("shared_cache")
def test_a_builtin_model_in_onnxruntime(tmp_path: Path) -> None:
    artefact = BuiltinProvider().artefact("mobilenet-v1-0.25-128", "fp32", ("onnx",))
    wanted = spec(
        tmp_path,
        LATENCY.name,
        THROUGHPUT.name,
        backend="onnxruntime",
        batch_size=2,
        model_file=artefact.path,
        preprocessing=preprocessing_of(artefact),
        fidelity=STEADY,
    )
    found = taken(wanted)
    assert all(measurement.value > 0 for measurement in found.values())


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("pinned", [False, True])
def test_instances_share_the_work(name: str, pinned: bool, tmp_path: Path) -> None:
    instances = min(2, len(available_cpus())) if pinned else 2
    pinned = pinned and can_pin()
    metrics = (LATENCY.name, THROUGHPUT.name, MULTI_STREAM.name, SERVER.name)
    wanted = small(tmp_path, name, *metrics, batch_size=2)
    configuration = replace(wanted.configuration, instances=instances, pinned=pinned)
    found = taken(patient(replace(wanted, configuration=configuration)))
    assert list(found) == list(metrics)
    assert all(measurement.value > 0 for measurement in found.values())
    samples = int(found[THROUGHPUT.name].details["samples"])
    assert samples % (2 * instances) == 0
    multi = read_detail(max(wanted.folder.glob("multi_stream*")))
    p99_ms = multi.number("result_99.00_percentile_per_query_latency_ns") / 1e6
    assert found[MULTI_STREAM.name].value == p99_ms


@pytest.mark.skipif(not can_pin(), reason="only Linux lets a thread choose its CPUs")
def test_more_than_there_is_can_not_be_pinned(tmp_path: Path) -> None:
    wanted = small(tmp_path, "litert", THROUGHPUT.name)
    instances = len(available_cpus()) + 1
    configuration = replace(wanted.configuration, instances=instances, pinned=True)
    with pytest.raises(UnsupportedError, match=f"{instances} x 1 thread can't be pinned to"):
        taken(replace(wanted, configuration=configuration))


def test_a_published_model_in_litert(tmp_path: Path, shared_data: Path) -> None:
    wanted = spec(
        tmp_path,
        *ALL,
        backend="litert",
        model_file=shared_data / "models/mobilenet_v1_0.25_128_quant.tflite",
        preprocessing=Preprocessing(128, dtype="uint8", label_offset=1),
        labels=[0, 1, 2],
        fidelity=STEADY,
    )
    found = taken(wanted)
    assert list(found) == list(ALL)
    assert found[LATENCY.name].value > 0
    assert found[THROUGHPUT.name].value > 0


def test_each_measurement_comes_as_soon_as_it_is_taken(tmp_path: Path) -> None:
    wanted = small(tmp_path, "onnxruntime", *ALL, batch_size=2, labels=[0, 1])
    found = take(runtime("onnxruntime"), wanted)
    assert not wanted.folder.exists()
    for metric, folder in zip(ALL, ("accuracy", "single_stream", "offline"), strict=True):
        assert not (wanted.folder / folder).exists()
        assert next(found).metric == metric
        assert (wanted.folder / folder).exists()
    assert list(found) == []


def test_accuracy_needs_labels(tmp_path: Path) -> None:
    with pytest.raises(RunFailedError, match="quality of answers needs a data set") as caught:
        taken(small(tmp_path, "onnxruntime", ACCURACY.name))
    assert caught.value.kind is FailureKind.UNSUPPORTED


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("change", [{"resolution": SIDE + 1}, {"dtype": "uint8"}])
def test_inputs_that_the_model_does_not_take_are_unsupported(
    name: str, change: dict[str, Any], tmp_path: Path
) -> None:
    plain = Preprocessing(SIDE, PREPROCESSING[name].layout)
    wanted = small(tmp_path, name, LATENCY.name, preprocessing=replace(plain, **change))
    with pytest.raises(RunFailedError) as caught:
        taken(wanted)
    assert caught.value.kind is FailureKind.UNSUPPORTED
    assert str(caught.value)


@pytest.mark.parametrize("name", MODELS)
def test_a_refusal_is_the_same_failure_in_the_warm_up_and_in_a_run(
    name: str, tmp_path: Path
) -> None:
    larger = Preprocessing(SIDE + 1, PREPROCESSING[name].layout)
    wanted = small(tmp_path, name, LATENCY.name, preprocessing=larger)
    settings = RunSettings(Scenario.SINGLE_STREAM, performance_samples=2)
    calls: dict[str, Callable[[LoadedModel], object]] = {
        "warm-up": lambda loaded: loaded.warm_up(loaded.single),
        "run": lambda loaded: loaded.run(loaded.single, settings, tmp_path / "logs"),
    }
    found = {}
    for when, call in calls.items():
        with pytest.raises(RunFailedError) as caught:
            call(LoadedModel(runtime(name), wanted))
        found[when] = caught.value.kind, str(caught.value)
    assert found["warm-up"][0] is FailureKind.UNSUPPORTED
    assert found["warm-up"] == found["run"]


@pytest.mark.parametrize("name", MODELS)
def test_a_batch_that_the_model_does_not_take_is_unsupported(name: str, tmp_path: Path) -> None:
    wanted = small(tmp_path, name, LATENCY.name, THROUGHPUT.name, batch_size=4)
    assert wanted.model.path is not None
    wanted.model.path.write_bytes(MODELS[name](fixed_batch=True))
    found = take(runtime(name), wanted)
    assert next(found).metric == LATENCY.name
    with pytest.raises((RunFailedError, UnsupportedError)) as caught:
        next(found)
    assert getattr(caught.value, "kind", FailureKind.UNSUPPORTED) is FailureKind.UNSUPPORTED


@pytest.mark.parametrize("name", MODELS)
def test_a_model_that_is_no_model_can_not_be_loaded(name: str, tmp_path: Path) -> None:
    wanted = small(tmp_path, name, LATENCY.name)
    assert wanted.model.path is not None
    wanted.model.path.write_bytes(b"no model")
    with pytest.raises(LoadError):
        taken(wanted)


def test_a_brief_run_of_a_slow_model_counts(tmp_path: Path) -> None:
    """LoadGen's early stopping takes 64 queries, and calls a run of fewer of them INVALID."""
    few = replace(QUICK, min_query_count=8)
    slow = partial(spec, tmp_path, LATENCY.name, knobs={"delay_ms": 12.0})
    found = taken(slow(fidelity=replace(few, name="brief")))[LATENCY.name]
    assert found.value > 12.0
    assert (TimedDetails.of(found.details).queries or 64) < 64
    with pytest.raises(RunFailedError, match="early stopping"):
        taken(slow(fidelity=few))
