"""What to measure again, and for how long: only what may still be on the frontier."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.machine.process_identity import process_identity
from dse.study.record import machine_of

if TYPE_CHECKING:
    from dse.core.measurement import FidelityName, Measurement
    from dse.study.record import Record
    from dse.study.results import StudyResults

ANCHOR_PROBES = 4
"""Measurements of the anchor that tell of the noise before anything else was repeated."""
MAX_PROBES = 3
"""A machine that goes on drifting is not waited for longer."""


def next_drifted(results: StudyResults) -> tuple[Record, list[str]] | None:
    """A record to probe again, because it was probed during a drift.

    None while the drift lasts, when this machine differs from the study's first one, or when no
    record needs it.
    """
    measured, here = results.measured, machine_of(process_identity())
    for record in results.stale():
        metrics = [
            m.metric
            for m in results.timed(record.outcome)
            if m.fidelity == "probe"  # else no probe changes its value
            and measured.stale(m)
            and not measured.drifting(m.metric)
            and (m.metric, here) not in measured.deviations()
            and len(measured.all(m.key, "probe")) < MAX_PROBES
        ]
        if metrics:
            return record, metrics
    return None


def anchor_in_doubt(results: StudyResults) -> bool:
    """Whether the anchor must be measured again at once, because its last value is unusual.

    The next one tells whether that was an odd process or the machine is not itself.
    """
    here = machine_of(process_identity())
    timed = results.timed(results.anchor.outcome) if results.anchor else []
    return any(results.measured.unconfirmed(m.metric, here) for m in timed)


def noise_unknown(results: StudyResults) -> bool:
    """Whether the anchor must be measured first, because the noise is not known and matters."""
    anchor, frontier = results.anchor, results.frontier
    if anchor is None or all(map(frontier.certain, frontier)):
        return False
    return any(_known(results, m, "probe") < ANCHOR_PROBES for m in results.timed(anchor.outcome))


def next_for_noise(results: StudyResults) -> tuple[Record, list[str]] | None:
    """A point to probe again, because the noise of such measurements is not known.

    That depends on how the CPUs are occupied (`ObservationStore.spread`), and the anchor tells of
    its own way only.
    """
    measured = results.measured
    for record in results.frontier:
        # Also where it seems certain: that may rest on the noise of others.
        metrics = []
        for measurement in results.timed(record.outcome):
            occupancy = record.configuration.occupancy(measurement.metric)
            unknown = measured.noise(measurement.metric, occupancy) is None
            if unknown and _known(results, measurement, "probe") < ANCHOR_PROBES:
                metrics.append(measurement.metric)
        if metrics:
            return record, metrics
    return None


def _known(results: StudyResults, measurement: Measurement, fidelity: FidelityName) -> int:
    return len(results.measured.all(measurement.key, fidelity))
