"""Measures two configurations in turn, and tells how the machine's noise changes with time."""

from __future__ import annotations

import math
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from dse.core.errors import DseError, UnavailableError
from dse.core.metrics import LATENCY
from dse.exploration.noise import configuration, disturbances_of, find_probes, take_probe
from dse.machine.measuring_lock import do_nothing, measuring_lock
from dse.measure.spec import MetricRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dse.exploration.noise import Probe
    from dse.exploration.noise_parts import NoiseParts

METRIC = LATENCY
ONCE = (MetricRequest(METRIC.name, "first"),)
TWICE = (*ONCE, MetricRequest(METRIC.name, "second"))
TWICE_EVERY = 4
"""A quarter of the processes make two runs: enough for the noise within processes, while most
neighbours lie as close together as in a study."""
MIN_PAIRS = 4
"""The fewest pairs that anything is told from."""
ALPHA = 0.04
"""The chance of a false decision that `minutes_until_told_apart` allows: as in a study of two."""
DIFFERENCES_PERCENT = (2.0, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class TimedProcess:
    """A process that measured one of the two configurations.

    Attributes:
        configuration: which one, 0 or 1.
        at_s: when its first value was taken, in seconds after the series began.
        seconds: how long the process took.
        values: of its runs, one or two, in the metric's unit.
        disturbance: what disturbed it; empty where nothing did.
    """

    configuration: int
    at_s: float
    seconds: float
    values: tuple[float, ...]
    disturbance: str

    @property
    def again(self) -> float | None:
        """The value of its second run, if it made one."""
        return self.values[1] if len(self.values) > 1 else None


@dataclass(frozen=True, slots=True)
class NoiseSeries:
    """Two configurations, measured in turn in processes of their own.

    Attributes:
        backend: the runtime.
        version: of the runtime.
        processes: in the order in which they were measured.
        failure: what ended the series early; empty where nothing did.
    """

    backend: str
    version: str
    processes: tuple[TimedProcess, ...]
    failure: str = ""

    @property
    def enough(self) -> bool:
        """Whether `parts` can tell anything."""
        return len(self.processes) >= 2 * MIN_PAIRS

    @property
    def seconds(self) -> float:
        """When its last value was taken."""
        return self.processes[-1].at_s if self.processes else 0.0

    @property
    def disturbances(self) -> tuple[str, ...]:
        """What disturbed the processes that were disturbed."""
        return tuple(filter(None, (process.disturbance for process in self.processes)))

    @property
    def round_s(self) -> float:
        """How long it takes to measure both configurations once."""
        halves = (
            median(
                process.seconds
                for process in self.processes
                if process.configuration == which and len(process.values) == 1
            )
            for which in (0, 1)
        )
        return sum(halves)

    def parts(self) -> NoiseParts:
        """What the noise consists of; disturbed values count where there are hardly any others.

        Raises:
            UnavailableError: too few values.
        """
        # numpy is loaded when nothing is measured any more.
        from dse.exploration.noise_parts import TimedValue, split_noise

        if not self.enough:
            raise UnavailableError(
                f"the noise over time is not known: {len(self.processes)} processes are too few",
                remedy=f"leave it time for {2 * MIN_PAIRS}",
            )
        return split_noise(
            [
                TimedValue(process.at_s, process.configuration, process.values[0], process.again)
                for process in self._counted()
            ]
        )

    def _counted(self) -> Sequence[TimedProcess]:
        """The undisturbed processes, if they are at least half of each configuration's."""
        quiet = [process for process in self.processes if not process.disturbance]
        each = Counter(process.configuration for process in quiet)
        enough = max(MIN_PAIRS, len(self.processes) // 4)
        return quiet if min(each[0], each[1]) >= enough else self.processes

    def minutes_until_told_apart(self, parts: NoiseParts, percent: float) -> float:
        """About how long rounds of both configurations take until their order is decided.

        Args:
            parts: of this series.
            percent: how far their values lie apart.

        Returns:
            Infinite where no realistic time is enough.
        """
        from dse.core.confidence_sequence import rounds_needed

        apart = math.log1p(percent / 100)
        # As in a study, half of the evidence is that of the mean, a quarter that of the order.
        rounds = min(
            rounds_needed(apart, parts.ratio_sd, ALPHA / 2), self._rounds_by_order(apart, ALPHA / 4)
        )
        return rounds * self.round_s / 60

    def _rounds_by_order(self, apart: float, alpha: float) -> float:
        """The rounds that it takes if only the order of both counts, as fast as in this series."""
        import numpy as np

        from dse.core.swaps import LOWER_END, swap_evidence

        counted = set(self._counted())
        pairs = zip(self.processes[::2], self.processes[1::2], strict=False)
        both = [pair for pair in pairs if counted.issuperset(pair)]
        logs = np.log([[process.values[0] for process in pair] for pair in both]).reshape(-1, 2)
        if not len(logs):
            return math.inf
        ours, theirs = (logs - np.quantile(logs, LOWER_END, axis=0)).T.tolist()
        evidence = swap_evidence(tuple(ours), tuple(theirs), apart)
        return math.ceil(len(both) * -math.log(alpha) / evidence) if evidence > 1 else math.inf

    def as_dict(self, parts: NoiseParts) -> dict[str, Any]:
        """A JSON object with the parts and the values; null stands for what is not known."""
        told = {
            f"{percent:g}": self.minutes_until_told_apart(parts, percent)
            for percent in DIFFERENCES_PERCENT
        }
        return {
            "metric": METRIC.name,
            "version": self.version,
            "configurations": [configuration(self.backend, place).as_dict() for place in (0, 1)],
            "seconds": self.seconds,
            "failure": self.failure or None,
            "round_seconds": self.round_s,
            "minutes_to_tell_apart": {
                name: minutes if math.isfinite(minutes) else None for name, minutes in told.items()
            },
            **_parts_as_dict(parts),
            "processes": [asdict(process) for process in self.processes],
        }


def _parts_as_dict(parts: NoiseParts) -> Mapping[str, Any]:
    return {
        "used": parts.count,
        "left_out": parts.left_out,
        "sd_percent": 100 * parts.sd,
        "ratio_sd_percent": 100 * parts.ratio_sd,
        "lag_seconds": parts.lag_s,
        "share_common": parts.common,
        "share_common_interval": list(parts.common_interval),
        "share_between_processes": parts.between,
        "share_within_process": parts.within,
        "correlation_seconds": parts.correlation_s and asdict(parts.correlation_s),
        "correlations": [asdict(one) for one in parts.correlations],
    }


def measure_series(
    duration_s: float,
    *,
    waits: Callable[[], None] = do_nothing,
    stop: Callable[[], bool] = lambda: False,
) -> NoiseSeries:
    """Measures two short models in turn, one thread each, each time in a fresh process.

    The turn to measure is given up after each pair, so others that measure on this machine wait
    for seconds only. A probe that fails ends the series; what was taken before stays good.

    Args:
        duration_s: no pair begins after this time, but for the first `MIN_PAIRS`.
        waits: called before another process that measures on this machine is waited for.
        stop: asked before each pair; whether to end early.

    Raises:
        UnavailableError: no runtime that could be measured is installed.
        DseError: a probe of the first pair failed, or there is no room for its logs.
    """
    processes: list[TimedProcess] = []
    failure = ""
    with tempfile.TemporaryDirectory(prefix="dse-noise-") as folder:
        probes = find_probes(Path(folder), 2)
        began_s = time.monotonic()
        pair = 0
        while pair < MIN_PAIRS or time.monotonic() - began_s < duration_s:
            with measuring_lock(stop, waits) as turn:
                if not turn or stop():
                    break
                try:
                    processes += _take_pair(probes, pair, began_s)
                except DseError as error:
                    if not processes:
                        raise
                    failure = str(error)
                    break
            pair += 1
    backend, version = probes[0].spec.configuration.backend, probes[0].version
    return NoiseSeries(backend, version, tuple(processes), failure)


def _take_pair(probes: Sequence[Probe], pair: int, began_s: float) -> list[TimedProcess]:
    return [
        _take(probe, which, began_s, twice=_runs_twice(pair, which))
        for which, probe in enumerate(probes)
    ]


def _runs_twice(pair: int, which: int) -> bool:
    """Whether a process makes two runs; never both of a pair."""
    return pair % TWICE_EVERY == (TWICE_EVERY // 2) * which


def _take(probe: Probe, which: int, began_s: float, *, twice: bool) -> TimedProcess:
    requests = TWICE if twice else ONCE
    taken_s: list[float] = []
    started_s = time.monotonic()
    outcome = take_probe(
        replace(probe, spec=replace(probe.spec, requests=requests)),
        keep=lambda _: taken_s.append(time.monotonic()),
    )
    return TimedProcess(
        configuration=which,
        at_s=taken_s[0] - began_s,
        seconds=time.monotonic() - started_s,
        values=tuple(measurement.value for measurement in outcome.measurements),
        disturbance=disturbances_of(outcome),
    )
