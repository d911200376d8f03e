"""How values came about: measured or not, in which scenario, by how long and how many runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.core.measurement import Source
from dse.core.metrics import METRICS, SCENARIOS, is_quality

if TYPE_CHECKING:
    from dse.core.measurement import Measurement

RUNS = {
    "probe": "short run",
    "standard": "longer run",
    "rehearsal": "rehearsal of a valid run",
    "valid": "run by MLPerf's rules, not verified by MLCommons Association",
}
"""What the fidelities are to a reader."""


def provenance(measurement: Measurement) -> str:
    """What a value rests on, in a line: the same for all values that came about alike."""
    if measurement.source is Source.PUBLISHED:
        return f"published, not measured here: {measurement.details.get('source', 'unknown')}"
    if measurement.source is Source.REPLAYED:
        return "recorded elsewhere, not measured here"
    if is_quality(measurement.metric):
        return _accuracy(measurement)
    estimated = METRICS[measurement.metric].estimated
    parts = ["estimated" if estimated else "measured"]
    if measurement.metric in SCENARIOS:
        parts += [SCENARIOS[measurement.metric].value, RUNS[measurement.fidelity]]
    if METRICS[measurement.metric].timed:
        count = int(measurement.details.get("repetitions", 1))
        parts.append(f"median of {count} processes" if count > 1 else "one process")
    if "disturbed" in measurement.details:
        parts.append("disturbed")
    return ", ".join(parts)


def _accuracy(measurement: Measurement) -> str:
    total, seen = (measurement.details.get(name) for name in ("total", "calibrated_on"))
    images = f" on {total} images" if total else ""
    calibrated = f", {seen} of which calibrated the model" if seen else ""
    return f"measured in LoadGen's accuracy mode{images}{calibrated}"
