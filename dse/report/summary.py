"""A study as the JSON objects that others rely on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from dse.core import plausibility
from dse.core.details import QualityDetails
from dse.core.measurement import FIDELITY_ORDER, Source
from dse.core.metrics import ENERGY, METRICS, SCENARIOS
from dse.core.wording import format_count, join_some
from dse.core.worker_environment import format_variables, user_variables
from dse.report._qualities import indistinct_lines
from dse.report.failures import reasons
from dse.report.running import claims
from dse.report.settling import describe_left_out
from dse.report.standing import standing_on
from dse.study.frontier import timed as varies
from dse.study.settling import settling_of
from dse.tasks import registry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dse.core.measurement import Measurement
    from dse.core.metrics import Metric
    from dse.report.view import View
    from dse.study.record import Record
    from dse.study.study import Study


MAX_NAMED, MAX_SOURCES = 10, 3
"""Points and other studies that a line names at most."""


def status(study: Study) -> dict[str, Any]:
    """How far a study is, why configurations failed, who measures, and doubts about accuracies.

    What ``dse status --json`` says. Reasons and notes are of all configurations: what is shown as a
    study grows takes `counts`.
    """
    told = [reason.as_dict(study.folder.runs) for reason in reasons(study)]
    claimed = claims(study)
    return {
        **counts(study),
        "frontier": _settled(study),
        "reasons": told,
        "notes": [*doubts(study), *drifted_lines(study)],
        **({"claims": claimed} if claimed else {}),
    }


def _settled(study: Study) -> dict[str, Any]:
    """How much of the frontier is decided, and the seconds that rounds of the rest would take.

    Beyond rounds is what they can't decide: qualities that the samples don't tell apart, values
    that lie at a constraint, and what was measured in a drift only. Left out is what is most likely
    dominated by the points that are there, and a bound of how much of it is expected by error.
    """
    state, contenders = settling_of(study), study.results.frontier.contenders
    return {
        "points": state.points,
        "decided": state.decided,
        "undecided": state.undecided,
        "beyond_rounds": state.points - state.decided - state.undecided,
        "left_out": contenders.left_out,
        "left_out_wrongly": math.ceil(1000 * contenders.left_out_wrongly) / 1000,
        "seconds_needed": round(state.needed_s, 1) if math.isfinite(state.needed_s) else None,
    }


def counts(study: Study) -> dict[str, Any]:
    """How far a study is."""
    failures = {kind.value: count for kind, count in study.results.failed.items() if count}
    failed = sum(failures.values())
    return {
        "study": study.folder.name,
        "configurations": {
            "measured": len(study.records) - failed,
            "failed": failed,
            "remaining": max(0, study.about.planned - len(study.records)),
        },
        "measurements_taken": study.measurements_taken,
        "failures": dict(sorted(failures.items())),
        **environment(study),
        **_borrowed(study),
    }


def describe_counts(numbers: Mapping[str, Any]) -> str:
    """How many configurations of a study are measured, have failed and remain; see `counts`."""
    return ", ".join(f"{count} {what}" for what, count in numbers["configurations"].items())


def describe_system(study: Study) -> dict[str, str]:
    """The CPU of a study as a JSON object."""
    return {"fingerprint": study.system.fingerprint, "cpu": study.system.cpu}


def describe_metric(metric: Metric) -> dict[str, Any]:
    """An objective or a goal as a JSON object."""
    return {
        "name": metric.name,
        "unit": metric.unit,
        "direction": metric.direction,
        **({"estimate": True} if metric.estimated else {}),
    }


def frontier(view: View) -> dict[str, Any]:
    """The frontier: the object that ``dse frontier --json`` prints."""
    study, best = view.study, view.frontier
    return {
        "study": study.folder.name,
        "system": describe_system(study),
        "objectives": list(map(describe_metric, view.objectives)),
        "points": [
            _viewed(record, view)
            | {"standing": standing_on(best, record), "certain": best.certain(record)}
            | {"notes": view.notes(record)}
            | _defined(record, view)
            for record in ordered(best)
        ],
        "left_out": best.contenders.left_out,
        **(view.tally.as_dict(view.derivation) if view.derivation.asked else {}),
        **environment(study),
        **_borrowed(study),
    }


def environment(study: Study) -> dict[str, Any]:
    """The variables that were set for the study's sake, where any were."""
    variables = user_variables(study.about.environment)
    return {"environment": variables} if variables else {}


def _borrowed(study: Study) -> dict[str, Any]:
    """Whose results led the search, where any did; their values are nowhere in the study."""
    return {"borrowed": list(study.about.borrowed)} if study.about.borrowed else {}


def doubts(study: Study) -> list[str]:
    """What speaks against accuracies of the study, a line for each reason."""
    records = sorted(study.records.values(), key=lambda record: record.id)
    return plausibility.lines((f"#{r.id}", study.results.notes(r.outcome)) for r in records)


def drifted_lines(study: Study) -> list[str]:
    """Which configurations were measured in a drift only; nothing where none was."""
    stale = study.results.stale()
    if not stale:
        return []
    ids = join_some([f"#{record.id}" for record in stale], MAX_NAMED)
    count = format_count(len(stale), "configuration")
    return [f"measured during a drift only: {count} ({ids})"]


def ordered(records: Sequence[Record]) -> list[Record]:
    """The most accurate first; then the fastest."""

    def rank(record: Record) -> tuple[float, ...]:
        values = record.outcome.values
        signed = (
            values.get(m.name, 0.0) * (-1 if m.direction == "maximize" else 1)
            for m in METRICS.values()
        )
        return (*signed, record.id)

    return sorted(records, key=rank)


def point(record: Record, objectives: tuple[str, ...]) -> dict[str, Any]:
    """One point of the frontier; an interval is None where the noise of a value is not known."""
    measurements = [m for m in record.outcome.measurements if m.metric in objectives]
    rungs = [FIDELITY_ORDER.index(m.fidelity) for m in measurements if _timed(m)]
    fidelity = FIDELITY_ORDER[min(rungs, default=0)]
    seen = calibrated_on(record)
    return {
        "id": record.id,
        "configuration": record.configuration.as_dict(),
        "values": {m.metric: m.value for m in measurements},
        "intervals": {
            m.metric: list(m.interval) if m.interval else None
            for m in measurements
            if m.interval or varies(m)
        },
        "accuracy_source": accuracy_source(record),
        "validity": "valid" if fidelity == "valid" else "probe",
        "fidelity": fidelity,
        **({"calibrated_on": seen} if seen else {}),
    }


def _viewed(record: Record, view: View) -> dict[str, Any]:
    """One point with the objectives that were asked for, measured or the user's."""
    names = [metric.name for metric in view.objectives]
    # All metrics that are shown say how valid the point is: a user's metric has no runs of its own.
    found = point(record, view.metrics if view.derivation.objectives else tuple(names))
    amounts = view.assessed(record).amounts
    values = {**found["values"], **{name: each.value for name, each in amounts.items()}}
    intervals = {name: list(each.interval) for name, each in amounts.items() if each.interval}
    shown = found["intervals"]
    return {
        **found,
        "values": {name: value for name, value in values.items() if name in names},
        "intervals": {n: i for n, i in shown.items() if n in names} | intervals,
    }


def _defined(record: Record, view: View) -> dict[str, Any]:
    """The metrics of the user, where there are any."""
    if not view.derivation.definitions:
        return {}
    return {"derived": {name: a.value for name, a in view.assessed(record).amounts.items()}}


def _timed(measurement: Measurement) -> bool:
    """Whether it was taken in a scenario of LoadGen, and so can be valid; what it costs can't."""
    return measurement.metric in SCENARIOS and measurement.source is Source.MEASURED


def accuracy_source(record: Record) -> str:
    """``published``, or ``measured`` (also where a table recorded what was measured)."""
    accuracy = record.outcome.quality
    if accuracy is not None and accuracy.source is Source.PUBLISHED:
        return Source.PUBLISHED.value
    return Source.MEASURED.value


def calibrated_on(record: Record) -> int:
    """How many of the samples behind a measured quality the model was calibrated on."""
    accuracy = record.outcome.quality
    return QualityDetails.of(accuracy.details).calibrated_on or 0 if accuracy is not None else 0


def notes(view: View) -> list[str]:
    """What a reader must know to judge the values."""
    study = view.study
    sources = {m.source for r in study.records.values() for m in r.outcome.measurements}
    lines, noun = doubts(study), registry.task(study.about.task).noun
    if Source.PUBLISHED in sources:
        origins = {
            str(QualityDetails.of(m.details).source)
            for r in study.records.values()
            for m in r.outcome.measurements
            if m.source is Source.PUBLISHED
        }
        lines.append("accuracy is published, not measured here: " + "; ".join(sorted(origins)))
    if seen := max(map(calibrated_on, study.records.values()), default=0):
        lines.append(
            f"accuracy of int8 made here includes the {seen} {noun} that it was calibrated on"
        )
    if Source.REPLAYED in sources:
        lines.append("values of the replay backend were recorded elsewhere, not measured here")
    if ENERGY.name in study.about.metrics:
        lines.append("energy is an estimate: it includes all that the CPU did meanwhile")
    if Source.MEASURED in sources:
        lines.append(_lengths(view.frontier))
    if variables := user_variables(study.about.environment):
        lines.append(f"measured with {format_variables(variables)} in the environment")
    if borrowed := study.about.borrowed:
        names = join_some([each["name"] for each in borrowed], MAX_SOURCES)
        lines.append(f"results of {names} led the search; no value here is theirs")
    if view.frontier.contenders.left_out:
        lines.append(f"left out: {describe_left_out(view.frontier.contenders)}")
    lines += view.tally.lines(view.derivation)
    return [*lines, *indistinct_lines(view, noun), *_unknown_noise(view)]


def _unknown_noise(view: View) -> list[str]:
    """Of which values no interval is known, because too little was repeated as they were."""
    kinds = {
        record.configuration.occupancy(measurement.metric)
        for record in view.frontier
        for measurement in record.outcome.measurements
        if measurement.metric in view.metrics and varies(measurement) and not measurement.interval
    }
    known = "; ".join(map(str, sorted(kinds)))
    return [f"\u00b1 unknown: too little was repeated with {known}"] if kinds else []


def _lengths(points: Sequence[Record]) -> str:
    """Which latencies and throughputs of a frontier are by MLPerf's rules."""
    timed = {r.id: [m for m in r.outcome.measurements if _timed(m)] for r in points}
    valid = {
        id_: [SCENARIOS[m.metric].value for m in measurements if m.fidelity == "valid"]
        for id_, measurements in timed.items()
    }
    if not any(valid.values()):
        return "latency and throughput are short runs, not valid MLPerf results"
    verified = "not verified by MLCommons Association"
    if all(len(valid[id_]) == len(measurements) for id_, measurements in timed.items()):
        return f"latency and throughput are from runs by MLPerf's rules; {verified}"
    named = "; ".join(f"#{id_} {', '.join(names)}" for id_, names in valid.items() if names)
    return f"by MLPerf's rules, {verified}: {named}; all others are short runs"
