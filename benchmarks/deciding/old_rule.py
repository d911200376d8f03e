"""How a frontier was decided before: by the intervals of values, each on its own.

A value has the interval of its repetitions' median. A point stays unless another is better beyond
the intervals throughout; it is certain where each other point that stays is surely worse in some
objective: where the interval of the difference leaves 0 out (G. Y. Zou and A. Donner, Statistics in
Medicine 27 (2008), 1693-1702). Noise that two points share counts twice.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.deciding.old_intervals import confidence_interval, pool_spread
from benchmarks.deciding.replayed import Replayed
from dse.core.intervals import typical_value
from dse.core.measurement import FIDELITY_ORDER
from dse.core.metrics import METRICS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.deciding.recording import Recording
    from dse.core.intervals import Spread
    from dse.core.measurement import FidelityName, Measurement
    from dse.study.observations import ObservationStore

MIN_DEGREES = 3
"""Degrees of freedom from which on the spread of one number of busy CPUs counts."""


@dataclass(frozen=True, slots=True)
class Value:
    """A value.

    Attributes:
        value: turned so that less is better.
        low: the lower end of its interval.
        high: the upper end.
        key: what was measured.
    """

    value: float
    low: float
    high: float
    key: str

    def surely_less(self, other: Value) -> bool:
        """Whether this value is surely the better one."""
        reach = math.hypot(self.high - self.value, other.value - other.low)
        return self.key != other.key and other.value - self.value > reach


Point = tuple[Value, ...]


def points(recording: Recording) -> dict[str, Point]:
    """The points that have a value of each objective, by the name of their configuration.

    Disturbed values, and those of drifts, count only where there are no others. Brief runs count
    like probes, so that both rules have the same seconds.
    """
    results = Replayed.of(recording).results
    objectives, measured = results.objectives, results.measured
    found: dict[str, dict[str, Value]] = defaultdict(dict)
    for metric in objectives:
        own: dict[str, Measurement] = {}
        cpus: dict[str, int] = {}
        for record in results.records.values():
            if m := record.outcome.measurement(metric):
                own[str(record.configuration)] = m
                cpus[m.key] = record.configuration.occupancy(metric).cpus
        series: dict[tuple[str, str], list[float]] = {
            (key, fidelity): _values(measured, key, fidelity)
            for key in cpus
            for fidelity in FIDELITY_ORDER
        }
        spreads = _spreads(series, cpus)
        for name, m in own.items():
            lengths = (series[m.key, fidelity] for fidelity in reversed(FIDELITY_ORDER))
            values = next(filter(None, lengths), [])
            found[name][metric] = _value(m, values, spreads[cpus[m.key]])
    return {
        name: tuple(of[metric] for metric in objectives)
        for name, of in found.items()
        if len(of) == len(objectives)
    }


def kept(found: Mapping[str, Point]) -> set[str]:
    """The points that no other dominates beyond the intervals."""
    return {
        name
        for name, point in found.items()
        if not any(_dominates(other, point) for other in found.values())
    }


def certain(found: Mapping[str, Point]) -> set[str]:
    """The points that are surely on the frontier."""
    left = kept(found)
    return {
        name
        for name in left
        if all(_beats(found[name], found[other]) for other in left if other != name)
    }


def surely_better(found: Mapping[str, Point], number: int) -> set[tuple[str, str]]:
    """The pairs whose first point is surely better than the second in an objective.

    Args:
        found: the points.
        number: of the objective.
    """
    return {
        (name, other)
        for name, point in found.items()
        for other, value in found.items()
        if point[number].surely_less(value[number])
    }


def _values(measured: ObservationStore, key: str, fidelity: FidelityName) -> list[float]:
    found = measured.clean_or_all(key, fidelity)
    if fidelity == "probe":
        found = [*found, *measured.clean_or_all(key, "brief")]
    return [m.value for m in found]


def _spreads(
    series: Mapping[tuple[str, str], Sequence[float]], cpus: Mapping[str, int]
) -> dict[int, Spread | None]:
    """The spread by the number of busy CPUs, or that of all where too few tell."""
    every = pool_spread(series.values())
    found = {}
    for count in set(cpus.values()):
        own = pool_spread(values for (key, _), values in series.items() if cpus[key] == count)
        found[count] = own if own and own.degrees >= MIN_DEGREES else every
    return found


def _value(measurement: Measurement, values: Sequence[float], spread: Spread | None) -> Value:
    metric = METRICS[measurement.metric]
    sign = -1.0 if metric.direction == "maximize" else 1.0
    if not metric.timed:
        value = sign * measurement.value
        # A published value has no key of its own: two of them may differ.
        key = "" if measurement.key == "published" else measurement.key
        return Value(value, value, value, key or str(value))
    value = sign * typical_value(values)
    interval = confidence_interval(values, spread) or (-math.inf, math.inf)
    low, high = sorted(sign * end for end in interval)
    return Value(value, low, high, measurement.key)


def _dominates(one: Point, other: Point) -> bool:
    """Whether a point is at least as good even where it has its worst ends, the other its best."""
    pairs = list(zip(one, other, strict=True))
    least = all(a.high <= b.low or a.key == b.key for a, b in pairs)
    return least and any((a.high < b.low or a.value < b.value) and a.key != b.key for a, b in pairs)


def _beats(one: Point, other: Point) -> bool:
    pairs = list(zip(one, other, strict=True))
    equal = all(a.key == b.key for a, b in pairs)
    return equal or any(a.surely_less(b) for a, b in pairs)
