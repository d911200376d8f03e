"""The metrics: what is measured, in which unit, and in which of LoadGen's scenarios.

Standard library only: a worker imports this in an interpreter that may hold nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping


Direction = Literal["maximize", "minimize"]


@dataclass(frozen=True, slots=True)
class Metric:
    """A measured quantity; its name carries the unit.

    Attributes:
        timed: whether it varies from one run to the next.
        batched: whether it depends on batch size and instances.
        estimated: whether it is only an estimate, which every output then says.
        quality: whether it tells how good the answers are; such a metric is a task's.
    """

    name: str
    unit: str
    direction: Direction
    title: str
    timed: bool = True
    batched: bool = False
    estimated: bool = False
    quality: bool = False


LATENCY = Metric("latency_p90_ms", "ms", "minimize", "SingleStream p90 latency")

THROUGHPUT = Metric(
    "throughput_samples_per_s", "samples/s", "maximize", "Offline throughput", batched=True
)

MULTI_STREAM = Metric(
    "multistream_latency_p99_ms",
    "ms",
    "minimize",
    "MultiStream p99 latency, 8 samples",
    batched=True,
)

SERVER = Metric(
    "server_throughput_samples_per_s",
    "samples/s",
    "maximize",
    "Server throughput, p99 within its bound",
    batched=True,
)

MODEL_SIZE = Metric("model_size_mib", "MiB", "minimize", "model file size", timed=False)

PEAK_MEMORY = Metric(
    "peak_memory_mib", "MiB", "minimize", "peak memory of the worker process", batched=True
)

LOAD_TIME = Metric("load_time_ms", "ms", "minimize", "time to load one instance")

CPU_TIME = Metric(
    "cpu_time_per_sample_ms", "ms", "minimize", "CPU time per SingleStream inference, all threads"
)

ENERGY = Metric(
    "energy_per_sample_mj",
    "mJ",
    "minimize",
    "energy per SingleStream inference, estimate of the whole machine",
    estimated=True,
)

SINGLE_STREAM_METRICS = (LATENCY.name, CPU_TIME.name, ENERGY.name)
"""What one SingleStream run gives."""

COSTS = (MODEL_SIZE, PEAK_MEMORY, LOAD_TIME, CPU_TIME, ENERGY)
"""Costs of a configuration; always recorded with the runs that are made anyway."""

_KNOWN = {m.name: m for m in (LATENCY, THROUGHPUT, MULTI_STREAM, SERVER, *COSTS)}
METRICS: Mapping[str, Metric] = MappingProxyType(_KNOWN)
"""The metrics by name: the qualities of the tasks that are loaded, then those of every task."""


def add_quality(metric: Metric) -> None:
    """Makes the quality of a task one of `METRICS`; does nothing where it is one already.

    Raises:
        ValueError: it is not a quality, or another metric has its name.
    """
    if not metric.quality:
        raise ValueError(f"{metric.name} is not a quality")
    if METRICS.get(metric.name, metric) != metric:
        raise ValueError(f"two metrics are called {metric.name}")
    others = {name: each for name, each in _KNOWN.items() if not each.quality}
    for name in others:
        del _KNOWN[name]
    _KNOWN.update({metric.name: metric, **others})


def is_quality(metric: str) -> bool:
    """Whether a metric is the quality of a task that is loaded."""
    return metric in METRICS and METRICS[metric].quality


MULTI_STREAM_SAMPLES = 8
"""Samples per query of the MultiStream scenario, by MLPerf's rules."""

TAILS = frozenset({MULTI_STREAM.name, SERVER.name})
"""The metrics that the one percent of slowest queries decides: a shorter run has other values."""

DEFAULT_TIMED = (LATENCY.name, THROUGHPUT.name)
"""The timed metrics that a search space optimises where it names no objectives."""


class Scenario(StrEnum):
    """LoadGen's scenarios, by its own names."""

    SINGLE_STREAM = "SingleStream"
    MULTI_STREAM = "MultiStream"
    OFFLINE = "Offline"
    SERVER = "Server"


SCENARIOS: Mapping[str, Scenario] = {
    LATENCY.name: Scenario.SINGLE_STREAM,
    MULTI_STREAM.name: Scenario.MULTI_STREAM,
    THROUGHPUT.name: Scenario.OFFLINE,
    SERVER.name: Scenario.SERVER,
}
"""The scenario in which a timed metric is taken."""

METRICS_OF: Mapping[Scenario, str] = {scenario: name for name, scenario in SCENARIOS.items()}
"""The timed metric that a scenario gives."""
