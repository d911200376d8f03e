"""What metrics are called: in tables, in sentences, and on the command line."""

from __future__ import annotations

from dataclasses import dataclass

from dse.core.metrics import (
    CPU_TIME,
    ENERGY,
    LATENCY,
    LOAD_TIME,
    METRICS,
    MODEL_SIZE,
    MULTI_STREAM,
    PEAK_MEMORY,
    SERVER,
    THROUGHPUT,
    is_quality,
)

ACCURACY = "accuracy"
"""Stands for the quality of the study's task, whatever it is called there."""


@dataclass(frozen=True, slots=True)
class MetricWords:
    """What a metric is called; a quality is called what its task calls it.

    Attributes:
        heading: in a table, with its unit.
        decimals: digits after the point that are shown.
        phrase: in a sentence.
        short: what a user may call it; empty for its whole name alone.
        limit_unit: the unit after the value of the option of ``dse pick`` that limits it; None
            where there is no such option.
    """

    heading: str
    decimals: int
    phrase: str
    short: str = ""
    limit_unit: str | None = None


METRIC_WORDS = {
    LATENCY.name: MetricWords("p90 [ms]", 3, "p90 latency", "latency", "ms"),
    THROUGHPUT.name: MetricWords("samples/s", 1, "throughput", "throughput", ""),
    MULTI_STREAM.name: MetricWords("p99 of 8 [ms]", 3, "p99 latency of 8 samples"),
    SERVER.name: MetricWords("server/s", 1, "server throughput"),
    PEAK_MEMORY.name: MetricWords("memory [MiB]", 1, "memory", "memory", "MiB"),
    MODEL_SIZE.name: MetricWords("model [MiB]", 2, "model size", "size", "MiB"),
    LOAD_TIME.name: MetricWords("load [ms]", 1, "load time", "load-time"),
    CPU_TIME.name: MetricWords("CPU [ms]", 3, "CPU time", "cpu-time"),
    ENERGY.name: MetricWords("energy, estimate [mJ]", 2, "energy", "energy"),
}
SHORT_NAMES = {words.short: name for name, words in METRIC_WORDS.items() if words.short}
"""The metrics by what a user may call them."""


def short_name(metric: str) -> str:
    """The shortest name that ``dse pick`` knows a metric by; a metric of the user has no other."""
    if is_quality(metric):
        return ACCURACY
    return (METRIC_WORDS[metric].short or metric) if metric in METRIC_WORDS else metric


def metric_option(metric: str) -> str:
    """How ``dse pick`` is asked for the best value of a metric.

    Args:
        metric: a whole name in `METRICS`.
    """
    return f"--{METRICS[metric].direction} {short_name(metric)}"


def limit_option(metric: str) -> tuple[str, str] | None:
    """The option that limits a metric, and the unit after its value; None where there is none.

    Args:
        metric: a whole name in `METRICS`.
    """
    unit = "" if is_quality(metric) else METRIC_WORDS[metric].limit_unit
    way = "max" if METRICS[metric].direction == "minimize" else "min"
    return None if unit is None else (f"--{way}-{short_name(metric)}", unit)
