"""Recordings made by hand: the values of each process are written down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.deciding.recording import Recording, Taken
from benchmarks.deciding.twins import NAMES, SPACE, TIMED
from dse.core.configuration import Configuration
from dse.core.measurement import Measurement, Outcome, Source
from dse.study.record import Purpose
from dse.study.rounds import RoundPlace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

TWINS = tuple(Configuration(f"twin-{letter}", "fp32", "onnxruntime", 1, 1) for letter in "ab")
assert tuple(map(str, TWINS)) == NAMES
PROBE_S = 2.0


def taken(
    configuration: Configuration,
    values: Mapping[str, float],
    at: float = 0.0,
    place: RoundPlace | None = None,
    quality: float | None = 50.0,
) -> Taken:
    """A trial with these timed values, and a published quality where it explores."""
    measurements = [
        Measurement(metric, value, f"{configuration.key} {metric}", Source.MEASURED, seconds=1.0)
        for metric, value in values.items()
    ]
    if place is None and quality is not None:
        found = Measurement("accuracy_percent", quality, "published", Source.PUBLISHED)
        measurements.append(found)
    purpose = Purpose.EXPLORE if place is None else Purpose.ROUND
    outcome = Outcome(tuple(measurements))
    return Taken(configuration, purpose, at, PROBE_S, outcome, frozenset(values), place)


def values(latency: float) -> dict[str, float]:
    """Latency in milliseconds, and the throughput of one sample at a time."""
    return dict(zip(TIMED, (latency, 1000 / latency), strict=True))


def rounds(
    configurations: Sequence[Configuration], latencies: Iterable[Sequence[float]]
) -> list[tuple[Taken, ...]]:
    """Rounds in which these latencies were measured, one for each configuration."""
    found, at = [], 1000.0
    for number, row in enumerate(latencies):
        trials = []
        for position, latency in enumerate(row):
            place = RoundPlace(f"r{number}", position, len(row))
            trials.append(taken(configurations[position], values(latency), at, place))
            at += PROBE_S
        found.append(tuple(trials))
    return found


def noisy(ratio: float, count: int = 31, level: float = 1.0) -> list[tuple[float, float]]:
    """Latencies of two rivals: much of their noise is common, and their ratio is known well."""
    common = [level * (1 + (7 * n % 11 - 5) / 50) for n in range(count)]
    return [(c, c * ratio * (1 + (n % 3 - 1) / 500)) for n, c in enumerate(common)]


def twins(
    latencies: Sequence[Sequence[float]], qualities: tuple[float, float] = (50.0, 50.0)
) -> Recording:
    """A study of the twins: the first latencies explore, the others are of rounds."""
    first, *others = latencies
    explored = [
        taken(c, values(v), quality=q) for c, v, q in zip(TWINS, first, qualities, strict=True)
    ]
    settled = [trial for trials in rounds(TWINS, others) for trial in trials]
    return Recording("a machine", SPACE, (*explored, *settled))
