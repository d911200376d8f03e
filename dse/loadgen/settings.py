"""What one LoadGen run is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import mlperf_loadgen as lg

from dse.core.errors import DseError
from dse.core.metrics import MULTI_STREAM_SAMPLES, Scenario
from dse.loadgen.verdict import SERVER_BOUND_NS

if TYPE_CHECKING:
    from pathlib import Path

PERCENTILE = 0.99
"""That MultiStream and Server look at, by MLPerf's rules."""
BENCHMARK = "resnet50"
"""The name under which LoadGen's built-in mlperf.conf has the rules for image classification."""


@dataclass(frozen=True, slots=True)
class RunSettings:
    """One LoadGen run.

    Attributes:
        scenario: how LoadGen asks.
        accuracy: an accuracy run over all samples instead of a timed one.
        batch_size: samples per prediction (1 in a timed SingleStream run).
        min_duration_ms: shortest duration of a timed run.
        min_query_count: fewest queries of a timed run.
        performance_samples: how many samples stay loaded during a timed run.
        expected_latency_ns: SingleStream and MultiStream; LoadGen generates queries for it in
            advance.
        expected_samples_per_s: Offline: with the duration it fixes the number of samples. Server:
            the rate at which queries arrive.
        label_offset: what to subtract from the arg max in an accuracy run.
        user_conf: the file that an official run is told by, beside MLPerf's own settings; nothing
            here but scenario and mode then changes what LoadGen does.
        shortened: whether durations and counts of an official run are set down to those here.
    """

    scenario: Scenario
    accuracy: bool = False
    batch_size: int = 1
    min_duration_ms: int = 0
    min_query_count: int = 1
    performance_samples: int = 64
    expected_latency_ns: int = 1_000_000
    expected_samples_per_s: float = 1.0
    label_offset: int = 0
    user_conf: Path | None = None
    shortened: bool = False


def to_test_settings(settings: RunSettings) -> Any:
    """The settings as LoadGen takes them.

    Raises:
        DseError: LoadGen refuses the user.conf of an official run.
    """
    test = lg.TestSettings()
    if settings.user_conf is not None:
        _official(test, settings.scenario, settings.user_conf)
    else:
        _chosen(test, settings)
    if settings.user_conf is None or settings.shortened:
        test.min_duration_ms = settings.min_duration_ms
        test.min_query_count = settings.min_query_count
    test.scenario = getattr(lg.TestScenario, settings.scenario.value)
    test.mode = lg.TestMode.AccuracyOnly if settings.accuracy else lg.TestMode.PerformanceOnly
    return test


def _official(test: Any, scenario: Scenario, user_conf: Path) -> None:
    """MLPerf's own settings: the mlperf.conf that is built into LoadGen, then user.conf.

    LoadGen reads its mlperf.conf once in a process and afterwards leaves the official seeds out
    without a word, so that is told by the seeds.
    """
    code = test.FromConfig(str(user_conf), BENCHMARK, scenario.value)
    if code != 0:
        raise DseError(f"{user_conf}: LoadGen refuses it (code {code})")
    if not test.qsl_rng_seed:
        raise DseError("LoadGen gives official settings to the first run of a process only")


def _chosen(test: Any, settings: RunSettings) -> None:
    """What a run that is none of MLPerf's is told beside durations and counts."""
    test.performance_sample_count_override = settings.performance_samples
    test.single_stream_expected_latency_ns = settings.expected_latency_ns
    test.multi_stream_expected_latency_ns = settings.expected_latency_ns
    test.multi_stream_samples_per_query = MULTI_STREAM_SAMPLES
    test.multi_stream_target_latency_percentile = PERCENTILE
    test.offline_expected_qps = settings.expected_samples_per_s
    test.server_target_qps = settings.expected_samples_per_s
    test.server_target_latency_ns = SERVER_BOUND_NS
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
