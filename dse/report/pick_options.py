"""How ``dse pick`` is asked: the short names of metrics, and the options of limits and goals."""

from __future__ import annotations

from dse.core.metrics import (
    CPU_TIME,
    ENERGY,
    LATENCY,
    LOAD_TIME,
    METRICS,
    MODEL_SIZE,
    PEAK_MEMORY,
    THROUGHPUT,
    is_quality,
)

ACCURACY = "accuracy"
"""Stands for the quality of the study's task, whatever it is called there."""
SHORT_NAMES = {
    "latency": LATENCY.name,
    "throughput": THROUGHPUT.name,
    "memory": PEAK_MEMORY.name,
    "size": MODEL_SIZE.name,
    "load-time": LOAD_TIME.name,
    "cpu-time": CPU_TIME.name,
    "energy": ENERGY.name,
}
_LIMITS = {
    LATENCY.name: ("--max-latency", "ms"),
    THROUGHPUT.name: ("--min-throughput", ""),
    PEAK_MEMORY.name: ("--max-memory", "MiB"),
    MODEL_SIZE.name: ("--max-size", "MiB"),
}


def short_name(metric: str) -> str:
    """The shortest name that ``dse pick`` knows a metric by; a metric of the user has no other."""
    if is_quality(metric):
        return ACCURACY
    return next((short for short, name in SHORT_NAMES.items() if name == metric), metric)


def metric_option(metric: str) -> str:
    """How ``dse pick`` is asked for the best value of a metric.

    Args:
        metric: a whole name in `METRICS`.
    """
    return f"--{METRICS[metric].direction} {short_name(metric)}"


def limit_option(metric: str) -> tuple[str, str] | None:
    """The option that limits a metric, and the unit after its value; None where there is none."""
    return ("--min-accuracy", "") if is_quality(metric) else _LIMITS.get(metric)
