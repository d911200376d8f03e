"""One run by MLPerf's own settings, inside the worker.

LoadGen gives its official settings to the first run of a process only: one worker, one run.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from dse.core.checksums import sha256_of_model
from dse.core.details import OfficialDetails, TimedDetails
from dse.core.measurement import FailureKind
from dse.core.metrics import Scenario
from dse.loadgen.compliance import AUDIT_CONFIG, TESTS
from dse.loadgen.logs import read_detail
from dse.loadgen.settings import RunSettings
from dse.loadgen.verdict import explain_invalid, mean_ms, rule_violations
from dse.measure._accuracy import require_dataset, score
from dse.measure._loaded_model import LoadedModel
from dse.measure._run_result import RunFailedError, RunResult, measurement
from dse.measure.spec import REHEARSED_SAMPLES, USER_CONF
from dse.tasks.shapes import Selected

if TYPE_CHECKING:
    from pathlib import Path

    from dse.core.backend import Runtime
    from dse.core.configuration import KnobValue
    from dse.core.measurement import Measurement
    from dse.loadgen.logs import DetailLog
    from dse.measure.spec import Official, Spec
    from dse.tasks.task import Rules


def take_official(runtime: Runtime, spec: Spec, official: Official) -> Measurement:
    """Takes the one metric of the spec; user.conf and LoadGen's logs stay in the run folder.

    Raises:
        RunFailedError: MLPerf has no rules for the task; the run failed, or is INVALID.
        UnsupportedError, LoadError: the runtime refused the configuration or the model.
    """
    (request,) = spec.requests
    rules = spec.task.rules
    if rules is None:
        raise RunFailedError(FailureKind.UNSUPPORTED, "MLPerf has no rules for this task")
    started = time.monotonic()
    files = [spec.model.path, *spec.model.beside] if spec.model.path else []
    model_sha256 = sha256_of_model(files) if files else ""
    loaded = LoadedModel(runtime, spec)
    if official.accuracy:
        result = _accuracy(loaded, official)
    else:
        result = _performance(loaded, official, rules)
    loaded.close()
    details = OfficialDetails(
        scenario=official.scenario.value,
        mode=official.mode,
        user_conf=official.user_conf.strip(),
        target=official.target,
        timed_key=official.timed_key,
        closed=official.closed or None,
        model_sha256=model_sha256,
        dataset=spec.task.inputs.dataset,
    ).beside({**result.details.as_dict(), **loaded.remarks})
    took_s = time.monotonic() - started
    found = measurement(replace(result, details=details), request, spec, took_s)
    if official.test and found.fidelity == "valid":
        # It has the key of the performance run, and must not count as one.
        found = replace(found, fidelity="compliance")
    return found


def _performance(loaded: LoadedModel, official: Official, rules: Rules) -> RunResult:
    distinct, wanted = loaded.inputs.count, rules.performance_samples
    rehearsed = loaded.spec.fidelity.name == "rehearsal"
    if distinct < wanted or (rehearsed and official.test):
        # LoadGen would load what there is and log that it was as many as the rules ask for. A
        # rehearsed test has the first samples, of which the rehearsed accuracy run has some.
        loaded.inputs = Selected(loaded.inputs, [index % distinct for index in range(wanted)])
    log = read_detail(_run(loaded, official, wanted))
    if not (log.valid or (rehearsed and log.long_enough)):
        reason = explain_invalid(log, official.scenario, official.target, rules)
        raise RunFailedError(FailureKind.INVALID_RUN, reason)
    if not rehearsed and (reason := rule_violations(log, official.scenario, rules)):
        raise RunFailedError(FailureKind.INVALID_RUN, f"not by MLPerf's rules: {reason}")
    result = _VALUES[official.scenario](log)
    noun = loaded.spec.task.inputs.noun
    samples: dict[str, KnobValue] = {noun: min(distinct, wanted)} if noun else {}
    return RunResult(result.value, result.details.beside({"valid": log.valid, **samples}))


def _accuracy(loaded: LoadedModel, official: Official) -> RunResult:
    require_dataset(loaded)
    if loaded.spec.fidelity.name == "rehearsal":
        first = range(min(loaded.inputs.count, REHEARSED_SAMPLES))
        loaded.inputs = Selected(loaded.inputs, first)
    logs = _run(loaded, official, loaded.spec.fidelity.performance_samples)
    # Beside the logs, so that the answers can be scored again wherever the study goes.
    loaded.task.save_truth(loaded.spec.folder, loaded.inputs.count)
    return score(loaded, logs)


def _run(loaded: LoadedModel, official: Official, performance_samples: int) -> Path:
    spec, fidelity = loaded.spec, loaded.spec.fidelity
    user_conf = spec.folder / USER_CONF
    user_conf.write_text(official.user_conf, encoding="ascii")
    audit_config = None
    if official.test:
        audit_config = spec.folder / AUDIT_CONFIG
        audit_config.write_text(TESTS[official.test].audit_config, encoding="ascii")
    setup = loaded.setup(official.scenario)
    loaded.warm_up(setup)
    settings = RunSettings(
        official.scenario,
        accuracy=official.accuracy,
        batch_size=setup.batch_size,
        min_duration_ms=fidelity.min_duration_ms,
        min_query_count=fidelity.min_query_count,
        performance_samples=performance_samples,
        rules=spec.task.rules,
        user_conf=user_conf,
        shortened=fidelity.name == "rehearsal",
        answers=official.closed,
        audit_config=audit_config,
    )
    return loaded.run(setup, settings, spec.folder / official.mode)


def _single_stream(log: DetailLog) -> RunResult:
    p90_ms = log.number("result_90.00_percentile_latency_ns") / 1e6
    details = TimedDetails(
        p90_ms=p90_ms,
        mean_ms=mean_ms(log, Scenario.SINGLE_STREAM),
        queries=int(log.number("result_query_count")),
    )
    return RunResult(
        log.number("early_stopping_latency_ss") / 1e6 if log.valid else p90_ms, details
    )


def _multi_stream(log: DetailLog) -> RunResult:
    p99_ms = log.number("result_99.00_percentile_per_query_latency_ns") / 1e6
    details = TimedDetails(
        p99_ms=p99_ms,
        mean_ms=mean_ms(log, Scenario.MULTI_STREAM),
        queries=int(log.number("result_query_count")),
    )
    return RunResult(
        log.number("early_stopping_latency_ms") / 1e6 if log.valid else p99_ms, details
    )


def _offline(log: DetailLog) -> RunResult:
    samples = int(log.number("effective_min_sample_count"))
    return RunResult(log.number("result_samples_per_second"), TimedDetails(samples=samples))


def _server(log: DetailLog) -> RunResult:
    return RunResult(
        log.number("result_completed_samples_per_sec"),
        TimedDetails(
            p99_ms=log.number("result_99.00_percentile_latency_ns") / 1e6,
            queries=int(log.number("result_query_count")),
        ),
    )


_VALUES = {
    Scenario.SINGLE_STREAM: _single_stream,
    Scenario.MULTI_STREAM: _multi_stream,
    Scenario.OFFLINE: _offline,
    Scenario.SERVER: _server,
}
