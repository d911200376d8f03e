"""One run by MLPerf's own settings, inside the worker.

LoadGen gives its official settings to the first run of a process only: one worker, one run.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from dse.core.checksums import combine_checksums
from dse.core.measurement import FailureKind
from dse.core.metrics import Scenario
from dse.loadgen.logs import read_detail
from dse.loadgen.settings import RunSettings
from dse.loadgen.verdict import explain_invalid, mean_ms, rule_violations
from dse.measure.accuracy import scored
from dse.measure.failures import RunFailedError
from dse.measure.loaded_model import LoadedModel
from dse.measure.run_result import RunResult, measurement
from dse.measure.spec import LABELS, REHEARSED_IMAGES, USER_CONF
from dse.tasks.image_classification.inputs import CycledInputs

if TYPE_CHECKING:
    from pathlib import Path

    from dse.core.backend import Runtime
    from dse.core.configuration import KnobValue
    from dse.core.measurement import Measurement
    from dse.loadgen.logs import DetailLog
    from dse.measure.spec import Official, Spec


def take_official(runtime: Runtime, spec: Spec, official: Official) -> Measurement:
    """Takes the one task of the spec; user.conf and LoadGen's logs stay in the run folder.

    Raises:
        RunFailedError: the run failed, or is INVALID.
        UnsupportedError, LoadError: the runtime refused the configuration or the model.
    """
    (task,) = spec.tasks
    started = time.monotonic()
    files = [spec.model_file, *spec.beside] if spec.model_file else []
    model_sha256 = combine_checksums([_sha256(path) for path in files]) if files else ""
    bench = LoadedModel(runtime, spec)
    take = _accuracy if official.accuracy else _performance
    taken = take(bench, official)
    bench.close()
    details: dict[str, KnobValue] = {
        "scenario": official.scenario.value,
        "mode": official.mode,
        "user_conf": official.user_conf.strip(),
        "target": official.target,
        "timed_key": official.timed_key,
        "model_sha256": model_sha256,
        "dataset": spec.inputs.dataset,
        **taken.details,
        **bench.remarks,
    }
    seconds = time.monotonic() - started
    return measurement(replace(taken, details=details), task, spec, seconds)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _performance(bench: LoadedModel, official: Official) -> RunResult:
    distinct, wanted = bench.inputs.count, bench.spec.fidelity.performance_samples
    if distinct < wanted:
        # LoadGen would load what there is and log that it was as many as the rules ask for.
        bench.inputs = CycledInputs(bench.images, wanted)
    log = read_detail(_run(bench, official))
    rehearsed = bench.spec.fidelity.name == "rehearsal"
    if not (log.valid or (rehearsed and log.long_enough)):
        reason = explain_invalid(log, official.scenario, official.target)
        raise RunFailedError(FailureKind.INVALID_RUN, reason)
    if not rehearsed and (reason := rule_violations(log, official.scenario)):
        raise RunFailedError(FailureKind.INVALID_RUN, f"not by MLPerf's rules: {reason}")
    taken = _VALUES[official.scenario](log)
    images = bench.spec.inputs.pixels is not None
    samples: dict[str, KnobValue] = {"images": min(distinct, wanted)} if images else {}
    return RunResult(taken.value, {**taken.details, "valid": log.valid, **samples})


def _accuracy(bench: LoadedModel, official: Official) -> RunResult:
    if bench.spec.fidelity.name == "rehearsal":
        count = min(bench.inputs.count, REHEARSED_IMAGES)
        bench.inputs = CycledInputs(bench.images, count)
    labels = bench.inputs.labels
    if labels is None:
        raise RunFailedError(FailureKind.UNSUPPORTED, "accuracy needs a data set")
    logs = _run(bench, official)
    # Beside the logs, so that the accuracy can be counted again wherever the study goes.
    np.save(bench.spec.folder / LABELS, labels, allow_pickle=False)
    return scored(logs, labels.tolist())


def _run(bench: LoadedModel, official: Official) -> Path:
    spec, fidelity = bench.spec, bench.spec.fidelity
    user_conf = spec.folder / USER_CONF
    user_conf.write_text(official.user_conf, encoding="ascii")
    setup = bench.setup(official.scenario)
    bench.warm_up(setup)
    settings = RunSettings(
        official.scenario,
        accuracy=official.accuracy,
        batch_size=setup.batch_size,
        min_duration_ms=fidelity.min_duration_ms,
        min_query_count=fidelity.min_query_count,
        performance_samples=fidelity.performance_samples,
        label_offset=spec.preprocessing.label_offset,
        user_conf=user_conf,
        shortened=fidelity.name == "rehearsal",
    )
    return bench.run(setup, settings, spec.folder / official.mode)


def _single_stream(log: DetailLog) -> RunResult:
    p90_ms = log.number("result_90.00_percentile_latency_ns") / 1e6
    details: dict[str, KnobValue] = {
        "p90_ms": p90_ms,
        "mean_ms": mean_ms(log, Scenario.SINGLE_STREAM),
        "queries": int(log.number("result_query_count")),
    }
    return RunResult(
        log.number("early_stopping_latency_ss") / 1e6 if log.valid else p90_ms, details
    )


def _multi_stream(log: DetailLog) -> RunResult:
    p99_ms = log.number("result_99.00_percentile_per_query_latency_ns") / 1e6
    details: dict[str, KnobValue] = {
        "p99_ms": p99_ms,
        "mean_ms": mean_ms(log, Scenario.MULTI_STREAM),
        "queries": int(log.number("result_query_count")),
    }
    return RunResult(
        log.number("early_stopping_latency_ms") / 1e6 if log.valid else p99_ms, details
    )


def _offline(log: DetailLog) -> RunResult:
    samples = int(log.number("effective_min_sample_count"))
    return RunResult(log.number("result_samples_per_second"), {"samples": samples})


def _server(log: DetailLog) -> RunResult:
    return RunResult(
        log.number("result_completed_samples_per_sec"),
        {
            "p99_ms": log.number("result_99.00_percentile_latency_ns") / 1e6,
            "queries": int(log.number("result_query_count")),
        },
    )


_VALUES = {
    Scenario.SINGLE_STREAM: _single_stream,
    Scenario.MULTI_STREAM: _multi_stream,
    Scenario.OFFLINE: _offline,
    Scenario.SERVER: _server,
}
