"""How values came about: measured or not, in which scenario, by how long and how many runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.core.details import QualityDetails, TimedDetails
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


def provenance(measurement: Measurement, noun: str) -> str:
    """What a value rests on, in a line: the same for all values that came about alike.

    Args:
        measurement: the value.
        noun: what a sample of the data set is, in the plural.
    """
    if measurement.source is Source.PUBLISHED:
        source = QualityDetails.of(measurement.details).source
        return f"published, not measured here: {'unknown' if source is None else source}"
    if measurement.source is Source.REPLAYED:
        return "recorded elsewhere, not measured here"
    if is_quality(measurement.metric):
        return _quality(measurement, noun)
    estimated = METRICS[measurement.metric].estimated
    parts = ["estimated" if estimated else "measured"]
    if measurement.metric in SCENARIOS:
        parts += [SCENARIOS[measurement.metric].value, RUNS[measurement.fidelity]]
    if METRICS[measurement.metric].timed:
        count = TimedDetails.of(measurement.details).repetitions or 1
        parts.append(f"median of {count} processes" if count > 1 else "one process")
    if measurement.disturbed:
        parts.append("disturbed")
    return ", ".join(parts)


def _quality(measurement: Measurement, noun: str) -> str:
    details = QualityDetails.of(measurement.details)
    samples = f" on {details.total} {noun}" if details.total else ""
    seen = details.calibrated_on
    calibrated = f", {seen} of which calibrated the model" if seen else ""
    return f"measured in LoadGen's accuracy mode{samples}{calibrated}"
