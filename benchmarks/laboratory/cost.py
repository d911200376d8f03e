"""How long the tool would measure for a recorded row, modelled from its own fidelities.

A configuration has a process of its own, which takes `START_S`; a failure takes no more. Then comes
what is not known yet: a warm-up, and a run as `dse.measure.runs` plans it from what the row
records.

- SingleStream: at least a second and 128 queries, or as many as ten seconds allow;
- Offline: a second with the planner's headroom, and at least four full batches of each instance;
- accuracy: every image, at the throughput of the row; nothing where accuracies are published.

What the tool measures once is counted once: the accuracy of a model, precision and runtime, and the
latency of these with the same threads. Anchor, repetitions and valid runs are left out.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dse.measure._loaded_model import WARM_CALLS
from dse.measure.runs import HEADROOM, LONG_S, OFFLINE_BATCHES, _queries
from dse.measure.spec import PROBE

if TYPE_CHECKING:
    from dse.core.measurement import Outcome

START_S = 0.75
"""Starting Python, importing a runtime and loading a model: 0.5 to 1 s on two cores of a Zen 4."""


class Stopwatch:
    """Adds up what a series of configurations takes."""

    def __init__(self) -> None:
        self.elapsed_s = 0.0
        self._known: set[str] = set()

    def add(self, outcome: Outcome) -> float:
        """Measures one more; returns the seconds that all of them take."""
        self.elapsed_s += START_S
        for measurement in outcome.measurements:
            if measurement.key not in self._known:
                self.elapsed_s += measurement.seconds
                self._known.add(measurement.key)
        return self.elapsed_s


def single_stream_s(latency_ms: float) -> float:
    """The seconds of a SingleStream probe."""
    call_s = latency_ms / 1e3
    run_s = max(PROBE.min_duration_ms / 1e3, _queries(PROBE, call_s) * call_s)
    return _warm_up_s(call_s) + run_s


def offline_s(samples_per_s: float, batch_size: int, instances: int) -> float:
    """The seconds of an Offline probe.

    Args:
        samples_per_s: of all instances together.
        batch_size: samples per call.
        instances: how many are called side by side.
    """
    call_s = batch_size * instances / samples_per_s
    fewest = max(1, min(OFFLINE_BATCHES, int(LONG_S / call_s)))
    run_s = max(HEADROOM * PROBE.min_duration_ms / 1e3, fewest * call_s)
    return _warm_up_s(call_s) + run_s


def accuracy_s(images: int, samples_per_s: float) -> float:
    """The seconds of an accuracy run."""
    return images / samples_per_s


def _warm_up_s(call_s: float) -> float:
    wanted = math.ceil(PROBE.warm_up_ms / 1e3 / call_s)
    return call_s * max(PROBE.warm_up_calls, min(WARM_CALLS, wanted))
