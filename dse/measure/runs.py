"""The measurements of one configuration, taken through LoadGen inside the worker."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from dse.core.backend import LoadError, UnsupportedError
from dse.core.details import CostDetails, TimedDetails
from dse.core.measurement import FailureKind, Measurement
from dse.core.metrics import (
    CPU_TIME,
    ENERGY,
    LATENCY,
    LOAD_TIME,
    MULTI_STREAM,
    MULTI_STREAM_SAMPLES,
    PEAK_MEMORY,
    SERVER,
    THROUGHPUT,
    Scenario,
)
from dse.loadgen.logs import DetailLog, read_detail
from dse.loadgen.settings import RunSettings
from dse.loadgen.verdict import median_ms
from dse.measure._accuracy import take_accuracy
from dse.measure._footprint import take_footprint
from dse.measure._loaded_model import LoadedModel, LoadSettings
from dse.measure._meter import Meter
from dse.measure._run_result import RunFailedError, RunResult, logs_of_try, measurement
from dse.measure._server import take_server
from dse.tasks.shapes import shapes_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from dse.core.backend import Runtime
    from dse.measure._meter import Spent
    from dse.measure.spec import Fidelity, MetricRequest, Spec

MAX_QUERIES = 200_000
"""The most queries of a run: LoadGen generates them in advance, at about 480 bytes each."""
OFFLINE_BATCHES = 4
"""The fewest full batches of an Offline run, for each caller; fewer where they would take long."""
SHAPED_BATCHES = 8
"""The fewest for each shape, where samples have several: the last one of each may be half empty."""
MIN_QUERIES = 64
"""With fewer queries LoadGen calls a SingleStream run INVALID; enough where more take long."""
LONG_S = 10.0
"""A probe is not made longer than this to have more queries."""
TRIES = 4
"""The first run is planned by the warm-up, and each further one by the run before it."""
HEADROOM = 1.1
"""An Offline run is planned this much longer than due, since its rate is only an estimate: that of
the fastest call of the warm-up, so that it is seldom too low."""


def take(runtime: Runtime, spec: Spec) -> Iterator[Measurement]:
    """Yields one measurement for each request of the spec, in their order, as soon as it is taken.

    Only what a loaded model costs comes before everything else.

    Extra metrics are taken where they can be. One run may serve several requests, of different
    metrics: one that is requested again is taken in a further run.

    Raises:
        RunFailedError: a run failed; what was yielded before stays good.
        UnsupportedError, LoadError: the runtime refused the configuration or the model.
    """
    loaded = LoadedModel(runtime, spec)
    runs = _runs(spec.requests)
    for taker, number in sorted(runs, key=lambda run: run[0] is not _take_footprint):
        requests = runs[taker, number]
        folder = spec.folder / f"again-{number}" if number else spec.folder
        started = time.monotonic()
        results = _results(taker, loaded, requests, folder)
        took_s = time.monotonic() - started
        for request in requests:
            if request.metric in results:
                result = results[request.metric]
                result = replace(result, details=result.details.beside(loaded.remarks))
                yield measurement(result, request, spec, took_s)
                took_s = 0.0  # what more comes of a run costs nothing
    loaded.close()


def _runs(requests: Sequence[MetricRequest]) -> dict[tuple[Taker, int], list[MetricRequest]]:
    """The requests that each run serves, by what takes it and how often that ran before."""
    runs: dict[tuple[Taker, int], list[MetricRequest]] = {}
    seen = Counter[str]()
    for request in requests:
        runs.setdefault((_taker(request), seen[request.metric]), []).append(request)
        seen[request.metric] += 1
    return runs


def _taker(request: MetricRequest) -> Taker:
    """The run that gives a metric; one that LoadGen does not time is the quality of the task."""
    return TAKERS.get(request.metric, _take_quality)


def _results(
    taker: Taker, loaded: LoadedModel, requests: Sequence[MetricRequest], folder: Path
) -> Mapping[str, RunResult]:
    """What a run gives, by metric; nothing where it fails and no request needs it.

    If the fault is not of this run alone, the runs that are needed meet it as well.
    """
    needed = [request.metric for request in requests if not request.extra]
    try:
        results = taker(loaded, folder)
    except (RunFailedError, UnsupportedError, LoadError, MemoryError):
        if needed:
            raise
        loaded.close()
        return {}
    for metric in needed:
        if metric not in results:
            raise RunFailedError(FailureKind.UNSUPPORTED, f"nothing here tells {metric}")
    return results


def _take_footprint(loaded: LoadedModel, _: Path) -> Mapping[str, RunResult]:
    return take_footprint(loaded)


def _take_quality(loaded: LoadedModel, folder: Path) -> Mapping[str, RunResult]:
    result = take_accuracy(loaded, folder)
    metrics = (request.metric for request in loaded.spec.requests)
    return {metric: result for metric in metrics if metric not in TAKERS}


def _take_single_stream(loaded: LoadedModel, folder: Path) -> Mapping[str, RunResult]:
    """The latency, and what the same queries cost."""
    meter = Meter()
    scenario = Scenario.SINGLE_STREAM
    log = _stream_run(loaded, loaded.single, scenario, 1, folder / "single_stream", meter)
    queries = int(log.number("result_query_count"))
    latency = RunResult(
        log.number("result_90.00_percentile_latency_ns") / 1e6,
        TimedDetails(
            early_stopping_p90_ms=log.number("early_stopping_latency_ss") / 1e6,
            mean_ms=log.number("result_mean_latency_ns") / 1e6,
            p50_ms=log.number("result_50.00_percentile_latency_ns") / 1e6,
            p99_ms=log.number("result_99.00_percentile_latency_ns") / 1e6,
            queries=queries,
        ),
    )
    return {LATENCY.name: latency, **_costs(meter.spent(), queries)}


def _costs(spent: Spent, queries: int) -> Mapping[str, RunResult]:
    """CPU time and energy of a query; the energy where it is known."""
    details = CostDetails(queries=queries, wall_s=round(spent.wall_s, 6))
    costs = {CPU_TIME.name: RunResult(1e3 * spent.cpu_s / queries, details)}
    if spent.energy_uj is not None:
        costs[ENERGY.name] = RunResult(
            spent.energy_uj / 1e3 / queries, replace(details, estimate=True)
        )
    return costs


def _take_multi_stream(loaded: LoadedModel, folder: Path) -> Mapping[str, RunResult]:
    setup = loaded.setup(Scenario.MULTI_STREAM)
    calls = math.ceil(MULTI_STREAM_SAMPLES / setup.batch_size)
    log = _stream_run(loaded, setup, Scenario.MULTI_STREAM, calls, folder / "multi_stream")
    details = TimedDetails(
        early_stopping_p99_ms=log.number("early_stopping_latency_ms") / 1e6,
        mean_ms=log.number("result_mean_query_latency_ns") / 1e6,
        p50_ms=log.number("result_50.00_percentile_per_query_latency_ns") / 1e6,
        p90_ms=log.number("result_90.00_percentile_per_query_latency_ns") / 1e6,
        queries=int(log.number("result_query_count")),
    )
    p99_ms = log.number("result_99.00_percentile_per_query_latency_ns") / 1e6
    return {MULTI_STREAM.name: RunResult(p99_ms, details)}


def _stream_run(
    loaded: LoadedModel,
    setup: LoadSettings,
    scenario: Scenario,
    calls: int,
    folder: Path,
    meter: Meter | None = None,
) -> DetailLog:
    """A run of a scenario that asks again as soon as it is answered."""
    call_s = loaded.warm_up(setup)
    expected_s = call_s * math.ceil(calls / len(loaded.callers(setup)))
    fidelity = loaded.spec.fidelity

    def settings(before: DetailLog | None) -> RunSettings:
        nonlocal expected_s
        if before is not None:
            expected_s = min(expected_s, median_ms(before, scenario) / 1e3) / 2
        return RunSettings(
            scenario,
            batch_size=setup.batch_size,
            min_duration_ms=_bounded(fidelity.min_duration_ms, 2 / expected_s),
            min_query_count=_queries(fidelity, expected_s),
            performance_samples=fidelity.performance_samples,
            expected_latency_ns=max(1, int(expected_s * 1e9)),
        )

    return _valid_run(loaded, setup, settings, folder, meter)


def _take_throughput(loaded: LoadedModel, folder: Path) -> Mapping[str, RunResult]:
    setup = loaded.whole
    batch_size = setup.batch_size
    call_s = loaded.warm_up(setup)
    callers = len(loaded.callers(setup))
    fidelity = loaded.spec.fidelity
    rate = callers * batch_size / call_s

    def settings(before: DetailLog | None) -> RunSettings:
        nonlocal rate
        if before is not None:
            rate = max(2 * rate, before.number("result_samples_per_second"))
        expected = HEADROOM * rate
        duration_ms = _bounded(fidelity.min_duration_ms, expected)
        due = math.ceil(expected * duration_ms / 1e3 / batch_size)
        # Offline's query count is its number of samples: full batches only, and no caller idle.
        fewest = max(1, min(_fewest_batches(loaded, batch_size), int(LONG_S / call_s)))
        batches = math.ceil(max(fewest * callers, due) / callers) * callers
        return RunSettings(
            Scenario.OFFLINE,
            batch_size=batch_size,
            min_duration_ms=duration_ms,
            min_query_count=batches * batch_size,
            performance_samples=fidelity.performance_samples,
        )

    log = _valid_run(loaded, setup, settings, folder / "offline")
    details = TimedDetails(samples=int(log.number("effective_min_sample_count")))
    return {THROUGHPUT.name: RunResult(log.number("result_samples_per_second"), details)}


def _fewest_batches(loaded: LoadedModel, batch_size: int) -> int:
    """The fewest batches of an Offline run, for each caller."""
    shapes = len(set(shapes_of(loaded.inputs)))
    return OFFLINE_BATCHES if min(shapes, batch_size) == 1 else SHAPED_BATCHES * shapes


def _queries(fidelity: Fidelity, expected_s: float) -> int:
    """The fewest queries of a run that asks for one after the other."""
    if fidelity.name == "valid":
        return fidelity.min_query_count
    affordable = max(MIN_QUERIES, int(LONG_S / expected_s))
    return min(fidelity.min_query_count, affordable)


def _bounded(duration_ms: int, queries_per_s: float) -> int:
    """The duration, shortened where it would need more queries than memory should hold."""
    return max(1, min(duration_ms, int(1e3 * MAX_QUERIES / queries_per_s)))


def _valid_run(
    loaded: LoadedModel,
    setup: LoadSettings,
    settings: Callable[[DetailLog | None], RunSettings],
    folder: Path,
    meter: Meter | None = None,
) -> DetailLog:
    """Runs until LoadGen is content, at most `TRIES` times.

    A warm-up has few calls: on a busy machine each may take a thousand times longer than in the
    run. So the settings of a further run follow from the log of the run before it.

    Early stopping takes 662 queries in MultiStream, more than a probe has, and 64 in SingleStream,
    more than a brief run of a slow model has: there it is enough that the run was long enough.
    """
    reasons = []
    log = None
    for attempt in range(TRIES):
        wanted = settings(log)
        log = read_detail(loaded.run(setup, wanted, logs_of_try(folder, attempt), meter))
        fidelity = loaded.spec.fidelity.name
        lenient = fidelity == "brief" or (
            fidelity != "valid" and wanted.scenario is Scenario.MULTI_STREAM
        )
        if log.valid or (lenient and log.long_enough):
            return log
        reasons.append(log.invalid_reason)
        if attempt and log.met("result_min_duration_met"):
            break  # whatever is wrong, it is not what was expected
    raise RunFailedError(FailureKind.INVALID_RUN, "; ".join(dict.fromkeys(reasons)))


Taker = Callable[[LoadedModel, "Path"], "Mapping[str, RunResult]"]
TAKERS: dict[str, Taker] = {
    PEAK_MEMORY.name: _take_footprint,
    LOAD_TIME.name: _take_footprint,
    LATENCY.name: _take_single_stream,
    CPU_TIME.name: _take_single_stream,
    ENERGY.name: _take_single_stream,
    THROUGHPUT.name: _take_throughput,
    MULTI_STREAM.name: _take_multi_stream,
    SERVER.name: lambda loaded, folder: {SERVER.name: take_server(loaded, folder)},
}
"""The run that gives a metric, by its name; one run may give several."""
