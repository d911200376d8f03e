"""The measurements of one configuration, taken through LoadGen inside the worker."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dse.contract import LoadRequest
from dse.intervals import wilson
from dse.loadgen.harness import PredictionError, RunSettings, Scenario, run
from dse.loadgen.logs import DetailLog, accuracy_percent, read_detail, read_predictions
from dse.measure.failures import RunFailedError, failed
from dse.tasks.inputs import ImageInputs, RandomInputs
from dse.types import ACCURACY, LATENCY, THROUGHPUT, FailureKind, Measurement, Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from dse.contract import Model, Runtime
    from dse.measure.spec import Spec, Task
    from dse.types import KnobValue

RANDOM_SAMPLES = 64
MAX_QUERIES = 200_000
"""LoadGen generates its queries in advance, at about 480 bytes each."""
ACCURACY_SAMPLES_LOADED = 256
"""Bounds the memory of an accuracy run: 256 samples of 300 x 300 float32 are 276 MB."""
OFFLINE_BATCHES = 4
"""Fewest full batches of an Offline run."""
TRIES = 2
HEADROOM = 1.3
"""An Offline run is planned this much longer than due, since the warm-up only estimates it."""


def take(runtime: Runtime, spec: Spec) -> Iterator[Measurement]:
    """Yields one measurement per task of the spec, as soon as it is taken.

    Raises:
        RunFailedError: a run failed; what was yielded before stays good.
        UnsupportedError, LoadError: the runtime refused the configuration or the model.
    """
    bench = _Bench(runtime, spec)
    takers: dict[str, Callable[[_Bench, Path], _Taken]] = {
        ACCURACY.name: _take_accuracy,
        LATENCY.name: _take_latency,
        THROUGHPUT.name: _take_throughput,
    }
    for task in spec.tasks:
        started = time.monotonic()
        taken = takers[task.metric](bench, spec.folder)
        yield _measurement(spec, task, taken, time.monotonic() - started)
    bench.close()


@dataclass(frozen=True, slots=True)
class _Taken:
    value: float
    details: dict[str, KnobValue]
    interval: tuple[float, float] | None = None


def _measurement(spec: Spec, task: Task, taken: _Taken, seconds: float) -> Measurement:
    return Measurement(
        metric=task.metric,
        value=taken.value,
        key=task.key,
        source=Source.MEASURED,
        validity=spec.fidelity.validity,
        run=spec.run,
        interval=taken.interval,
        seconds=round(seconds, 3),
        details=taken.details,
    )


class _Bench:
    """The inputs, and the one model that is loaded at a time."""

    def __init__(self, runtime: Runtime, spec: Spec) -> None:
        self.spec = spec
        self.inputs = _inputs(spec)
        self._runtime = runtime
        self._model: Model | None = None
        self._batch_size = 0

    def model(self, batch_size: int) -> Model:
        """The model, loaded for that batch size."""
        if self._model is not None and self._batch_size == batch_size:
            return self._model
        self.close()
        configuration = replace(self.spec.configuration, batch_size=batch_size)
        request = LoadRequest(configuration, self.spec.model_file, self.spec.settings)
        self._model, self._batch_size = self._runtime.load(request), batch_size
        return self._model

    def warm_up(self, model: Model, batch_size: int) -> float:
        """Predicts until the caches are warm; the fastest call, in seconds.

        Raises:
            RunFailedError: the runtime refuses to predict in this shape.
        """
        fidelity = self.spec.fidelity
        batch = self.inputs.batch([i % self.inputs.count for i in range(batch_size)])
        fastest, calls, begun = math.inf, 0, time.perf_counter()
        while calls < fidelity.warm_up_calls or (
            calls < 20 and time.perf_counter() - begun < fidelity.warm_up_ms / 1e3
        ):
            started = time.perf_counter()
            _first(model, batch)
            fastest = min(fastest, time.perf_counter() - started)
            calls += 1
        return max(fastest, 1e-6)

    def close(self) -> None:
        if self._model is not None:
            self._model.close()
            self._model = None


def _first(model: Model, batch: np.ndarray[Any, Any]) -> None:
    """A prediction outside LoadGen; what the runtime refuses here, it refuses for good."""
    try:
        scores = model.predict(batch)
    except Exception as error:  # a runtime may raise anything
        raise failed(FailureKind.UNSUPPORTED, error) from error
    if scores.ndim != 2 or len(scores) != len(batch):
        raise RunFailedError(
            FailureKind.UNSUPPORTED,
            f"the model answers a batch of {len(batch)} with scores of shape {scores.shape}",
        )


def _inputs(spec: Spec) -> ImageInputs | RandomInputs:
    source = spec.inputs
    if source.pixels is None or source.labels is None:
        return RandomInputs(RANDOM_SAMPLES, spec.preprocessing, source.seed)
    labels = np.load(source.labels, allow_pickle=False)
    return ImageInputs(source.pixels, labels, spec.preprocessing)


def _take_accuracy(bench: _Bench, folder: Path) -> _Taken:
    labels = bench.inputs.labels
    if labels is None:
        raise RunFailedError(FailureKind.UNSUPPORTED, "accuracy needs a data set")
    model = bench.model(1)
    bench.warm_up(model, 1)
    settings = RunSettings(
        Scenario.SINGLE_STREAM,
        accuracy=True,
        performance_samples=ACCURACY_SAMPLES_LOADED,
        label_offset=bench.spec.preprocessing.label_offset,
    )
    logs = _run(model, bench, settings, folder / "accuracy")
    log = read_detail(logs)
    if log.errors:
        raise RunFailedError(FailureKind.INVALID_RUN, "; ".join(log.errors))
    percent = accuracy_percent(read_predictions(logs), labels.tolist())
    total = len(labels)
    good = round(percent * total / 100)
    low, high = wilson(good, total)
    return _Taken(percent, {"good": good, "total": total}, (100 * low, 100 * high))


def _take_latency(bench: _Bench, folder: Path) -> _Taken:
    model = bench.model(1)
    expected_s = bench.warm_up(model, 1)
    fidelity = bench.spec.fidelity

    def settings(attempt: int) -> RunSettings:
        expected = expected_s / 2**attempt
        return RunSettings(
            Scenario.SINGLE_STREAM,
            min_duration_ms=_bounded(fidelity.min_duration_ms, 2 / expected),
            min_query_count=fidelity.min_query_count,
            performance_samples=fidelity.performance_samples,
            expected_latency_ns=max(1, int(expected * 1e9)),
        )

    log = _valid_run(model, bench, settings, folder / "single_stream")
    return _Taken(
        log.number("result_90.00_percentile_latency_ns") / 1e6,
        {
            "early_stopping_p90_ms": log.number("early_stopping_latency_ss") / 1e6,
            "mean_ms": log.number("result_mean_latency_ns") / 1e6,
            "queries": int(log.number("result_query_count")),
        },
    )


def _take_throughput(bench: _Bench, folder: Path) -> _Taken:
    batch_size = bench.spec.configuration.batch_size
    model = bench.model(batch_size)
    rate = batch_size / bench.warm_up(model, batch_size)
    fidelity = bench.spec.fidelity

    def settings(attempt: int) -> RunSettings:
        expected = rate * HEADROOM * 2**attempt
        duration_ms = _bounded(fidelity.min_duration_ms, expected)
        batches = max(OFFLINE_BATCHES, math.ceil(expected * duration_ms / 1e3 / batch_size))
        return RunSettings(
            Scenario.OFFLINE,
            batch_size=batch_size,
            min_duration_ms=duration_ms,
            # Offline's query count is its number of samples: full batches only.
            min_query_count=batches * batch_size,
            performance_samples=fidelity.performance_samples,
        )

    log = _valid_run(model, bench, settings, folder / "offline")
    return _Taken(
        log.number("result_samples_per_second"),
        {"samples": int(log.number("effective_min_sample_count"))},
    )


def _bounded(duration_ms: int, queries_per_s: float) -> int:
    """The duration, shortened where it would need more queries than memory should hold."""
    return max(1, min(duration_ms, int(1e3 * MAX_QUERIES / queries_per_s)))


def _valid_run(
    model: Model, bench: _Bench, settings: Callable[[int], RunSettings], folder: Path
) -> DetailLog:
    """Runs until LoadGen says VALID, at most `TRIES` times with corrected expectations."""
    reasons = []
    for attempt in range(TRIES):
        logs = folder if attempt == 0 else folder.with_name(f"{folder.name}-{attempt + 1}")
        log = read_detail(_run(model, bench, settings(attempt), logs))
        if log.valid:
            return log
        reasons.append(log.invalid_reason)
    raise RunFailedError(FailureKind.INVALID_RUN, "; ".join(dict.fromkeys(reasons)))


def _run(model: Model, bench: _Bench, settings: RunSettings, logs: Path) -> Path:
    logs.mkdir(parents=True, exist_ok=True)
    try:
        run(model, bench.inputs, settings, logs)
    except PredictionError as error:
        raise failed(FailureKind.CRASH, error.__cause__ or error) from error
    return logs
