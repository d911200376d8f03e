"""The measurements of one configuration, taken through LoadGen inside the worker."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from dse.affinity import available_cpus
from dse.contract import UnsupportedError
from dse.intervals import wilson
from dse.loadgen.logs import DetailLog, accuracy_percent, read_detail, read_predictions
from dse.loadgen.settings import RunSettings
from dse.measure.bench import Bench, Setup
from dse.measure.failures import RunFailedError
from dse.measure.server import take_server
from dse.measure.taken import Taken, logs_of_try
from dse.types import (
    ACCURACY,
    LATENCY,
    MULTI_STREAM,
    MULTI_STREAM_SAMPLES,
    SERVER,
    THROUGHPUT,
    FailureKind,
    Measurement,
    Scenario,
    Source,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from dse.contract import Runtime
    from dse.measure.spec import Fidelity, Spec, Task
    from dse.types import KnobValue

MAX_QUERIES = 200_000
"""LoadGen generates its queries in advance, at about 480 bytes each."""
ACCURACY_BATCH = 16
"""Large enough for full speed, small enough for any memory."""
OFFLINE_BATCHES = 4
"""Fewest full batches of an Offline run, for each caller; fewer where they would take long."""
FEWEST_QUERIES = 64
"""Below which LoadGen calls a SingleStream run INVALID; enough where more would take long."""
LONG_S = 10.0
"""A probe is not made longer than this for the sake of more queries."""
TRIES = 2
HEADROOM = 1.3
"""An Offline run is planned this much longer than due, since the warm-up only estimates it."""


def take(runtime: Runtime, spec: Spec) -> Iterator[Measurement]:
    """Yields one measurement per task of the spec, as soon as it is taken.

    Raises:
        RunFailedError: a run failed; what was yielded before stays good.
        UnsupportedError, LoadError: the runtime refused the configuration or the model.
    """
    bench = Bench(runtime, spec)
    for task in spec.tasks:
        started = time.monotonic()
        taken = TAKERS[task.metric](bench, spec.folder)
        yield _measurement(spec, task, taken, time.monotonic() - started)
    bench.close()


def _measurement(spec: Spec, task: Task, taken: Taken, seconds: float) -> Measurement:
    return Measurement(
        metric=task.metric,
        value=taken.value,
        key=task.key,
        source=Source.MEASURED,
        fidelity=spec.fidelity.name,
        run=spec.run,
        interval=taken.interval,
        seconds=round(seconds, 3),
        details=taken.details,
    )


def _take_accuracy(bench: Bench, folder: Path) -> Taken:
    labels = bench.inputs.labels
    if labels is None:
        raise RunFailedError(FailureKind.UNSUPPORTED, "accuracy needs a data set")
    setup = _accuracy_setup(bench)
    settings = RunSettings(
        Scenario.OFFLINE,
        accuracy=True,
        batch_size=setup.batch_size,
        performance_samples=bench.inputs.count,
        label_offset=bench.spec.preprocessing.label_offset,
    )
    logs = bench.run(setup, settings, folder / "accuracy")
    log = read_detail(logs)
    if log.errors:
        raise RunFailedError(FailureKind.INVALID_RUN, "; ".join(log.errors))
    percent = accuracy_percent(read_predictions(logs), labels.tolist())
    total = len(labels)
    good = round(percent * total / 100)
    low, high = wilson(good, total)
    details: dict[str, KnobValue] = {"good": good, "total": total, "batch_size": setup.batch_size}
    return Taken(percent, details, (100 * low, 100 * high))


def _accuracy_setup(bench: Bench) -> Setup:
    """Batches on all CPUs; single samples where the model takes no more."""
    cpus = len(available_cpus())
    batched = Setup(cpus, ACCURACY_BATCH)
    try:
        bench.warm_up(batched)
    except UnsupportedError:
        pass
    except RunFailedError as error:
        if error.kind is not FailureKind.UNSUPPORTED:
            raise
    else:
        return batched
    single = Setup(cpus, 1)
    bench.warm_up(single)
    return single


def _take_latency(bench: Bench, folder: Path) -> Taken:
    configuration = bench.configuration
    setup = Setup(configuration.threads, 1, pinned=configuration.pinned)
    log = _stream_run(bench, setup, Scenario.SINGLE_STREAM, 1, folder / "single_stream")
    return Taken(
        log.number("result_90.00_percentile_latency_ns") / 1e6,
        {
            "early_stopping_p90_ms": log.number("early_stopping_latency_ss") / 1e6,
            "mean_ms": log.number("result_mean_latency_ns") / 1e6,
            "queries": int(log.number("result_query_count")),
        },
    )


def _take_multi_stream(bench: Bench, folder: Path) -> Taken:
    configuration = bench.configuration
    setup = Setup(
        configuration.threads,
        min(configuration.batch_size, MULTI_STREAM_SAMPLES),
        configuration.instances,
        configuration.pinned,
    )
    calls = math.ceil(MULTI_STREAM_SAMPLES / setup.batch_size)
    log = _stream_run(bench, setup, Scenario.MULTI_STREAM, calls, folder / "multi_stream")
    return Taken(
        log.number("result_99.00_percentile_per_query_latency_ns") / 1e6,
        {
            "early_stopping_p99_ms": log.number("early_stopping_latency_ms") / 1e6,
            "mean_ms": log.number("result_mean_query_latency_ns") / 1e6,
            "queries": int(log.number("result_query_count")),
        },
    )


def _stream_run(
    bench: Bench, setup: Setup, scenario: Scenario, calls: int, folder: Path
) -> DetailLog:
    """A run of a scenario that asks again as soon as it is answered.

    Args:
        bench: the model.
        setup: how it is loaded.
        scenario: SingleStream or MultiStream.
        calls: calls of the runtime in a query.
        folder: for the logs.
    """
    call_s = bench.warm_up(setup)
    expected_s = call_s * math.ceil(calls / len(bench.callers(setup)))
    fidelity = bench.spec.fidelity

    def settings(attempt: int) -> RunSettings:
        expected = expected_s / 2**attempt
        return RunSettings(
            scenario,
            batch_size=setup.batch_size,
            min_duration_ms=_bounded(fidelity.min_duration_ms, 2 / expected),
            min_query_count=_queries(fidelity, expected_s),
            performance_samples=fidelity.performance_samples,
            expected_latency_ns=max(1, int(expected * 1e9)),
        )

    return _valid_run(bench, setup, settings, folder)


def _take_throughput(bench: Bench, folder: Path) -> Taken:
    configuration = bench.configuration
    batch_size = configuration.batch_size
    setup = Setup(configuration.threads, batch_size, configuration.instances, configuration.pinned)
    call_s = bench.warm_up(setup)
    callers = len(bench.callers(setup))
    fidelity = bench.spec.fidelity

    def settings(attempt: int) -> RunSettings:
        expected = callers * batch_size / call_s * HEADROOM * 2**attempt
        duration_ms = _bounded(fidelity.min_duration_ms, expected)
        due = math.ceil(expected * duration_ms / 1e3 / batch_size)
        # Offline's query count is its number of samples: full batches only, and no caller idle.
        fewest = max(1, min(OFFLINE_BATCHES, int(LONG_S / call_s)))
        batches = math.ceil(max(fewest * callers, due) / callers) * callers
        return RunSettings(
            Scenario.OFFLINE,
            batch_size=batch_size,
            min_duration_ms=duration_ms,
            min_query_count=batches * batch_size,
            performance_samples=fidelity.performance_samples,
        )

    log = _valid_run(bench, setup, settings, folder / "offline")
    return Taken(
        log.number("result_samples_per_second"),
        {"samples": int(log.number("effective_min_sample_count"))},
    )


def _queries(fidelity: Fidelity, expected_s: float) -> int:
    """The fewest queries of a run that asks for one after the other."""
    if fidelity.name == "valid":
        return fidelity.min_query_count
    affordable = max(FEWEST_QUERIES, int(LONG_S / expected_s))
    return min(fidelity.min_query_count, affordable)


def _bounded(duration_ms: int, queries_per_s: float) -> int:
    """The duration, shortened where it would need more queries than memory should hold."""
    return max(1, min(duration_ms, int(1e3 * MAX_QUERIES / queries_per_s)))


def _valid_run(
    bench: Bench, setup: Setup, settings: Callable[[int], RunSettings], folder: Path
) -> DetailLog:
    """Runs until LoadGen is content, at most `TRIES` times with corrected expectations.

    MultiStream's early stopping takes 662 queries, more than a probe has: there it is enough that
    the run was long enough.
    """
    reasons = []
    for attempt in range(TRIES):
        wanted = settings(attempt)
        log = read_detail(bench.run(setup, wanted, logs_of_try(folder, attempt)))
        lenient = bench.spec.fidelity.name != "valid" and wanted.scenario is Scenario.MULTI_STREAM
        if log.valid or (lenient and log.long_enough):
            return log
        reasons.append(log.invalid_reason)
    raise RunFailedError(FailureKind.INVALID_RUN, "; ".join(dict.fromkeys(reasons)))


TAKERS: dict[str, Callable[[Bench, Path], Taken]] = {
    ACCURACY.name: _take_accuracy,
    LATENCY.name: _take_latency,
    THROUGHPUT.name: _take_throughput,
    MULTI_STREAM.name: _take_multi_stream,
    SERVER.name: take_server,
}
