"""What one LoadGen run is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import mlperf_loadgen as lg

from dse.core.errors import DseError
from dse.core.metrics import MULTI_STREAM_SAMPLES, Scenario

if TYPE_CHECKING:
    from pathlib import Path

    from dse.tasks.task import Rules

PERCENTILE = 0.99
"""The percentile of MultiStream and Server, by MLPerf's rules."""


@dataclass(frozen=True, slots=True)
class RunSettings:
    """One LoadGen run.

    Attributes:
        scenario: how LoadGen asks.
        accuracy: an accuracy run over all samples instead of a timed one.
        batch_size: samples per prediction (1 in a timed SingleStream run).
        min_duration_ms: shortest duration of a timed run.
        min_query_count: fewest queries of a timed run.
        performance_samples: the number of samples that stay loaded during a timed run.
        expected_latency_ns: SingleStream and MultiStream; LoadGen generates queries for it in
            advance.
        expected_samples_per_s: Offline: with the duration it fixes the number of samples. Server:
            the rate at which queries arrive.
        rules: MLPerf's numbers for the task; None where it has none: then LoadGen's own hold.
        user_conf: the file that an official run is told by, beside MLPerf's own settings; nothing
            here but scenario and mode then changes what LoadGen does.
        shortened: whether durations and counts of an official run are set down to those here.
        answers: whether a timed run returns its answers, as an accuracy run does.
        audit_config: the file with the settings of a compliance test, which win over all others.
    """

    scenario: Scenario
    accuracy: bool = False
    batch_size: int = 1
    min_duration_ms: int = 0
    min_query_count: int = 1
    performance_samples: int = 64
    expected_latency_ns: int = 1_000_000
    expected_samples_per_s: float = 1.0
    rules: Rules | None = None
    user_conf: Path | None = None
    shortened: bool = False
    answers: bool = False
    audit_config: Path | None = None


def to_test_settings(settings: RunSettings) -> Any:
    """The settings as LoadGen takes them.

    Raises:
        DseError: the task has no official settings, or LoadGen refuses the user.conf.
    """
    test = lg.TestSettings()
    if settings.user_conf is not None:
        _official(test, settings, settings.user_conf)
    else:
        _chosen(test, settings)
    if settings.user_conf is None or settings.shortened:
        test.min_duration_ms = settings.min_duration_ms
        test.min_query_count = settings.min_query_count
    test.scenario = getattr(lg.TestScenario, settings.scenario.value)
    test.mode = lg.TestMode.AccuracyOnly if settings.accuracy else lg.TestMode.PerformanceOnly
    return test


def server_bound_ms(rules: Rules | None) -> float:
    """The latency that 99 % of Server's queries keep: the task's, or LoadGen's own default."""
    if rules is not None and rules.server_bound_ms is not None:
        return rules.server_bound_ms
    return float(lg.TestSettings().server_target_latency_ns) / 1e6


def _official(test: Any, settings: RunSettings, user_conf: Path) -> None:
    """MLPerf's own settings: the mlperf.conf that is built into LoadGen, then user.conf.

    LoadGen reads its mlperf.conf once in a process and afterwards leaves the official seeds out
    without a word, so that is told by the seeds.
    """
    if settings.rules is None:
        raise DseError("MLPerf has no rules for this task")
    model = settings.rules.loadgen_model
    code = test.FromConfig(str(user_conf), model, settings.scenario.value)
    if code != 0:
        raise DseError(f"{user_conf}: LoadGen refuses it (code {code})")
    if not test.qsl_rng_seed:
        raise DseError("LoadGen gives official settings to the first run of a process only")


def _chosen(test: Any, settings: RunSettings) -> None:
    """What a run by our own settings is told beside durations and counts."""
    test.performance_sample_count_override = settings.performance_samples
    test.single_stream_expected_latency_ns = settings.expected_latency_ns
    test.multi_stream_expected_latency_ns = settings.expected_latency_ns
    test.multi_stream_samples_per_query = MULTI_STREAM_SAMPLES
    test.multi_stream_target_latency_percentile = PERCENTILE
    test.offline_expected_qps = settings.expected_samples_per_s
    test.server_target_qps = settings.expected_samples_per_s
    test.server_target_latency_ns = round(1e6 * server_bound_ms(settings.rules))
    test.server_target_latency_percentile = PERCENTILE


def log_settings(folder: Path) -> Any:
    """Logs into a folder, nothing to stdout, no trace."""
    output = lg.LogOutputSettings()
    output.outdir = str(folder)
    output.copy_summary_to_stdout = False
    log = lg.LogSettings()
    log.log_output = output
    log.enable_trace = False
    return log
