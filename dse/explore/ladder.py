"""What to measure again, and for how long: only what may still be on the frontier."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.frontier import nondominated

if TYPE_CHECKING:
    from dse.study.record import Record
    from dse.study.results import Results
    from dse.types import FidelityName, Measurement

CERTAIN_REPETITIONS = 2
"""Enough for a point whose place is certain."""
ANCHOR_PROBES = 4
"""Measurements of the anchor that tell of the noise before anything else was repeated."""
MOST_PROBES = 3
"""A machine that goes on drifting is not waited for longer."""


def contender(results: Results, repetitions: int) -> tuple[Record, list[str]] | None:
    """The point of the frontier to measure again at the ``standard`` fidelity.

    Those whose values no other's dominate go first: once they are known better, others that
    only wide intervals have kept drop out without a further measurement.

    Args:
        results: of the study.
        repetitions: how often a point that is not certain is measured.

    Returns:
        The point and the metrics to take; None when all are known well enough.
    """
    frontier = results.frontier
    objectives = results.objectives
    leading = set(nondominated([r.outcome.values for r in frontier], objectives))
    found = []
    for position, record in enumerate(frontier):
        wanted = min(repetitions, CERTAIN_REPETITIONS) if results.certain(record) else repetitions
        lacking = [m for m in results.timed(record.outcome) if _lacks(results, m, wanted)]
        if lacking:
            fewest = min(len(results.measured.taken(m.key, "standard")) for m in lacking)
            rank = (position not in leading, fewest, record.id)
            found.append((rank, record, [m.metric for m in lacking]))
    if not found:
        return None
    _, record, metrics = min(found, key=lambda each: each[0])
    return record, metrics


def _lacks(results: Results, measurement: Measurement, wanted: int) -> bool:
    measured = results.measured
    # A machine that is disturbed each time is not waited for without end.
    return (
        len(measured.counting(measurement.key, "standard")) < wanted
        and len(measured.taken(measurement.key, "standard")) < 2 * wanted
    )


def stale(results: Results) -> tuple[Record, list[str]] | None:
    """A record to probe again, for the machine was not itself when it was probed.

    None while it still is not, or when there is none.
    """
    measured = results.measured
    for record in results.stale():
        metrics = [
            m.metric
            for m in results.timed(record.outcome)
            if measured.stale(m)
            and not measured.drifting(m.metric)
            and len(measured.taken(m.key, "probe")) < MOST_PROBES
        ]
        if metrics:
            return record, metrics
    return None


def noise_unknown(results: Results) -> bool:
    """Whether the anchor has to tell of the noise first: nothing else does, and it matters."""
    anchor = results.anchor
    if anchor is None or all(map(results.certain, results.frontier)):
        return False
    return any(_known(results, m, "probe") < ANCHOR_PROBES for m in results.timed(anchor.outcome))


def _known(results: Results, measurement: Measurement, fidelity: FidelityName) -> int:
    return len(results.measured.taken(measurement.key, fidelity))
