"""What a measurement depends on, as a key: two with the same key are the same measurement."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dse.core.checksums import digest
from dse.core.configuration import CPU, DEVICE
from dse.core.metrics import METRICS, MODEL_SIZE, MULTI_STREAM, MULTI_STREAM_SAMPLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dse.core.backend import Knob
    from dse.core.configuration import Configuration


FIRST_PROBE = {
    "validity": "probe",
    "min_duration_ms": 1000,
    "min_query_count": 128,
    "performance_samples": 64,
    "warm_up_calls": 3,
    "warm_up_ms": 100,
}
"""Part of every key since the first version, which knew probes only. It stays, so that keys stay
what they were; the fidelity itself is kept beside the key, as nothing measured depends on it."""


def quality_key(
    metric: str,
    configuration: Configuration,
    knobs: Iterable[Knob],
    depends: Mapping[str, Any],
    dataset: str,
    instruction_sets: Sequence[str] | None,
) -> str:
    """The key of a quality: it depends neither on threads nor on batches.

    It depends on the device and on the CPU's instruction sets (None where unknown), by which
    runtimes choose their arithmetic: int8 products saturate on some. ``depends`` holds model file
    and runtime, and of ``knobs``, those that there are, the numeric ones count.
    """
    numeric = {knob.name for knob in knobs if knob.numeric}
    more: dict[str, Any] = {
        "knobs": {name: value for name, value in configuration.knobs if name in numeric},
        "dataset": dataset,
        **_device(configuration),
    }
    if instruction_sets is not None:
        more["instruction_sets"] = list(instruction_sets)
    return digest({"metric": metric, **depends, **more})


def size_key(sha256: str) -> str:
    """The key of the size of a model file."""
    return digest({"metric": MODEL_SIZE.name, "artefact": sha256})


def speed_key(
    metric: str,
    configuration: Configuration,
    depends: Mapping[str, Any],
    cpu: str,
    *,
    recorded: bool,
) -> str:
    """The key of what differs between machines, or of anything recorded in a table.

    The rows of a table are told apart by all fields. ``depends`` holds the model file and the
    runtime; ``cpu`` is a fingerprint.
    """
    more: dict[str, Any] = {
        "knobs": dict(configuration.knobs),
        "threads": configuration.threads,
        "cpu": cpu,
        "fidelity": FIRST_PROBE,
        **_device(configuration),
    }
    # Left out where they are the default: they came later, and keys stay as they were.
    if configuration.pinned:
        more["pinned"] = True
    if METRICS[metric].batched or recorded:
        more["batch_size"] = _batch_size(metric, configuration)
        if configuration.instances > 1:
            more["instances"] = configuration.instances
    return digest({"metric": metric, **depends, **more})


def _device(configuration: Configuration) -> dict[str, str]:
    """Left out where it is the CPU, so that keys stay as they were."""
    return {} if configuration.device == CPU else {DEVICE: configuration.device}


def overlap(one: Configuration, other: Configuration, *, quality: bool) -> bool:
    """Whether two configurations may have a measurement in common.

    Qualities depend on model and runtime only: an exploration has one CPU.
    """
    if quality:
        return _file(one) == _file(other)
    return _of_latency(one) == _of_latency(other)


def _of_latency(configuration: Configuration) -> Configuration:
    return replace(configuration, batch_size=1, instances=1)


def _file(configuration: Configuration) -> tuple[str, str, str]:
    return configuration.model, configuration.precision, configuration.backend


def _batch_size(metric: str, configuration: Configuration) -> int:
    """The batch size that counts for a metric: MultiStream's are bounded by its queries."""
    if metric == MULTI_STREAM.name:
        return min(configuration.batch_size, MULTI_STREAM_SAMPLES)
    return configuration.batch_size
