"""What makes a result valid: MLPerf's rules, held against the raw logs of its runs.

MLPerf's current checker is no proof: it accepts runs that LoadGen calls INVALID. So every rule is
checked here, whatever the study says.

Source: https://github.com/mlcommons/inference_policies (inference rules, submission rules) and the
submission checker of https://github.com/mlcommons/inference, both as of 2026-08.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dse.core.details import QualityDetails
from dse.core.measurement import Source
from dse.core.metrics import METRICS_OF, MULTI_STREAM_SAMPLES, Scenario
from dse.core.wording import format_count
from dse.loadgen.compliance import TESTS
from dse.loadgen.logs import LogError, read_responses
from dse.loadgen.verdict import MIN_DURATION_MS, RESULTS
from dse.tasks import registry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dse.core.configuration import Configuration
    from dse.loadgen.logs import DetailLog
    from dse.study.record import Record
    from dse.submission.evidence import Evidence, SubmittedRun
    from dse.submission.release import Release
    from dse.tasks.benchmark import Benchmark
    from dse.tasks.task import Rules

MIN_QUERIES: Mapping[Scenario, int] = {Scenario.SINGLE_STREAM: 64, Scenario.MULTI_STREAM: 662}
"""Below which LoadGen's early stopping can give no estimate."""
INFERRED_MULTI_STREAM = "early_stopping_latency_ms"
"""LoadGen's estimate of the 99th percentile, in its log of SingleStream, too."""
WHOLE = frozenset({"valid", "compliance"})
"""Fidelities of runs that last as long as the rules have it."""
PRUNED = re.compile("prun|spars", re.IGNORECASE)
"""In names of models with fewer weights than the reference has."""
ROUNDING = 1e-6
"""The relative difference below which two figures that LoadGen rounds count as equal."""

SHORT = frozenset(
    {
        *("fidelity", "min-duration", "queries", "early-stopping", "accuracy-samples"),
        *("quality-target", "compliance-performance"),
    }
)
"""Rules that a preview may break: they are about how long and over how much was run."""
_BUILTIN = "builtin"
"""The provider of models with untrained weights."""
REMEDIES: Mapping[str, str] = {
    "trained": "explore trained models with --models and --dataset",
    "accuracy-measured": "explore with --dataset",
    "accuracy-samples": "explore with the whole data set",
    "reference-model": "explore the reference model, under its name",
    "quality-target": "explore a model that is as good",
    "calibration": "give a file that was calibrated with MLPerf's list, or take the model in fp32",
}
"""What helps where another run does not; of the closed division see `_remedies`."""


@dataclass(frozen=True, slots=True)
class Breach:
    """A rule that a result breaks.

    Attributes:
        rule: its name, as the documentation has it.
        message: what is wrong, in a few words.
        remedy: what helps, where no further run does; else empty.
    """

    rule: str
    message: str
    remedy: str = ""

    @property
    def short(self) -> bool:
        """Whether a preview may break it."""
        return self.rule in SHORT

    @property
    def lasting(self) -> bool:
        """Whether no further run mends it."""
        return bool(self.remedy)


def foreseeable(record: Record, models: str, benchmark: Benchmark) -> list[Breach]:
    """The rules that a point breaks however it is run: known before it is.

    Args:
        record: the point.
        models: where the study's model files come from, by the provider's name.
        benchmark: of whose task they are.
    """
    remedies = _remedies(models, benchmark)
    found = _foreseen(record, models, benchmark)
    return [Breach(rule, message, remedies[rule]) for rule, message in found]


def _remedies(models: str, benchmark: Benchmark) -> Mapping[str, str]:
    """What helps, by rule: the closed division takes no other model than the reference."""
    found = dict(REMEDIES)
    reference = benchmark.rules.reference_model
    if benchmark.closed and registry.is_published(reference):
        fetch = f"dse models fetch {reference} --output reference"
        remedy = f"explore the files of `{fetch}` with --models and --dataset"
        found |= dict.fromkeys(("trained", "reference-model"), remedy)
    if models == _BUILTIN:  # a data set alone measures no accuracy of theirs
        found["accuracy-measured"] = found["trained"]
    return found


def _foreseen(record: Record, models: str, benchmark: Benchmark) -> Iterator[tuple[str, str]]:
    """Rule and message of each; see `foreseeable`."""
    if models == _BUILTIN:
        yield "trained", "the builtin models have untrained weights"
    accuracy, rules = record.outcome.quality, benchmark.rules
    if accuracy is None or accuracy.source is not Source.MEASURED:
        yield "accuracy-measured", "its accuracy is not measured here"
    else:
        details = QualityDetails.of(accuracy.details)
        count, due, noun = details.total, rules.all_items, benchmark.task.noun
        if details.samples:
            count, due, noun = details.samples, rules.accuracy_samples, "samples"
        if count and count != due:
            yield "accuracy-samples", f"the data set has {count} {noun}, not {due}"
    if benchmark.closed:
        yield from _not_closed(record, benchmark)


def _not_closed(record: Record, benchmark: Benchmark) -> Iterator[tuple[str, str]]:
    """Why a point can't be in the closed division, however it is run: rules and messages."""
    model, reference = record.configuration.model, benchmark.rules.reference_model
    if not model.startswith(reference) or PRUNED.search(model):
        yield "reference-model", f"the closed division takes {reference} alone"
    quality, target = record.outcome.quality, benchmark.quality.target
    if quality is None or target is None:
        return
    if quality.value < target:
        message = f"{quality.value:.3f} {benchmark.metric.unit}, not {target:.3f}"
        yield "quality-target", f"its {benchmark.metric.title} is {message}"
    if QualityDetails.of(quality.details).calibrated_on:
        message = f"it was calibrated on {benchmark.task.noun} of the data set"
        yield "calibration", f"{message}, not by MLPerf's list"


def breaches(result: Evidence, release: Release, models: str, benchmark: Benchmark) -> list[Breach]:
    """Everything that keeps a result from being valid; empty where nothing does.

    Args:
        result: with its runs.
        release: the round of MLPerf.
        models: where the study's model files come from, by the provider's name.
        benchmark: of whose task they are.
    """
    lasting = foreseeable(result.record, models, benchmark)
    told = {breach.rule for breach in lasting}
    found = [*_missing(result, benchmark, told)]
    tested = [(run, _performance) for run in result.compliance.values()]
    pair = (result.performance, _performance), (result.accuracy, _accuracy)
    for run, logged in (*pair, *tested):
        if run is not None:
            found += _common(run, result)
        if run is not None and run.log is not None:
            found += _readable(_settings(run, run.log, result.ran, release))
            found += _readable(logged(run, run.log, result.ran, benchmark))
    if result.performance is not None and result.performance.log is not None:
        found += _readable(_inferable(result.performance.log, result))
    if result.performance is not None and result.accuracy is not None:
        found += _pair(result.performance, result.accuracy, benchmark.task.noun)
        for run in result.compliance.values():
            found += _pair(run, result.accuracy, benchmark.task.noun)
            found += _readable(_complying(run, result, benchmark))
    return [*lasting, *dict.fromkeys(each for each in found if each.rule not in told)]


def _missing(result: Evidence, benchmark: Benchmark, told: set[str]) -> Iterator[Breach]:
    """The runs that there are not; ``told`` are the rules that no run satisfies."""
    if result.performance is None:
        which = " of the closed division" if benchmark.closed else ""
        yield Breach("performance-run", f"there is no valid performance run{which}")
    if result.accuracy is None and "accuracy-measured" not in told:
        yield Breach("accuracy-run", "there is no accuracy run of this configuration")
    for test in benchmark.tests:
        if test not in result.compliance:
            yield Breach("compliance-run", f"there is no {test} run of this configuration")


def _readable(found: Iterator[Breach]) -> Iterator[Breach]:
    try:
        yield from found
    except LogError as error:
        yield Breach("complete-logs", str(error))


def _common(run: SubmittedRun, result: Evidence) -> Iterator[Breach]:
    """What holds for a run of either kind."""
    noted = run.noted
    mode = noted.mode
    for line in run.damage:
        yield Breach("complete-logs", line)
    if run.measurement.fidelity not in WHOLE:
        yield Breach("fidelity", f"the {mode} run is a {run.measurement.fidelity}")
    if not (noted.model_sha256 and noted.model_file):
        yield Breach("model-hash", f"the {mode} run did not note its model file")
    if run.spec is not None:
        yield from _configured(run, result)


def _configured(run: SubmittedRun, result: Evidence) -> Iterator[Breach]:
    """The worker was told to run this very configuration."""
    spec = run.spec
    if spec is None or spec.official is None:
        yield Breach("official", f"the {run.noted.mode} run was not by MLPerf's settings")
        return
    ours, theirs = (
        of_scenario(each, result.ran) for each in (result.record.configuration, spec.configuration)
    )
    if ours != theirs:
        yield Breach("configuration", f"the {spec.official.mode} run was of {theirs}, not {ours}")
    if run.user_conf != spec.official.user_conf:
        yield Breach("user-conf", f"{run.folder / 'user.conf'} is not what the run was told")


def of_scenario(configuration: Configuration, scenario: Scenario) -> Configuration:
    """What of a configuration has a part in a scenario: single samples know no batch.

    Nor does a batch hold more samples than a MultiStream query has (`dse.exploration._keys`).
    """
    if scenario is Scenario.SINGLE_STREAM:
        return replace(configuration, batch_size=1, instances=1)
    if scenario is Scenario.MULTI_STREAM:
        size = min(configuration.batch_size, MULTI_STREAM_SAMPLES)
        return replace(configuration, batch_size=size)
    return configuration


def _settings(
    run: SubmittedRun, log: DetailLog, scenario: Scenario, release: Release
) -> Iterator[Breach]:
    """LoadGen ran by MLPerf's settings, and without an error."""
    mode, values = run.noted.mode, log.values
    expected = "AccuracyOnly" if mode == "accuracy" else "PerformanceOnly"
    for error in log.errors:
        yield Breach("no-errors", f"LoadGen logged an error in the {mode} run: {error}")
    for rule, name, value in (
        ("scenario", "effective_scenario", scenario.value),
        ("test-mode", "effective_test_mode", expected),
        *(("seeds", name, seed) for name, seed in release.seeds.items()),
        ("no-maximum", "effective_max_duration_ms", 0),
        ("no-maximum", "effective_max_query_count", 0),
    ):
        if values.get(name) != value:
            rules = f" by the rules of {release.name}" if rule == "seeds" else ""
            shown = values.get(name)
            yield Breach(rule, f"{name} of the {mode} run is {shown}, not {value}{rules}")
    yield from _at_least(log, "min-duration", "effective_min_duration_ms", MIN_DURATION_MS)


def _at_least(log: DetailLog, rule: str, name: str, least: int) -> Iterator[Breach]:
    if log.number(name) < least:
        mode = log.values.get("effective_test_mode")
        yield Breach(rule, f"{name} is {log.number(name):g}, below {least} ({mode})")


def _performance(
    run: SubmittedRun, log: DetailLog, scenario: Scenario, benchmark: Benchmark
) -> Iterator[Breach]:
    """What holds for a timed run."""
    rules = benchmark.rules
    yield from _validity(log)
    for name in ("effective_performance_sample_count", "qsl_reported_performance_count"):
        yield from _at_least(log, "performance-samples", name, rules.performance_samples)
    yield from _queries(log, scenario, rules)
    if scenario is Scenario.SERVER and rules.server_bound_ms is not None:
        yield from _bound(log, rules.server_bound_ms)
    if run.measurement.fidelity in WHOLE:
        yield from _value(run, log, scenario)
    yield from _summary(run, log, scenario)


def _inferable(log: DetailLog, result: Evidence) -> Iterator[Breach]:
    """MultiStream is inferred from the estimate of another percentile, which takes more queries."""
    inferred = result.inferred and result.scenario is Scenario.MULTI_STREAM
    if inferred and log.number(INFERRED_MULTI_STREAM) <= 0:
        yield Breach("queries", f"{INFERRED_MULTI_STREAM} is 0: too few queries to infer from")


def _summary(run: SubmittedRun, log: DetailLog, scenario: Scenario) -> Iterator[Breach]:
    verdict = log.values.get("result_validity")
    if not all(
        f"{line}\n" in run.summary for line in (f"Scenario : {scenario}", f"Result is : {verdict}")
    ):
        yield Breach("complete-logs", "the summary is not that of the detail log")


def _validity(log: DetailLog) -> Iterator[Breach]:
    verdict = log.values.get("result_validity")
    if verdict != "VALID":
        # A short run has too few queries for early stopping, which a preview is allowed to lack.
        short = log.long_enough and log.values.get("early_stopping_met") is False
        rule = "early-stopping" if short else "validity"
        yield Breach(rule, f"result_validity is {verdict} ({log.invalid_reason})")
    elif log.values.get("early_stopping_met") is not True:
        yield Breach("early-stopping", "early_stopping_met is not true")
    for name in ("result_min_duration_met", "result_min_queries_met"):
        if not log.met(name):
            yield Breach("validity", f"{name} is not true")


def _queries(log: DetailLog, scenario: Scenario, rules: Rules) -> Iterator[Breach]:
    if scenario is Scenario.OFFLINE:
        name, least = "effective_min_sample_count", rules.min_offline_samples
    else:
        name, least = "result_query_count", MIN_QUERIES.get(scenario, 1)
    yield from _at_least(log, "queries", name, least)


def _bound(log: DetailLog, bound_ms: float) -> Iterator[Breach]:
    for name in ("effective_target_latency_ns", "result_99.00_percentile_latency_ns"):
        if log.number(name) > 1e6 * bound_ms:
            words = f"{name} is {log.number(name) / 1e6:g} ms, beyond {bound_ms:g} ms"
            yield Breach("server-bound", words)


def _value(run: SubmittedRun, log: DetailLog, scenario: Scenario) -> Iterator[Breach]:
    name, factor = RESULTS[scenario]
    logged, kept = factor * log.number(name), run.measurement.value
    if abs(logged - kept) > ROUNDING * logged:
        yield Breach(
            "value",
            f"the study has a {METRICS_OF[scenario]} of {kept:g}, the log one of {logged:g}",
        )


def _accuracy(
    run: SubmittedRun, log: DetailLog, _scenario: Scenario, benchmark: Benchmark
) -> Iterator[Breach]:
    """The accuracy run covers the data set, each sample once, with responses that can be."""
    task, due = benchmark.task, benchmark.rules.accuracy_samples
    total = int(log.number("effective_accuracy_sample_count"))
    if total != due:
        message = f"the accuracy run is over {total} {task.noun}, not {due}"
        yield Breach("accuracy-samples", message)
    responses = read_responses(run.logs)
    known = sum(0 <= index < total for index in responses)
    amiss = total - known + len(responses) - known
    if amiss:
        yield Breach("accuracy-log", f"amiss in the accuracy log: {format_count(amiss, 'sample')}")
    try:
        yield from (Breach("accuracy-log", fault) for fault in task.response_faults(responses))
    except ValueError as error:
        yield Breach("complete-logs", str(error))
        return
    if responses and not amiss:
        yield from _accuracy_value(run, responses, benchmark)


def _accuracy_value(
    run: SubmittedRun, responses: Mapping[int, bytes], benchmark: Benchmark
) -> Iterator[Breach]:
    """What the study has is what the log gives, counted again."""
    try:
        counted = benchmark.task.score(responses, run.folder).value
    except (OSError, ValueError) as error:
        yield Breach("accuracy-value", f"{run.folder}: {error}; it can't be counted again")
        return
    kept, unit = run.measurement.value, benchmark.metric.unit
    if abs(counted - kept) > ROUNDING:
        message = f"the study has an accuracy of {kept:g} {unit}, the log {counted:g} {unit}"
        yield Breach("accuracy-value", message)


def _complying(run: SubmittedRun, result: Evidence, benchmark: Benchmark) -> Iterator[Breach]:
    """A compliance run had the settings of its test, and passes it."""
    test = run.noted.mode or ""
    if run.log is not None:
        wrong = TESTS[test].wrong_settings(run.log)
        yield from (Breach("audit-settings", f"{each} ({test})") for each in wrong)
    try:
        found = result.verify(test, benchmark)
    except (OSError, ValueError) as error:
        yield Breach("compliance-answers", f"{test}: {error}")
        return
    if not found.performance.passed:
        lines = "; ".join(found.performance.lines)
        yield Breach("compliance-performance", f"{test} does not pass: {lines}")
    if found.answers is not None and not found.answers_pass:
        lines = "; ".join(found.answers.lines)
        yield Breach("compliance-answers", f"{test} does not pass: {lines}")


def _pair(performance: SubmittedRun, accuracy: SubmittedRun, noun: str) -> Iterator[Breach]:
    """Both runs were of the same thing."""
    timed, scored = performance.noted, accuracy.noted
    for rule, what, one, other in (
        ("model-hash", "model files", timed.model_sha256, scored.model_sha256),
        ("configuration", "configurations", timed.timed_key, scored.timed_key),
        ("data-set", "data sets", timed.dataset, scored.dataset),
    ):
        if one != other:
            yield Breach(rule, f"the two runs are of different {what}")
    if not scored.dataset:
        yield Breach("data-set", f"the accuracy run did not note its {noun}")
    versions = {
        str(run.log.values.get("loadgen_version"))
        for run in (performance, accuracy)
        if run.log is not None
    }
    if len(versions) > 1:
        yield Breach("loadgen", f"the two runs are by different LoadGens: {', '.join(versions)}")
