"""What a measurement depends on, as a key: two with the same key are the same measurement."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from dse.types import ACCURACY, LATENCY, MULTI_STREAM, MULTI_STREAM_SAMPLES, digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dse.contract import Backend
    from dse.measure.spec import Fidelity
    from dse.types import Configuration


def accuracy_key(
    configuration: Configuration, backend: Backend, depends: Mapping[str, Any], dataset: str
) -> str:
    """The key of an accuracy: it depends on no thread, batch or CPU.

    Args:
        configuration: what is measured.
        backend: tells which of its knobs change what is computed.
        depends: the model file and the runtime.
        dataset: its fingerprint; empty where there is none.
    """
    numeric = {knob.name for knob in backend.knobs if knob.numeric}
    more = {
        "knobs": {name: value for name, value in configuration.knobs if name in numeric},
        "dataset": dataset,
    }
    return digest({"metric": ACCURACY.name, **depends, **more})


def speed_key(
    metric: str,
    configuration: Configuration,
    depends: Mapping[str, Any],
    cpu: str,
    fidelity: Fidelity,
    *,
    recorded: bool,
) -> str:
    """The key of a timed metric, or of any that comes from a table.

    Args:
        metric: its name.
        configuration: what is measured.
        depends: the model file and the runtime.
        cpu: its fingerprint.
        fidelity: how long the run is.
        recorded: whether it comes from a table, whose rows are told apart by all fields.
    """
    more: dict[str, Any] = {
        "knobs": dict(configuration.knobs),
        "threads": configuration.threads,
        "cpu": cpu,
        "fidelity": asdict(fidelity),
    }
    # Left out where they are the default: they came later, and keys stay as they were.
    if configuration.pinned:
        more["pinned"] = True
    if metric != LATENCY.name or recorded:
        more["batch_size"] = _batch_size(metric, configuration)
        if configuration.instances > 1:
            more["instances"] = configuration.instances
    return digest({"metric": metric, **depends, **more})


def _batch_size(metric: str, configuration: Configuration) -> int:
    """The one a metric depends on: a MultiStream query fills no batch beyond its samples."""
    if metric == MULTI_STREAM.name:
        return min(configuration.batch_size, MULTI_STREAM_SAMPLES)
    return configuration.batch_size
